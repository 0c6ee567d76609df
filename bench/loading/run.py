"""One run: a system, from the start of its process to the last row that is visible."""

import time
from dataclasses import dataclass

from common import usage
from common.children import stopping
from common.progress import Ticker

# A system that has added nothing for so long has stopped, in seconds.
STALL_S = 60.0
# Pause between two looks for the last rows, in seconds: a look is six look-ups in an index.
LOOK_S = 0.02
# Pause between two looks into its log, in seconds.
LOG_S = 2.0
# How long rows may still come after the last of each partition, in seconds.
STRAGGLERS_S = 15.0


@dataclass
class Outcome:
    rows: int
    # From the start of the process to the commit of the last row.
    wall_s: float
    # From the first commit to the last; 0 where one transaction did it all.
    steady_s: float
    # User and system time of the system's own processes, start-up included.
    cpu_s: float
    # The same of the server, without the bench's questions, and of the broker.
    server_cpu_s: float
    broker_cpu_s: float
    peak_bytes: int
    # What is not as it should be, or None.
    wrong: str | None


def measure(system, load, bed, **how):
    """Runs `system` on an empty table until all of `load` is there, and checks it."""
    bed.empty()
    server_before, broker_before = bed.postgres.cpu_s(), bed.kafka.cpu_s()
    begun = time.time()
    with stopping(system.start(bed, load, **how)) as children:
        with usage.PeakMemory([child.pid for child in children]) as memory:
            wrong = _wait(system, children, load, bed)
            cpu_s = sum(_cpu_s(child) for child in children)
            server_s = bed.postgres.cpu_s() - server_before
            broker_s = bed.kafka.cpu_s() - broker_before
        wrong = _stragglers(load, bed, wrong)
    first, last = bed.commit_times()
    if last is None:
        first = last = time.time()
    return Outcome(
        rows=load.listings.count,
        wall_s=last - begun,
        steady_s=last - first,
        cpu_s=cpu_s,
        server_cpu_s=server_s,
        broker_cpu_s=broker_s,
        peak_bytes=max(memory.bytes, sum(_most_bytes(child) for child in children)),
        wrong=wrong,
    )


def _wait(system, children, load, bed):
    """Waits for the last row; None, or why it did not come."""
    ticker = Ticker(f"{system.name} loads")
    size, grew_at = 0, time.monotonic()
    next_log = grew_at + LOG_S
    while True:
        if bed.is_there(load.last_ids):
            return None
        codes = [child.code() for child in children]
        if any(codes) or all(code is not None for code in codes):
            if bed.is_there(load.last_ids):
                return None
            said = " ".join(child.last_words() for child in children)
            return f"ended with {codes} before the last row: {said}"
        if time.monotonic() >= next_log:
            next_log = time.monotonic() + LOG_S
            if system.given_up and any(child.has_logged(system.given_up) for child in children):
                said = " ".join(child.last_words() for child in children)
                return f"it has given up: {said}"
        now_size = bed.table_bytes()
        if now_size > size:
            size, grew_at = now_size, time.monotonic()
        stalled = time.monotonic() - grew_at
        if stalled > max(STALL_S, system.startup_limit_s if size == 0 else 0):
            said = " ".join(child.last_words() for child in children)
            return f"nothing more came for {stalled:.0f} s: {said}"
        ticker.tick(lambda: f"{size / 2**20:,.0f} MiB in the table")
        time.sleep(LOOK_S)


def _stragglers(load, bed, wrong):
    """Compares what is there with what was produced; waits a little for the rest."""
    expected = (load.listings.count, load.listings.price_sum)
    until = time.monotonic() + STRAGGLERS_S
    while True:
        stored = bed.stored()
        if stored == expected:
            return wrong
        if wrong or stored[0] > expected[0] or time.monotonic() > until:
            found = (
                f"{stored[0]:,} rows for {expected[0]:,},"
                f" prices {stored[1]:,} for {expected[1]:,}"
            )
            return f"{found}; {wrong}" if wrong else found
        time.sleep(0.2)


def _most_bytes(child):
    """What the system says of one that has ended: it may have been too quick to be looked at."""
    return child.rusage.ru_maxrss * 1024 if child.rusage else 0


def _cpu_s(child):
    if child.code() is not None:
        return child.rusage.ru_utime + child.rusage.ru_stime
    return usage.cpu_s(child.pid)
