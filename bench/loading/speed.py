"""Rows a second and processor time of every system, in turn, from a full topic.

The rule, one for all: a run's time is the wall time from the start of the system's process to the
commit of the last row (which PostgreSQL itself keeps: track_commit_timestamp), minus the same for
a topic of 1,000 rows, taken in the same round: its start-up. What counts is

    rows/s = (rows - 1,000) / (time of the full topic - time of 1,000 rows)

so that nobody pays for the start of a Java machine, a Spark session or a consumer group. Processor
time is likewise the difference, in seconds a million rows. The start-up stands in the table too.
`rate while storing` is rows over the time from the first commit to the last: for a system with
large transactions it leaves out what came before the first.

Systems run in turn, round by round: a machine whose speed changes treats all alike. A ratio is the
median of the ratios within the rounds.
"""

from dataclasses import dataclass

from common import rounds
from common.progress import say
from loading.run import Outcome, measure

# Rows of the run that shows how long a system takes to start.
STARTUP_ROWS = 1_000


@dataclass
class Round:
    startup: Outcome
    full: Outcome

    @property
    def is_right(self):
        return self.full.wrong is None and self.startup.wrong is None

    @property
    def rows(self):
        return self.full.rows - self.startup.rows

    @property
    def rows_per_s(self):
        return self.rows / max(self.full.wall_s - self.startup.wall_s, 1e-3)

    def per_million(self, measure):
        """Seconds per million rows without the start-up, of a measure in seconds of the two runs."""
        return max(getattr(self.full, measure) - getattr(self.startup, measure), 0.0) * 1e6 / self.rows


def one_round(system, bed, small, large, label, **how):
    """Start-up and full run of one system, said as they end."""
    startup = measure(system, bed.load(small), bed, **how)
    full = measure(system, bed.load(large), bed, **how)
    taken = Round(startup, full)
    say(
        f"{label} {system.name}: {taken.rows_per_s:,.0f} rows/s"
        f" ({full.wall_s:.2f} s, of these start-up {startup.wall_s:.2f} s),"
        f" processor {full.cpu_s:.1f} s, PostgreSQL's {full.server_cpu_s:.1f} s"
        + (f"; WRONG: {full.wrong or startup.wrong}" if not taken.is_right else "")
    )
    return taken


def in_turn(systems, bed, small, large, repeat, report):
    for listings in (small, large):
        bed.load(listings)
    work = f"{large.count:,} rows"
    taken = rounds.in_turn(systems, repeat, report, work, lambda system, label: one_round(
        system, bed, small, large, label))
    for system in systems:
        add_rows(report, system.name, work, taken[system.name])
    rounds.add_ratios(report, "", taken, "ours",
                      lambda one: one.rows_per_s if one.is_right else None)


def add_rows(report, name, work, taken):
    """What the rounds of one system showed. A run that lost or doubled rows has no rate."""
    taken = [one for one in taken if one]
    for outcome in (outcome for one in taken for outcome in (one.startup, one.full)):
        report.right(name, f"{outcome.rows:,} rows", [outcome])
    right = [one for one in taken if one.is_right]
    if not right:
        return

    def row(metric, unit, value):
        report.row(name, work, metric, unit, [value(one) for one in right])

    row("throughput", "rows/s", lambda one: one.rows_per_s)
    if any(one.full.steady_s > 0 for one in right):
        row("rate while storing", "rows/s",
            lambda one: one.full.rows / max(one.full.steady_s, 1e-3))
    row("process start to last row", "s", lambda one: one.full.wall_s)
    row(f"start-up ({STARTUP_ROWS:,} rows)", "s", lambda one: one.startup.wall_s)
    for metric, measure in (("processor time", "cpu_s"),
                            ("PostgreSQL's processor time", "server_cpu_s"),
                            ("broker's processor time", "broker_cpu_s")):
        report.row(name, work, metric, "s/million rows", [one.per_million(measure) for one in right])
    row("peak memory", "MB", lambda one: one.full.peak_bytes / 1e6)

