"""Over HTTP: requests per second and how late an answer is, at the maximum rate, one at a time, and at a rate."""

import subprocess
from dataclasses import dataclass

import numpy

from answering import bodies
from common.children import Child, stopping, until
from common.latency import percentiles
from common.progress import going_on, say
from common.usage import Spent
from peers import served as servers

CONNECTIONS = 16
# Answers are stored behind a queue: they have so many seconds after the last.
STORED_S = 10


@dataclass
class Asked:
    answered: int
    # Of those that count, by status other than 200; 0 stands for no answer.
    failed: dict
    # Answered, the warm-up's too.
    in_all: int
    seconds: float
    latency: dict
    spent: Spent | None = None

    @property
    def per_s(self):
        return self.answered / self.seconds

    @property
    def wrong(self):
        return f"failed, by status: {self.failed}" if self.failed else None


class Asking:
    """A running load generator."""

    def __init__(self, bed, served, seconds, warm_s, *flags):
        self.seconds, self._warm_s = seconds, warm_s
        self._results = bed.directory / f"results-{bed.number('results')}"
        command = [bed.built / "load", "--address", served.address, "--path", served.path, "--bodies", served.bodies]
        command += ["--seconds", seconds, "--warm-s", warm_s, "--results", self._results, *flags]
        self._child = Child(command, bed.log("load"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def begin(self, needed):
        """Waits until requests count."""
        self._child.line(self._warm_s + 60, needed)

    def end(self, needed, early=False):
        """Waits until the last answer, or ends early."""
        if early:
            self._child.tell()
        self.seconds = float(self._child.line(self.seconds + 120, needed).split()[1])

    def asked(self):
        """What the load generator saw, once it has ended."""
        if self._child.wait(120) != 0:
            raise RuntimeError(f"the load generator failed: {self._child.last_words()}")
        due, took, status = numpy.fromfile(self._results, "<i8").reshape(-1, 3).T
        counts = due >= 0
        found, numbers = numpy.unique(status[counts], return_counts=True)
        failed = {int(one): int(number) for one, number in zip(found, numbers) if one != 200}
        answered = int((counts & (status == 200)).sum())
        latency = percentiles(took[counts & (status != 0)])
        return Asked(answered, failed, int((status == 200).sum()), self.seconds, latency)

    def stop(self):
        self._child.stop()


@dataclass
class Plan:
    """How long, at which rates (requests of one row per second), and how many rows a request."""

    seconds: float
    rates: tuple = ()
    rows: tuple = bodies.ROWS
    warm_s: float = 2.0


def measure(system, bed, plan, label, report, seen=lambda rows, answer: None):
    """One run of one system: (rows, way) -> Asked. `seen` is given a first answer."""
    taken = {}
    for rows in (rows for rows in system.works if rows in plan.rows):
        with bed.place() as place:
            children, served = system.serve(bed, place, rows)
            with stopping(children):
                with going_on(f"{system.name} starts"):
                    seen(rows, servers.answers(served, children, system.startup_limit_s))
                # Ids that nobody had.
                for number, (way, flags) in enumerate(_ways(plan, rows)):
                    asking = Asking(bed, served, plan.seconds, plan.warm_s, "--first", number * 10**9, *flags)
                    _, _, spent = bed.spent(children, lambda: asking.begin(children), lambda: asking.end(children))
                    one = taken[rows, way] = asking.asked()
                    one.spent = spent
                    say(f"{label}, {_work(rows, way)}: {one.per_s:,.0f} requests/s, p50"
                        f" {one.latency['p50']:.2f} ms, p99 {one.latency['p99']:.2f} ms {one.wrong or ''}")
                system.ending(children)
                if system.stores:
                    # That of the first request beside them.
                    count = rows + rows * sum(one.in_all for (of, _), one in taken.items() if of == rows)
                    stored = _stored(system, place, count)
                    report.notes.append(f"{label}, {_work(rows, 'all')}: of {count:,} answers {stored:,} are stored")
    return taken


def _stored(system, place, count):
    try:
        until(lambda: place.rows(system.stores) == count, STORED_S, "all are stored", 0.5)
    except RuntimeError:
        return place.rows(system.stores)
    return count


def _ways(plan, rows):
    yield "maximum rate", ["--connections", CONNECTIONS]
    yield "one at a time", ["--connections", 1]
    if rows == 1:
        for rate in plan.rates:
            yield f"{rate:,.0f}/s", ["--connections", CONNECTIONS, "--rate", rate]


def _work(rows, way):
    return f"HTTP, {rows} row{'s' if rows > 1 else ''}, {way}"


def add_rows(report, name, runs):
    """What the runs of one system showed, each a dictionary of (rows, way)."""
    runs = [run for run in runs if run]
    for rows, way in dict.fromkeys(key for run in runs for key in run):
        work = _work(rows, way)
        right = [one for one in report.right(name, work, [run.get((rows, way)) for run in runs]) if one.answered]
        if not right:
            continue
        report.row(name, work, "throughput", "requests/s", [one.per_s for one in right])
        report.latencies(name, work, "latency", [one.latency for one in right])
        report.spent(name, work, "rows", [(one.spent, one.answered * rows) for one in right])


def flat_out(rows):
    """The throughput of a run with so many rows a request, or None: for ratios."""
    def value(run):
        one = run.get((rows, "maximum rate"))
        return one.per_s if one and not one.wrong else None

    return value
