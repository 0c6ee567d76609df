"""Flat out: a full topic of requests is answered, as fast as the system can.

The topic is filled before; the system starts as a new group, at its beginning. While it works, only
the ends of the answers' partitions are looked at, every 25 ms. What counts is

    answers/s = (answers - those at the first look that saw any) / (time from there to the last)

so that nobody pays for starting, nor for a group forming. Processor time is taken between the same
moments. Afterwards all answers are read: a request without an answer, with two, or with one that has
no price is told as wrong, and that run has no rate.
"""

from dataclasses import dataclass

from answering import spent
from answering.load_events import LoadEvents
from answering.spent import Spent
from common.children import stopping
from common.progress import going_on, say
from common.servers import PARTITIONS

# A system that has begun and answers nothing more for so long has stopped, in seconds.
STALL_S = 60


@dataclass
class Drained:
    # Answers between the two moments, and how far these are apart.
    answers: int
    seconds: float
    # From the start of the process to the last answer.
    wall_s: float
    spent: Spent
    wrong: str | None

    @property
    def per_s(self):
        return self.answers / max(self.seconds, 1e-3)


def measure(system, bed, count, label):
    with bed.place(bed.full(count)) as place, LoadEvents(
        bed, "drain", "--brokers", bed.brokers, "--topic", place.answers,
        "--partitions", PARTITIONS, "--count", count,
        "--stall-s", max(STALL_S, system.startup_limit_s),
    ) as watcher:
        watcher.next("watching", 30)
        with stopping(system.start(bed, place)) as children:
            taken = _watched(system, bed, place, watcher, children, count)
    say(
        f"{label} {system.name}: {taken.per_s:,.0f} answers/s ({taken.seconds:.2f} s), processor"
        f" {taken.spent.system_s:.1f} s, PostgreSQL's {taken.spent.database_s:.1f} s,"
        f" {taken.spent.peak_bytes / 1e6:,.0f} MB" + (f"; WRONG: {taken.wrong}" if taken.wrong else "")
    )
    return taken


def _watched(system, bed, place, watcher, children, count):
    with going_on(f"{system.name} answers"):
        # It gives up by itself when nothing more comes.
        first, last, used = spent.between(watcher, bed, children, system.startup_limit_s + 30, 3600)
    stored = bed.rows(place, system.stores) if system.stores else None
    system.ending(children)
    for child in children:
        child.stop()
    watcher.say()
    judged = watcher.next("judged", 300)
    return Drained(
        answers=last["answers"] - first["answers"],
        seconds=last["seconds"],
        wall_s=last["since_watching_s"],
        spent=used,
        wrong=wrong_with(judged, stored, count, system.prices),
    )


def wrong_with(judged, stored, count, prices):
    """What is not as it should be, or None.

    `stored` is None for a system that stores nothing; `prices` says whether answers have prices.
    """
    faults = []
    for name in ("missing", "twice", "unknown"):
        if judged[name]:
            faults.append(f"{judged[name]:,} {name}")
    if prices and judged["unpriced"]:
        faults.append(f"{judged['unpriced']:,} without a price")
    if stored is not None and stored != count:
        faults.append(f"{stored:,} stored for {count:,}")
    return ", ".join(faults) or None


def add_rows(report, name, work, runs):
    right = report.right(name, work, runs)
    if right:
        report.row(name, work, "throughput", "answers/s", [run.per_s for run in right])
        report.row(name, work, "process start to last answer", "s", [run.wall_s for run in right])
        spent.add_rows(report, name, work, "answers", [(run.spent, run.answers) for run in right])
