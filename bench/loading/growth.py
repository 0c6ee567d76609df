"""How data-loader grows: with members of a group, and with rows; \\copy beside it."""

from loading.listings import made
from loading.speed import STARTUP_ROWS, add_rows, one_round

MEMBERS = (2, 4)
ROWS = (10_000, 100_000, 10_000_000)
# From so many rows on one round is enough: chance weighs little in a long run.
ONCE_FROM_ROWS = 5_000_000


def measure(chosen, bed, rows, repeat, report):
    """Members at `rows`, then rows with one member; what `speed` has measured is not repeated."""
    small = made(STARTUP_ROWS)
    ours = [system for system in chosen if system.name == "ours"]
    for system in ours:
        large = made(rows)
        rounds = {members: [] for members in MEMBERS}
        for number in range(1, repeat + 1):
            for members in MEMBERS:
                label = f"{members} members, round {number}/{repeat}"
                rounds[members].append(
                    one_round(system, bed, small, large, label, members=members)
                )
        for members in MEMBERS:
            add_rows(report, system.name, f"{rows:,} rows, {members} members", rounds[members])
    beside = [system for system in chosen if system.name in ("ours", "copy")]
    for count in ROWS:
        if count == rows:
            continue
        large = made(count)
        rounds = {system.name: [] for system in beside}
        times = 1 if count >= ONCE_FROM_ROWS else repeat
        for number in range(1, times + 1):
            for system in beside:
                label = f"{count:,} rows, round {number}/{times}"
                rounds[system.name].append(one_round(system, bed, small, large, label))
        for system in beside:
            add_rows(report, system.name, f"{count:,} rows", rounds[system.name])
