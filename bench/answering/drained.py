"""At the maximum rate: a full topic of requests is answered, as fast as the system can."""

import json
import time
from collections import Counter
from dataclasses import dataclass

from answering.exchange import is_priced
from common import kafka
from common.children import stopping
from common.progress import going_on, say
from common.usage import Spent

# A system that has begun and answers nothing more for so long has stopped; pause between two looks, in seconds.
STALL_S = 60
LOOK_S = 0.025


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
    """One run of one system."""
    with bed.place(bed.full(count)) as place:
        reader, started = bed.kafka.reader(), time.monotonic()
        stall_s = max(STALL_S, system.startup_limit_s)
        with stopping(system.start(bed, place)) as children, going_on(f"{system.name} answers"):
            (first, begun), (last, ended), spent = bed.spent(
                children,
                lambda: _grown(reader, place, 1, stall_s, children),
                lambda: _grown(reader, place, count, stall_s, children),
            )
            stored = place.rows(system.stores) if system.stores else None
            system.ending(children)
        wrong = wrong_with(kafka.messages(reader, place.answers, last), count, stored, system.prices)
        reader.close()
    taken = Drained(last - first, ended - begun, ended - started, spent, wrong)
    say(f"{label}: {taken.per_s:,.0f} answers/s ({taken.seconds:.2f} s), processor {spent.system_s:.1f} s,"
        f" {spent.peak_bytes / 1e6:,.0f} MB" + (f"; WRONG: {wrong}" if wrong else ""))
    return taken


def _grown(reader, place, count, stall_s, children):
    """How many answers there are once there are `count`, or nothing more comes; and since when."""
    seen, grew_at = 0, time.monotonic()
    while seen < count and time.monotonic() - grew_at < stall_s:
        there = kafka.size(reader, place.answers)
        if there > seen:
            seen, grew_at = there, time.monotonic()
        elif all(child.code() is not None for child in children):
            raise RuntimeError(f"it ended: {' '.join(child.last_words() for child in children)}")
        if seen < count:
            time.sleep(LOOK_S)
    if not seen:
        raise RuntimeError(f"no answer within {stall_s} s: {' '.join(child.last_words() for child in children)}")
    return seen, grew_at


def wrong_with(messages, count, stored, prices):
    """What is not as it should be with the answers to requests 0 to `count`, or None.

    `stored` is None for a system that stores nothing; `prices` says whether answers have prices.
    """
    answers, unpriced = Counter(), 0
    for message in messages:
        answers[int(message.key())] += 1
        unpriced += not is_priced(json.loads(message.value()))
    known = sum(number < count for number in answers)
    found = {
        "missing": count - known,
        "twice": sum(answers.values()) - len(answers),
        "unknown": len(answers) - known,
        "without a price": unpriced if prices else 0,
    }
    faults = [f"{number:,} {what}" for what, number in found.items() if number]
    if stored not in (None, count):
        faults.append(f"{stored:,} stored for {count:,}")
    return ", ".join(faults) or None


def add_rows(report, name, work, runs):
    """What the runs of one system showed."""
    right = report.right(name, work, runs)
    if right:
        report.row(name, work, "throughput", "answers/s", [run.per_s for run in right])
        report.row(name, work, "process start to last answer", "s", [run.wall_s for run in right])
        report.spent(name, work, "answers", [(run.spent, run.answers) for run in right])
