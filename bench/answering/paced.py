"""How late an answer is at a given rate, over Kafka."""

from dataclasses import dataclass

from answering.exchange import Exchange
from common.children import stopping
from common.latency import percentiles
from common.progress import going_on, say
from common.usage import Spent

# Before a rate counts, in seconds.
WARM_S = 2.0
# Longest the last answers of a rate may take, in seconds.
GRACE_S = 20


@dataclass
class Paced:
    rate: float
    sent: int
    unanswered: int
    # From the first request to the last answer.
    seconds: float
    latency: dict
    sender_late: dict
    spent: Spent
    wrong: str | None

    def __str__(self):
        if self.unanswered:
            return f"cannot keep up: {self.unanswered:,} of {self.sent:,} without an answer"
        return f"p50 {self.latency['p50']:.1f} ms, p99 {self.latency['p99']:.1f} ms"


def measure(system, bed, rates, seconds, label):
    """One run of one system through all rates, the lowest first."""
    taken = []
    most = int(sum(rates) * (WARM_S + seconds)) + 20 * system.startup_limit_s
    with bed.place() as place, Exchange(bed, place, most) as exchange, stopping(system.start(bed, place)) as children:
        with going_on(f"{system.name} starts"):
            exchange.knock(system.startup_limit_s, children)
        for rate in sorted(rates):
            taken.append(_at(system, bed, exchange, children, rate, seconds))
            say(f"{label} at {rate:,.0f}/s: {taken[-1]}")
            if taken[-1].unanswered:
                break
        system.ending(children)
    return taken


def _at(system, bed, exchange, children, rate, seconds):
    # What piled up while the servers warmed up is not what is measured.
    warming = exchange.begin(int(rate * WARM_S), rate)
    exchange.end(needed=children)
    exchange.wait(warming, GRACE_S)

    numbers = slice(warming.stop, warming.stop + int(rate * seconds))

    def answered():
        return exchange.end(needed=children), exchange.wait(numbers, GRACE_S)

    _, (sender, unanswered), spent = bed.spent(children, lambda: exchange.begin(int(rate * seconds), rate), answered)
    part = exchange.table[numbers]
    return Paced(
        rate, sender["sent"], unanswered, float(part["answered"].max() - part["sent"].min()) / 1e9,
        percentiles(exchange.latencies(numbers)), sender["late"], spent,
        ", ".join(exchange.faults(numbers, system.prices)) or None,
    )


def add_rows(report, name, runs):
    """What the runs of one system showed."""
    runs = [run for run in runs if run]
    for rate in sorted({one.rate for run in runs for one in run}):
        work = f"{rate:,.0f} requests/s"
        right = report.right(name, work, [one for run in runs for one in run if one.rate == rate])
        report.notes.extend(f"{name}, {work}: {one}" for one in right if one.unanswered)
        right = [one for one in right if not one.unanswered]
        if not right:
            continue
        report.latencies(name, work, "produce to answer", [one.latency for one in right], ("p50", "p99", "max"))
        report.spent(name, work, "answers", [(one.spent, one.sent) for one in right])
        late = max(one.sender_late["p99"] for one in right)
        if late > 5:
            report.notes.append(f"{name}, {work}: the sender itself was late by {late:.1f} ms (p99)")
