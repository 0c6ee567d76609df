"""What a system uses between two moments."""

from dataclasses import dataclass

from common import usage


@dataclass
class Spent:
    """Processor seconds since some moment, or between two."""

    # Of the system's own processes, of PostgreSQL and of the broker.
    system_s: float
    database_s: float
    broker_s: float

    @classmethod
    def now(cls, bed, children):
        """What was spent until now."""
        return cls(
            sum(usage.cpu_s(child.pid) for child in children),
            bed.postgres.cpu_s(),
            bed.kafka.cpu_s() if bed.kafka else 0.0,
        )

    def since(self, earlier):
        """What was spent from an earlier moment until this."""
        return Spent(
            self.system_s - earlier.system_s,
            self.database_s - earlier.database_s,
            self.broker_s - earlier.broker_s,
        )
