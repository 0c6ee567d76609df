"""How late an answer is at a given rate, over Kafka.

From just before a request is handed to the producer until its answer comes out of a consumer, both
by the clock of the load generator (bench/load). Requests go out when they are
due, answered or not. Before a rate counts, it is held for two seconds and all of that is answered;
and before the first, single requests knock until the system answers. From 5,000 a second on the load
generator's producer waits 2 ms for company (linger.ms), below it does not.
"""

from dataclasses import dataclass

from answering import spent
from answering.load_events import LoadEvents
from answering.spent import Spent
from common.children import stopping
from common.progress import going_on, say
from common.servers import PARTITIONS

# Before a rate counts, in seconds.
WARM_S = 2.0
# Longest the last answers of a rate may take, in seconds.
GRACE_S = 20


@dataclass
class Paced:
    rate: float
    # As the load generator tells them.
    sent: int
    unanswered: int
    answered_s: float
    latency: dict
    sender_late: dict
    spent: Spent
    wrong: str | None

    @property
    def keeps_up(self):
        return self.unanswered == 0


def measure(system, bed, rates, seconds, label):
    """One run of one system through all rates, the lowest first."""
    taken = []
    rates = sorted(rates)
    with bed.place() as place, LoadEvents(
        bed, "rate", "--brokers", bed.brokers, "--requests", place.requests,
        "--answers", place.answers, "--partitions", PARTITIONS,
        "--listings", bed.listings.jsonl, "--rates", ",".join(f"{rate:g}" for rate in rates),
        "--seconds", seconds, "--warm-s", WARM_S, "--grace-s", GRACE_S,
        "--startup-s", system.startup_limit_s,
    ) as sender:
        sender.next("watching", 30)
        with stopping(system.start(bed, place)) as children:
            with going_on(f"{system.name} starts"):
                sender.next("answers", system.startup_limit_s + 60, needed=children)
            for rate in rates:
                one = _at(system, bed, sender, children, rate, seconds)
                taken.append(one)
                say(f"{label} {system.name} at {rate:,.0f}/s: {_words(one)}")
                if not one.keeps_up:
                    break
            system.ending(children)
    return taken


def _at(system, bed, sender, children, rate, seconds):
    limit_s = WARM_S + seconds + GRACE_S + 60
    _, end, used = spent.between(sender, bed, children, limit_s, limit_s)
    faults = []
    if end["twice"]:
        faults.append(f"{end['twice']:,} answered twice")
    if system.prices and end["unpriced"]:
        faults.append(f"{end['unpriced']:,} without a price")
    return Paced(
        rate, end["sent"], end["unanswered"], end["answered_s"], end["latency"],
        end["sender_late"], used, ", ".join(faults) or None,
    )


def _words(one):
    if not one.keeps_up:
        return f"cannot keep up: {one.unanswered:,} of {one.sent:,} without an answer"
    latency = one.latency
    return f"p50 {latency['p50_ms']:.1f} ms, p99 {latency['p99_ms']:.1f} ms"


def add_rows(report, name, runs):
    runs = [run for run in runs if run]
    for rate in sorted({one.rate for run in runs for one in run}):
        work = f"{rate:,.0f} requests/s"
        at_rate = [one for run in runs for one in run if one.rate == rate]
        right = report.right(name, work, at_rate)
        report.notes.extend(f"{name}, {work}: {_words(one)}" for one in right if not one.keeps_up)
        right = [one for one in right if one.keeps_up]
        if not right:
            continue
        report.latencies(name, work, "produce to answer", [one.latency for one in right],
                         ("p50", "p99", "max"))
        spent.add_rows(report, name, work, "answers", [(one.spent, one.sent) for one in right],
                       ("system", "database"))
        late = max(one.sender_late["p99_ms"] for one in right)
        if late > 5:
            report.notes.append(f"{name}, {work}: the sender itself was late by {late:.1f} ms (p99)")
