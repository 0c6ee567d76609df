"""The servers of this bench, the table, and the topics full of listings."""

import json
from dataclasses import dataclass
from pathlib import Path

from common import venv
from common.machine import REPOSITORY
from common.progress import going_on, say
from common.servers import PARTITIONS, Servers
from common.tool import output
from loading.listings import COLUMNS, Listings

# The bench's own producer and the Python loop.
REQUIREMENTS = ("confluent-kafka==2.16.1", "psycopg[binary]==3.3.9")
PROGRAMS = Path(__file__).parent / "programs"


@dataclass
class Load:
    topic: str
    listings: Listings
    # The last message of each partition: when these are there, the end was reached.
    last_ids: list


class Bed(Servers):
    """Kafka with topics, PostgreSQL with the table of init.sql; stopped at the end of the block."""

    partitions = PARTITIONS

    def __init__(self, built, directory):
        super().__init__(built, directory)
        self.programs = PROGRAMS
        self._loads = {}
        self.python = venv.python("kafka-postgres", REQUIREMENTS)

    def opened(self):
        self.postgres.sql.ask((REPOSITORY / "init.sql").read_text())

    def load(self, listings):
        """A topic full of listings, filled the first time it is asked for."""
        topic = f"listings-{listings.count}"
        if topic not in self._loads:
            say(f"filling topic {topic}: {listings.count:,} messages, {PARTITIONS} partitions")
            with going_on("filling"):
                facts = self.program(
                    "fill_topic.py", self.kafka.brokers, topic, PARTITIONS,
                    listings.jsonl, listings.count,
                )
            self._loads[topic] = Load(topic, listings, facts["last_ids"])
        return self._loads[topic]

    def program(self, name, *arguments):
        """What one of this bench's small programs prints."""
        return json.loads(output([self.python, self.programs / name, *arguments], name))

    def empty(self):
        """Empties the tables and writes everything to disk, so that every run starts alike."""
        sql = self.postgres.sql
        sql.ask("TRUNCATE listings, rejects, offsets")
        sql.ask("CHECKPOINT")

    def is_there(self, ids):
        """Whether all rows with these ids are visible: a few look-ups in the primary key."""
        texts = ",".join(f"'{one}'" for one in ids)
        found = self.postgres.sql.value(f"SELECT count(*) FROM listings WHERE id IN ({texts})")
        return int(found) == len(ids)

    def stored(self):
        count, price_sum = self.postgres.sql.ask(
            "SELECT count(*), coalesce(sum(price), 0)::numeric FROM listings"
        )[0]
        return int(count), int(float(price_sum))

    def table_bytes(self):
        """The table's size, which tells how far a run has come without reading it."""
        return int(self.postgres.sql.value("SELECT pg_relation_size('listings')"))

    def commit_times(self):
        """When the first and the last of the rows were committed, as seconds of the epoch."""
        row = self.postgres.sql.ask(
            "SELECT extract(epoch FROM min(at)), extract(epoch FROM max(at)) FROM ("
            " SELECT pg_xact_commit_timestamp(xmin) AS at FROM ("
            "  SELECT xmin FROM listings GROUP BY xmin) AS transactions) AS times"
        )[0]
        return tuple(float(time) if time else None for time in row)


COLUMN_LIST = ", ".join(COLUMNS)
