"""Delay from the producer's hand to a row that others see, at 1,000 records per second."""

import bisect
import threading
import time

import psycopg

from answering.exchange import Sender
from common.children import stopping, until
from common.latency import percentiles
from common.listings import SLOT, made
from common.progress import going_on, say
from common.usage import Spent
from loading.bed import Load

RATE = 1_000
WARM_ROWS = 1_000
# Longest the last rows may take, in seconds.
LIMIT_S = 60
# The broker is warm when it acknowledges 99 of 100 messages within so many milliseconds, at a rate that makes it
# compile soon; it is given so many rounds of so many seconds for that.
WARM_P99_MS, WARM_RATE, WARM_ROUND_S, WARM_ROUNDS, WARM_ROUNDS_QUICK = 20, 2_000, 4, 10, 2


def _sender(bed, topic, most):
    """A sender of listings whose ids are their numbers."""
    lines = bed.directory / "numbered.jsonl"
    with open(lines, "w", encoding="utf-8") as file:
        for key, value in made(WARM_ROWS).messages():
            file.write(value.decode().replace(key.decode(), SLOT, 1) + "\n")
    bed.kafka.make(topic)
    return Sender(bed, topic, lines, most)


def warm_up(bed, quick):
    """Sends small messages until the broker keeps up."""
    say("warming up the broker for the delay")
    for _ in range(WARM_ROUNDS_QUICK if quick else WARM_ROUNDS):
        count = WARM_RATE * WARM_ROUND_S
        sender = _sender(bed, f"warm-{bed.number('warm')}", count)
        with stopping([sender]):
            sender.begin(count, WARM_RATE)
            p99_ms = sender.end()["acknowledged"]["p99"]
        say(f"  the broker acknowledges within {p99_ms:.1f} ms (p99)")
        if p99_ms < WARM_P99_MS:
            break


class _Onlooker:
    """Notes which transactions are visible, every millisecond or so: a snapshot costs next to nothing."""

    def __init__(self, url):
        # Of each change: nanoseconds after the answer came, the first number not yet given to a transaction, and
        # those that still run.
        self.seen = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, args=(url,), daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_exception):
        self._over.set()
        self._thread.join(LIMIT_S)

    def _look(self, url):
        last = None
        with psycopg.connect(url, autocommit=True) as session:
            while not self._over.wait(0.001):
                snapshot = session.execute("SELECT pg_current_snapshot()::text").fetchone()[0]
                now = time.monotonic_ns()
                if snapshot != last:
                    last = snapshot
                    _lowest, following, running = snapshot.split(":")
                    self.seen.append((now, int(following), set(map(int, filter(None, running.split(","))))))

    def visible_at(self, xid):
        """When a transaction was first seen to have ended."""
        # The first look in which it has a number, and from there the first in which it does not run.
        at = bisect.bisect_right(self.seen, xid, key=lambda look: look[1])
        while xid in self.seen[at][2]:
            at += 1
        return self.seen[at][0]


def measure(system, bed, seconds, report):
    """Sends for so many seconds while `system` runs, and adds the delays to the report."""
    work = f"{RATE:,} records/s for {seconds} s"
    say(f"delay of {system.name}: {work}")
    bed.empty()
    count = WARM_ROWS + RATE * seconds
    topic = f"delay-{bed.number('delay')}"
    sender = _sender(bed, topic, count)

    def stored(expected):
        # Counting reads the whole table: seldom.
        until(lambda: bed.stored()[0] >= expected, seconds + LIMIT_S, f"{expected:,} rows", 1.0, children)
        if bed.stored()[0] != expected:
            raise RuntimeError(f"{bed.stored()[0]:,} rows for {expected:,}")

    with stopping([sender]), _Onlooker(bed.postgres.url) as onlooker, going_on("the delay"):
        with stopping(system.start(bed, Load(topic, None, []))) as children:
            sender.begin(WARM_ROWS, RATE)
            sender.end()
            stored(WARM_ROWS)
            before, begun = Spent.now(bed, children), time.monotonic()
            sender.begin(RATE * seconds, RATE)
            sent = sender.end(needed=children)
            stored(count)
            share = Spent.now(bed, children).since(before, 0).system_s / (time.monotonic() - begun)
        # The last commit is seen too.
        time.sleep(0.1)
    rows = bed.postgres.ask("SELECT xmin::text::bigint, id::bigint FROM listings")
    visible = {xid: onlooker.visible_at(xid) for xid in {xid for xid, _ in rows}}
    delays = [visible[xid] - int(sender.table["sent"][number]) for xid, number in rows if number >= WARM_ROWS]
    found = percentiles(delays)
    report.latencies(system.name, work, "delay", [found], ("p50", "p99", "max"))
    report.row(system.name, work, "processor time", "s/s", [share])
    acknowledged = sent["acknowledged"]
    report.notes.append(f"{system.name}, {work}: the broker acknowledged within {acknowledged['p50']:.1f} ms (p50),"
                        f" {acknowledged['p99']:.1f} ms (p99); the sender was late by {sent['late']['max']:.0f} ms at"
                        " worst")
    say(f"delay of {system.name}: p50 {found['p50']:.1f} ms, p99 {found['p99']:.1f} ms, max {found['max']:.1f} ms")
