"""Systems in turn, round by round: a machine whose speed changes treats all alike."""

import statistics

from common.progress import say


def in_turn(systems, repeat, report, work, measure):
    """Name -> what `measure(system, label)` gave, a round an entry; None where it failed.

    A system that fails is named, and the others go on.
    """
    rounds = {system.name: [] for system in systems}
    for number in range(1, repeat + 1):
        for system in systems:
            try:
                taken = measure(system, f"round {number}/{repeat} {system.name}")
            except RuntimeError as error:
                say(f"{system.name}, {work}: {error}")
                report.wrong.append(f"{system.name}, {work}: {error}")
                taken = None
            rounds[system.name].append(taken)
    return rounds


def ratio(ours, theirs, value):
    """The median of the ratios within the rounds, or None where no round has both.

    `value(run)` is None for a run that does not count.
    """
    pairs = [(value(mine), value(other)) for mine, other in zip(ours, theirs) if mine and other]
    within = [mine / other for mine, other in pairs if mine and other]
    return round(statistics.median(within), 3) if within else None


def add_ratios(report, prefix, rounds, ours, value):
    """`<prefix>_ours_vs_<peer>` for every peer, more is better."""
    for name, theirs in rounds.items():
        found = None if name == ours else ratio(rounds.get(ours, []), theirs, value)
        if found is not None:
            report.ratios["_".join(filter(None, (prefix, "ours_vs", name.replace("-", "_"))))] = found
