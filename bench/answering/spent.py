"""What a system uses while its work counts."""

from dataclasses import dataclass

from common import usage


@dataclass
class Spent:
    """Processor seconds since some moment, or between two; and the peak of memory."""

    # Of the system's own processes, of PostgreSQL and of the broker.
    system_s: float
    database_s: float
    broker_s: float
    peak_bytes: int = 0

    @classmethod
    def now(cls, bed, children):
        return cls(
            sum(usage.cpu_s(child.pid) for child in children),
            bed.postgres.cpu_s(),
            bed.kafka.cpu_s() if bed.kafka else 0.0,
        )

    def since(self, earlier, peak_bytes):
        return Spent(
            self.system_s - earlier.system_s,
            self.database_s - earlier.database_s,
            self.broker_s - earlier.broker_s,
            peak_bytes,
        )


def add_rows(report, system, work, unit, runs, parts=("system", "database", "broker")):
    """Rows of processor time per million and of peak memory; `runs` are pairs of Spent and a count."""
    names = {"system": "processor time", "database": "PostgreSQL's processor time",
             "broker": "broker's processor time"}
    for part in parts:
        report.row(system, work, names[part], f"s/million {unit}",
                   [max(getattr(spent, f"{part}_s"), 0.0) * 1e6 / max(count, 1)
                    for spent, count in runs])
    report.row(system, work, "peak memory", "MB", [spent.peak_bytes / 1e6 for spent, _ in runs])


def between(events, bed, children, begin_limit_s, end_limit_s):
    """The load generator's `begin` and `end`, and what was spent from one to the other."""
    with usage.PeakMemory([child.pid for child in children]) as memory:
        first = events.next("begin", begin_limit_s, needed=children)
        before = Spent.now(bed, children)
        last = events.next("end", end_limit_s, needed=children)
        spent = Spent.now(bed, children)
    return first, last, spent.since(before, memory.bytes)
