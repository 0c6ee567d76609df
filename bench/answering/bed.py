"""The servers of these benches: Kafka with topics, PostgreSQL with a database a run."""

import contextlib
import urllib.parse
from dataclasses import dataclass

from answering import bodies
from answering.load_events import LoadEvents
from common.progress import going_on, say
from common.servers import PARTITIONS, Servers
from common.tool import output

# Longest a topic may take to be filled, in seconds.
FILL_S = 300


@dataclass
class Place:
    """What a system works on: topics and a database of its own, nothing in them."""

    # Counts up, for groups and files.
    number: int
    requests: str
    answers: str
    rejects: str
    database_url: str
    # The database's name.
    database: str


class Bed(Servers):
    """Kafka with topics of requests, PostgreSQL with a database a run."""

    partitions = PARTITIONS

    def __init__(self, built, directory, listings, kafka=True):
        super().__init__(built, directory, kafka)
        self.listings = listings
        self._filled = set()

    def full(self, count):
        """The topic of so many requests, filled the first time it is asked for."""
        topic = f"requests-of-{count}"
        if topic not in self._filled:
            say(f"filling topic {topic}: {count:,} messages, {PARTITIONS} partitions")
            with going_on("filling"), LoadEvents(
                self, "fill", "--brokers", self.brokers, "--topic", topic,
                "--partitions", PARTITIONS, "--listings", self.listings.jsonl, "--count", count,
            ) as filling:
                filling.next("filled", FILL_S)
            self._filled.add(topic)
        return topic

    @contextlib.contextmanager
    def place(self, requests=None):
        """A new place, with a full topic or an empty one; its database is dropped at the end."""
        number = self.number("place")
        database = f"place_{number}"
        sql = self.postgres.sql
        sql.ask(f"CREATE DATABASE {database}")
        # Every run begins with nothing left to be written.
        sql.ask("CHECKPOINT")
        url = urllib.parse.urlsplit(self.postgres.url)._replace(path=f"/{database}").geturl()
        try:
            yield Place(
                number, requests or f"requests-{number}", f"answers-{number}", f"rejects-{number}",
                url, database,
            )
        finally:
            sql.ask(f"DROP DATABASE {database} WITH (FORCE)")

    def bodies(self, name, rows, body):
        """A file of bodies for a server, each `body(records)` of so many rows."""
        path = self.directory / f"bodies-{name}-{rows}"
        return bodies.written(path, self.listings, rows, body)

    def rows(self, place, table):
        return int(output(
            [self.postgres.psql, "-X", "-A", "-t", "-c", f"SELECT count(*) FROM {table}"],
            env={**self.postgres.environment, "PGDATABASE": place.database},
        ))
