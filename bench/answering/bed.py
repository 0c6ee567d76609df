"""The servers of these benches: Kafka with topics, PostgreSQL with a database a run."""

import contextlib
import itertools
import urllib.parse
from dataclasses import dataclass

import psycopg

from common import listings
from common.servers import Servers
from common.usage import PeakMemory, Spent

# Different requests over Kafka: they are sent again and again under new ids.
REQUESTS = 10_000


@dataclass
class Place:
    """What a system works on: topics and a database of its own, nothing in them."""

    # Counts up, for groups and files.
    number: int
    requests: str
    answers: str
    rejects: str
    database_url: str

    def rows(self, table):
        """How many rows a table has."""
        with psycopg.connect(self.database_url) as session:
            return session.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


class Bed(Servers):
    """Kafka with topics of requests, PostgreSQL with a database a run."""

    def __init__(self, built, directory, made, kafka=True):
        """`made` is what is asked: generated listings, or a file's records."""
        super().__init__(built, directory, kafka)
        self.listings = made
        self._filled = set()
        # A request a line, with a slot for its id.
        self.lines = directory / "requests.jsonl"
        self.lines.write_text("".join(f"{listings.with_slot(one)}\n" for one in made.requests(REQUESTS)))

    def full(self, count):
        """The topic of so many requests, filled the first time it is asked for."""
        topic = f"requests-of-{count}"
        if topic not in self._filled:
            lines = itertools.cycle(self.lines.read_text().splitlines())
            numbered = ((str(number), line.replace(listings.SLOT, str(number), 1))
                        for number, line in zip(range(count), lines))
            self.kafka.fill(topic, numbered)
            self._filled.add(topic)
        return topic

    @contextlib.contextmanager
    def place(self, requests=None):
        """A new place, with a full topic or an empty one; its database is dropped at the end."""
        number = self.number("place")
        database = f"place_{number}"
        self.postgres.ask(f"CREATE DATABASE {database}")
        # Every run begins with nothing left to be written.
        self.postgres.ask("CHECKPOINT")
        url = urllib.parse.urlsplit(self.postgres.url)._replace(path=f"/{database}").geturl()
        topics = (requests or f"requests-{number}", f"answers-{number}", f"rejects-{number}")
        if self.kafka:
            self.kafka.make(*(topics[1:] if requests else topics))
        try:
            yield Place(number, *topics, url)
        finally:
            self.postgres.ask(f"DROP DATABASE {database} WITH (FORCE)")

    def spent(self, children, begin, end):
        """What `begin()` and `end()` gave, and what was spent between them."""
        with PeakMemory([child.pid for child in children]) as memory:
            first = begin()
            before = Spent.now(self, children)
            last = end()
            after = Spent.now(self, children)
        return first, last, after.since(before, memory.bytes)
