"""Over HTTP: requests a second, and how late an answer is.

Three ways, each with one row a request and with a hundred:

- flat out: some connections, each asks again as soon as it has its answer;
- one at a time: the same with one connection, which shows what one answer takes;
- at a rate: questions have times at which they are due, and a time begins there.

The load generator is bench/load, on the same machine.
"""

import time
from dataclasses import dataclass

from answering import bodies, spent
from answering.load_events import LoadEvents
from answering.spent import Spent
from common.children import stopping
from common.progress import going_on, say
from peers import served as servers

# Before anything counts, in seconds.
WARM_S = 2.0
CONNECTIONS = 16
# Answers are stored behind a queue: they have so many seconds after the last.
STORED_S = 10


@dataclass
class Asked:
    way: str
    rows: int
    answered: int
    seconds: float
    latency: dict
    spent: Spent
    wrong: str | None
    # Rows answered, the warm-up's too.
    rows_in_all: int

    @property
    def per_s(self):
        return self.answered / self.seconds


@dataclass
class Plan:
    """How long, and at which rates."""

    seconds: float
    # Requests a second, with one row each.
    rates: tuple
    # Rows a request that are asked, of those that a server is asked at all.
    rows: tuple = bodies.ROWS
    warm_s: float = WARM_S


def measure(system, bed, plan, label, report, seen=lambda rows, answer: None):
    """One run of one system: (rows, way) -> Asked. `seen` is given a first answer."""
    taken = {}
    for rows in (rows for rows in system.works if rows in plan.rows):
        with bed.place() as place:
            children, served = system.serve(bed, place, rows)
            with stopping(children):
                with going_on(f"{system.name} starts"):
                    seen(rows, servers.answers(served, children, system.startup_limit_s))
                # The first id that nobody had.
                first = 0
                for way, flags in _ways(plan, rows):
                    one = _ask(system, bed, children, served, rows, way, flags, plan, first)
                    first += 10**9
                    taken[rows, way] = one
                    say(f"{label} {system.name}, {_rows(rows)}, {way}: {_words(one)}")
                system.ending(children)
                if system.stores:
                    # That of the first question beside them.
                    count = rows + sum(one.rows_in_all for key, one in taken.items()
                                       if key[0] == rows)
                    stored = _stored(system, bed, place, count)
                    report.notes.append(f"{system.name}, {_rows(rows)}, {label}: of {count:,}"
                                        f" answers over HTTP {stored:,} are stored")
    return taken


def _stored(system, bed, place, count):
    until = time.monotonic() + STORED_S
    while True:
        stored = bed.rows(place, system.stores)
        if stored == count or time.monotonic() > until:
            return stored
        time.sleep(0.5)


def _ways(plan, rows):
    yield "flat out", ["--connections", CONNECTIONS]
    yield "one at a time", ["--connections", 1]
    if rows == 1:
        for rate in plan.rates:
            yield f"{rate:,.0f}/s", ["--connections", CONNECTIONS, "--rate", rate]


def _ask(system, bed, children, served, rows, way, flags, plan, first):
    with LoadEvents(
        bed, "http", "--address", served.address, "--path", served.path,
        "--bodies", served.bodies, "--seconds", plan.seconds, "--warm-s", plan.warm_s,
        "--first", first, *flags,
    ) as asking:
        _, end, used = spent.between(asking, bed, children, plan.warm_s + 60, plan.seconds + 120)
    wrong = None
    if end["failed"]:
        wrong = f"{end['failed']:,} failed: {end['statuses']} {end['broken']}"
    return Asked(
        way, rows, end["answered"], end["seconds"], end["latency"], used, wrong,
        end["answered_in_all"] * rows,
    )


def _rows(rows):
    return "1 row" if rows == 1 else f"{rows} rows"


def _words(one):
    latency = one.latency
    return (
        f"{one.per_s:,.0f} requests/s, p50 {latency['p50_ms']:.2f} ms,"
        f" p99 {latency['p99_ms']:.2f} ms" + (f"; WRONG: {one.wrong}" if one.wrong else "")
    )


def add_rows(report, name, runs):
    """What the runs of one system showed, each a dictionary of (rows, way)."""
    runs = [run for run in runs if run]
    for rows, way in dict.fromkeys(key for run in runs for key in run):
        work = f"HTTP, {_rows(rows)}, {way}"
        every = [run.get((rows, way)) for run in runs]
        right = [one for one in report.right(name, work, every) if one.answered]
        if not right:
            continue
        report.row(name, work, "throughput", "requests/s", [one.per_s for one in right])
        report.latencies(name, work, "latency", [one.latency for one in right])
        spent.add_rows(report, name, work, "rows",
                       [(one.spent, one.answered * rows) for one in right], ("system",))


def flat_out(rows):
    """The throughput of a run with so many rows a request, or None: for ratios."""
    def value(run):
        one = run.get((rows, "flat out"))
        return one.per_s if one and one.wrong is None else None
    return value
