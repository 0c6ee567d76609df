"""The servers of these benches: Kafka with topics, PostgreSQL with a database a run."""

import contextlib
import subprocess
import urllib.parse
from dataclasses import dataclass

from answering.load_events import LoadEvents
from common.kafka import Kafka
from common.postgres import Postgres
from common.progress import going_on, say

PARTITIONS = 6
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


class Bed:
    """Kafka and PostgreSQL, stopped at the end of the block; either may be left out."""

    def __init__(self, tools, directory, listings, kafka=True):
        self.tools = tools
        self.directory = directory
        self.listings = listings
        self.kafka = None
        self.postgres = None
        self._with_kafka = kafka
        self._filled = set()
        self._numbers = {}

    def __enter__(self):
        try:
            say("starting PostgreSQL" + (" and Apache Kafka" if self._with_kafka else ""))
            self.postgres = Postgres(self.tools.postgres, self.directory / "postgres")
            if self._with_kafka:
                self.kafka = Kafka(self.directory / "kafka")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception):
        if self.postgres:
            self.postgres.stop()
        if self.kafka:
            self.kafka.stop()

    @property
    def brokers(self):
        """Kafka's address; one that nobody listens on where it was left out."""
        return self.kafka.brokers if self.kafka else "127.0.0.1:1"

    def number(self, name):
        """1, 2, 3, … for each name: new groups, topics and logs."""
        self._numbers[name] = self._numbers.get(name, 0) + 1
        return self._numbers[name]

    def log(self, name):
        """A fresh path for what a process says."""
        return self.directory / f"{name}-{self.number(name)}.log"

    def home(self, name):
        """A fresh directory."""
        path = self.directory / f"{name}-home-{self.number(name + '-home')}"
        path.mkdir()
        return path

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

    def rows(self, place, table):
        """How many rows a table of the place's database has."""
        done = subprocess.run(
            [str(self.postgres.psql), "-X", "-A", "-t", "-c", f"SELECT count(*) FROM {table}"],
            env={**self.postgres.environment, "PGDATABASE": place.database},
            capture_output=True, text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"psql: {done.stderr.strip()[-400:]}")
        return int(done.stdout)

    def described(self):
        """The servers, for the result."""
        described = {"postgres": self.postgres.described()}
        if self.kafka:
            described["kafka"] = {**self.kafka.described(), "partitions": PARTITIONS}
        return described
