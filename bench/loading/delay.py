"""Delay from the producer's hand to a row that others see, at 1,000 records a second.

The start of a delay is the record's own `listed_at`: the clock just before it is handed to the
producer. Its end: an onlooker takes a snapshot every millisecond and notes which transactions are
visible; the first in which that of the row (its `xmin`) is. That is later than the commit's own
time stamp, which PostgreSQL takes before it has written the commit to disk, and at most one look
(about 1 ms) later than the truth.

The first second's worth of records are there to warm up the system and do not count. The broker is
warmed up before any system: a Java program that has not yet compiled the way of small messages lets
them wait for seconds, whoever reads them. How long it takes to acknowledge them is told beside.
"""

import bisect
import json
import subprocess
import time

from common import usage
from common.children import Child
from common.progress import Ticker, say
from common.servers import PARTITIONS
from loading.listings import made

RATE = 1_000
WARM_ROWS = 1_000
# Longest the last rows may take, in seconds.
LIMIT_S = 60
# The broker is warm when it acknowledges 99 of 100 messages within so many milliseconds, at a rate
# that makes it compile soon.
WARM_P99_MS = 20
WARM_RATE = 2_000
# It is given so many rounds of so many seconds for that, fewer in a quick run.
WARM_ROUNDS = 10
WARM_ROUNDS_QUICK = 2
WARM_ROUND_S = 4


def warm_up(bed, rounds):
    """Sends small messages until the broker keeps up, for at most so many rounds."""
    say("warming up the broker for the delay")
    for number in range(1, rounds + 1):
        sender = _sender(bed, f"warm-{number}", WARM_RATE, WARM_ROUND_S, 0)
        try:
            _line(sender)
            print(file=sender.popen.stdin, flush=True)
            p99_ms = json.loads(_line(sender))["acknowledged_p99_ms"]
        finally:
            sender.stop()
        say(f"  the broker acknowledges within {p99_ms:.1f} ms (p99)")
        if p99_ms < WARM_P99_MS:
            break


def measure(system, bed, seconds, report):
    """Sends for so many seconds while `system` runs, and adds the delays to the report."""
    work = f"{RATE:,} records/s for {seconds} s"
    say(f"delay of {system.name}: {work}")
    bed.empty()
    number = bed.number("delay")
    topic = f"delay-{number}"
    looks = bed.directory / f"snapshots-{number}"
    sender = _sender(bed, topic, RATE, seconds, WARM_ROWS)
    watcher = Child(
        [bed.python, bed.programs / "watch_snapshots.py", bed.postgres.url, looks],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, log=bed.log("watcher"), text=True,
    )
    children = []
    try:
        _line(sender)
        _line(watcher)
        children = system.start_on(bed, topic)
        _until(bed, WARM_ROWS, f"{system.name} warms up")
        before = [usage.cpu_s(child.pid) for child in children]
        begun = time.monotonic()
        print(file=sender.popen.stdin, flush=True)
        count = RATE * seconds
        wrong = _until(bed, WARM_ROWS + count, f"{system.name} follows", seconds + LIMIT_S)
        lasted = time.monotonic() - begun
        cpu_s = sum(usage.cpu_s(child.pid) for child in children) - sum(before)
        sent = json.loads(_line(sender))
        watcher.popen.stdin.close()
        watcher.wait(10)
    finally:
        for child in [*children, sender, watcher]:
            child.stop()
    if wrong or sent["unsent"]:
        report.wrong.append(f"{system.name}, {work}: {wrong or 'the sender could not send'}")
        return
    delays = _delays_ms(bed, looks)
    for metric, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
        value = delays[min(int(share * len(delays)), len(delays) - 1)]
        report.row(system.name, work, f"delay {metric}", "ms", [value])
    report.row(system.name, work, "processor time", "s/s", [cpu_s / lasted])
    report.notes.append(
        f"{system.name}, {work}: the broker acknowledged within"
        f" {sent['acknowledged_p50_ms']:.1f} ms (p50), {sent['acknowledged_p99_ms']:.1f} ms (p99);"
        f" the sender was late by {sent['late_ms']:.0f} ms at worst"
    )
    say(f"delay of {system.name}: p50 {delays[len(delays) // 2]:.1f} ms,"
        f" p99 {delays[int(0.99 * len(delays))]:.1f} ms, max {delays[-1]:.1f} ms")


def _sender(bed, topic, rate, seconds, warm):
    return Child(
        [bed.python, bed.programs / "send_at_rate.py", bed.kafka.brokers, topic, PARTITIONS,
         made(1_000).jsonl, rate, seconds, warm],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, log=bed.log("sender"), text=True,
    )


def _line(child):
    line = child.popen.stdout.readline()
    if not line:
        child.wait(5)
        raise RuntimeError(f"{child.command[1]}: {child.last_words()}")
    return line


def _until(bed, count, what, limit_s=LIMIT_S):
    """Waits until so many rows are there; None, or what is there instead."""
    ticker, until = Ticker(what), time.monotonic() + limit_s
    while True:
        found, _price = bed.stored()
        if found == count:
            return None
        if found > count or time.monotonic() > until:
            return f"{found:,} rows for {count:,} after {limit_s} s"
        ticker.tick(lambda: f"{found:,} of {count:,} rows")
        # Counting reads the whole table: seldom, until the end is near.
        time.sleep(1.0)


def _delays_ms(bed, looks):
    """The delays of all rows, rising."""
    with open(looks) as lines:
        seen = [tuple(map(int, line.split())) for line in lines]
    following = [look[1] for look in seen]
    delays = []
    for xid, committed_us, listed_us, count in bed.postgres.sql.ask(
        "SELECT xmin::text::bigint,"
        " min((extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1e6)::bigint),"
        " (extract(epoch FROM listed_at) * 1e6)::bigint, count(*)"
        " FROM listings WHERE id NOT LIKE 'warm-%' GROUP BY 1, 3"
    ):
        xid = int(xid)
        # The first look in which it has a number, and from there the first in which it has ended.
        at = bisect.bisect_right(following, xid)
        while xid in seen[at][2:]:
            at += 1
        # A savepoint's number is not among those that run: its commit's time is the least.
        visible_us = max(seen[at][0], int(committed_us))
        delays.extend([(visible_us - int(listed_us)) / 1000] * int(count))
    return sorted(delays)
