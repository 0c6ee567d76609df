"""Rows per second and processor time of every system, in turn, from a full topic, without the time to start."""

import time
from dataclasses import dataclass

from common import rounds
from common.children import stopping
from common.listings import made
from common.progress import going_on, say
from common.usage import PeakMemory, Spent

# Rows of the run that shows how long a system takes to start.
STARTUP_ROWS = 1_000
# A system that has added nothing for so long has stopped; the pause between two looks for the last rows; and how long
# rows may still come after the last of each partition, in seconds.
STALL_S, LOOK_S, STRAGGLERS_S = 60.0, 0.02, 15.0


@dataclass
class Run:
    rows: int
    # From the start of the process to the commit of the last row.
    wall_s: float
    # From the first commit to the last; 0 where one transaction did it all.
    steady_s: float
    spent: Spent
    # What is not as it should be, or None.
    wrong: str | None


@dataclass
class Round:
    startup: Run
    full: Run

    @property
    def wrong(self):
        return self.full.wrong or self.startup.wrong

    @property
    def rows(self):
        return self.full.rows - self.startup.rows

    @property
    def rows_per_s(self):
        return self.rows / max(self.full.wall_s - self.startup.wall_s, 1e-3)

    @property
    def spent(self):
        """Without the start-up."""
        return self.full.spent.since(self.startup.spent, self.full.spent.peak_bytes)


def _run(system, load, bed):
    """Runs `system` on an empty table until all of `load` is there, and checks it."""
    bed.empty()
    before, begun = Spent.now(bed, []), time.time()
    with stopping(system.start(bed, load)) as children, PeakMemory([child.pid for child in children]) as memory:
        wrong = _wait(system, children, load, bed)
        spent = Spent.now(bed, children).since(before, memory.bytes)
        wrong = _stragglers(load, bed, wrong)
    first, last = bed.commit_times()
    if last is None:
        first = last = time.time()
    spent.peak_bytes = memory.bytes
    return Run(load.listings.count, last - begun, last - first, spent, wrong)


def _wait(system, children, load, bed):
    """Waits for the last row; None, or why it did not come."""
    size, grew_at = 0, time.monotonic()
    with going_on(f"{system.name} loads", lambda: f"{size / 2**20:,.0f} MiB in the table"):
        while not bed.is_there(load.last_ids):
            words = " ".join(child.last_words() for child in children)
            codes = [child.code() for child in children]
            if any(codes) or None not in codes:
                return None if bed.is_there(load.last_ids) else f"ended with {codes} before the last row: {words}"
            now = time.monotonic()
            now_size = bed.postgres.value("SELECT pg_relation_size('listings')")
            if now_size > size:
                size, grew_at = now_size, now
            if now - grew_at > max(STALL_S, system.startup_limit_s if size == 0 else 0):
                return f"nothing more came for {now - grew_at:.0f} s: {words}"
            time.sleep(LOOK_S)
    return None


def _stragglers(load, bed, wrong):
    """Compares what is there with what was produced; waits a little for the rest."""
    expected = (load.listings.count, load.listings.price_sum)
    until = time.monotonic() + STRAGGLERS_S
    while (stored := bed.stored()) != expected:
        if wrong or stored[0] > expected[0] or time.monotonic() > until:
            return f"{stored} rows and sum of prices for {expected}; {wrong or 'no error'}"
        time.sleep(0.2)
    return wrong


def _round(system, bed, rows, label):
    taken = Round(*(_run(system, bed.load(made(count)), bed) for count in (STARTUP_ROWS, rows)))
    say(f"{label}: {taken.rows_per_s:,.0f} rows/s ({taken.full.wall_s:.2f} s, of these start-up"
        f" {taken.startup.wall_s:.2f} s), processor {taken.spent.system_s:.1f} s, PostgreSQL's"
        f" {taken.spent.database_s:.1f} s" + (f"; WRONG: {taken.wrong}" if taken.wrong else ""))
    return taken


def measure(systems, bed, rows, repeat, report, work=None):
    """Rounds of all systems with so many rows, in the report as `work`."""
    work = work or f"{rows:,} rows"
    for count in (STARTUP_ROWS, rows):
        bed.load(made(count))
    taken = rounds.in_turn(systems, repeat, report, work, lambda system, label: _round(system, bed, rows, label))
    for system in systems:
        _add_rows(report, system.name, work, report.right(system.name, work, taken[system.name]))
    return taken


def _add_rows(report, name, work, right):
    """What the rounds of one system showed. A run that lost or doubled rows has no rate."""
    if not right:
        return

    def row(metric, unit, value):
        report.row(name, work, metric, unit, [value(one) for one in right])

    row("throughput", "rows/s", lambda one: one.rows_per_s)
    if any(one.full.steady_s > 0 for one in right):
        row("rate while storing", "rows/s", lambda one: one.full.rows / max(one.full.steady_s, 1e-3))
    row("process start to last row", "s", lambda one: one.full.wall_s)
    row(f"start-up ({STARTUP_ROWS:,} rows)", "s", lambda one: one.startup.wall_s)
    report.spent(name, work, "rows", [(one.spent, one.rows) for one in right])
