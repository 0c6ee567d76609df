"""The servers of this bench, the table, and the topics full of listings."""

from dataclasses import dataclass

from common.cache import REPOSITORY
from common.listings import Listings
from common.servers import Servers


@dataclass
class Load:
    topic: str
    listings: Listings
    # The last message of each partition: when these are there, the end was reached.
    last_ids: list


class Bed(Servers):
    """Kafka with topics, PostgreSQL with the table of init.sql."""

    def __init__(self, built, directory):
        super().__init__(built, directory)
        self._loads = {}

    def opened(self):
        self.postgres.ask((REPOSITORY / "init.sql").read_text())

    def load(self, listings):
        """A topic full of listings, filled the first time it is asked for."""
        topic = f"listings-{listings.count}"
        if topic not in self._loads:
            self._loads[topic] = Load(topic, listings, self.kafka.fill(topic, listings.messages()))
        return self._loads[topic]

    def empty(self):
        """Empties the tables and writes everything to disk, so that every run starts alike."""
        self.postgres.ask("TRUNCATE listings, rejects, offsets")
        self.postgres.ask("CHECKPOINT")

    def is_there(self, ids):
        """Whether all rows with these ids are visible: a few look-ups in the primary key."""
        texts = ",".join(f"'{one}'" for one in ids)
        return self.postgres.value(f"SELECT count(*) FROM listings WHERE id IN ({texts})") == len(ids)

    def stored(self):
        """How many rows there are, and the sum of their prices."""
        count, price_sum = self.postgres.ask("SELECT count(*), coalesce(sum(price), 0) FROM listings")[0]
        return count, int(price_sum)

    def commit_times(self):
        """When the first and the last of the rows were committed, as seconds of the epoch."""
        row = self.postgres.ask(
            "SELECT extract(epoch FROM min(at)), extract(epoch FROM max(at)) FROM ("
            " SELECT pg_xact_commit_timestamp(xmin) AS at FROM ("
            "  SELECT xmin FROM listings GROUP BY xmin) AS transactions) AS times")[0]
        return tuple(float(time) if time else None for time in row)
