"""The servers of this bench, the table, and the topics full of listings."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from common import venv
from common.kafka import Kafka
from common.machine import REPOSITORY
from common.postgres import Postgres
from common.progress import going_on, say
from loading.listings import COLUMNS, Listings

PARTITIONS = 6
# The bench's own producer and the Python loop.
REQUIREMENTS = ("confluent-kafka==2.16.1", "psycopg[binary]==3.3.9")
PROGRAMS = Path(__file__).parent / "programs"


@dataclass
class Load:
    """What one run has to load."""

    topic: str
    listings: Listings
    # The last message of each partition: when these are there, the end was reached.
    last_ids: list


class Bed:
    """Kafka with topics, PostgreSQL with the table of init.sql; stopped at the end of the block."""

    def __init__(self, starter, directory):
        self._starter = starter
        self.programs = PROGRAMS
        self.directory = directory
        self.kafka = None
        self.postgres = None
        self._loads = {}
        self._numbers = {}

    def __enter__(self):
        self.python = venv.python("kafka-postgres", REQUIREMENTS)
        try:
            say("starting PostgreSQL and Apache Kafka")
            self.postgres = Postgres(self._starter, self.directory / "postgres")
            self.kafka = Kafka(self.directory / "kafka")
            self.postgres.sql.ask((REPOSITORY / "init.sql").read_text())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception):
        if self.postgres:
            self.postgres.stop()
        if self.kafka:
            self.kafka.stop()

    def number(self, name):
        """1, 2, 3, … for each name: new groups, topics and logs."""
        self._numbers[name] = self._numbers.get(name, 0) + 1
        return self._numbers[name]

    def log(self, name):
        """A fresh path for what a process says."""
        return self.directory / f"{name}-{self.number(name)}.log"

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
        done = subprocess.run(
            [str(self.python), str(self.programs / name), *map(str, arguments)],
            capture_output=True, text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {done.stderr.strip()[-800:]}")
        return json.loads(done.stdout)

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
        """Count and sum of prices in the table."""
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
