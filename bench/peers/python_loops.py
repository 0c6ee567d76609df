"""Python loops with confluent-kafka as one would write them by hand: with LightGBM, and with psycopg's COPY."""

import sys

from answering import models
from common.cache import BENCH
from common.children import Child
from common.environments import own
from peers import System

# Rows of a batch of answers, and of a batch of listings.
ANSWERS, LISTINGS = 1000, 10_000
PROGRAMS = BENCH / "peers" / "programs"


class PythonAnswers(System):
    """programs/answer_loop.py, one process."""

    def __init__(self, name, is_storing):
        """With `is_storing` every answer is stored before it is published."""
        self.name = name
        self.stores = "answers_of_loop" if is_storing else None

    def prepare(self, _bed):
        self._model = models.lightgbm()

    def start(self, bed, place):
        command = [sys.executable, PROGRAMS / "answer_loop.py", bed.brokers, place.requests, place.answers,
                   f"{self.name}-{place.number}", self._model, ANSWERS]
        return [Child([*command, *([place.database_url] if self.stores else [])], bed.log(self.name))]

    def described(self):
        return {
            "version": ", ".join(own()[name] for name in ("confluent-kafka", "lightgbm", "psycopg")),
            "guarantee": "at least once, stored by COPY before it is published" if self.stores
            else "at least once at best; stores nothing",
            "answers": "a price; no prediction interval, no checks",
            "settings": {"batch_rows": ANSWERS, "threads": 1},
        }


class PythonCopy(System):
    """programs/copy_loop.py, one process."""

    name = "python"

    def start(self, bed, load):
        command = [sys.executable, PROGRAMS / "copy_loop.py", bed.brokers, load.topic,
                   f"python-{bed.number('group-python')}", bed.postgres.url, LISTINGS]
        return [Child(command, bed.log("python"))]

    def described(self):
        return {
            "version": ", ".join(own()[name] for name in ("confluent-kafka", "psycopg")),
            "guarantee": "at least once, upsert by key; a bad record stops it",
            "settings": {"batch_rows": LISTINGS, "consume timeout": "50 ms"},
        }
