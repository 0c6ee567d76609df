"""Python loops with confluent-kafka as one would write them by hand: with LightGBM, and with psycopg's COPY."""

import sys

from answering import models
from common.cache import BENCH
from common.children import Child
from common.environments import own
from peers import System

PROGRAM = BENCH / "peers" / "programs" / "kafka_loop.py"


class PythonAnswers(System):
    """Answers by LightGBM, one process."""

    def __init__(self, name, is_storing):
        """With `is_storing` every answer is stored before it is published."""
        self.name = name
        self.stores = "answers_of_loop" if is_storing else None

    def prepare(self, _bed):
        self._model = models.lightgbm()

    def start(self, bed, place):
        command = [sys.executable, PROGRAM, "answer", bed.brokers, place.requests, f"{self.name}-{place.number}", 1000,
                   place.answers, self._model]
        return [Child([*command, *([place.database_url] if self.stores else [])], bed.log(self.name))]

    def described(self):
        return {"version": ", ".join(own()[name] for name in ("confluent-kafka", "lightgbm", "psycopg")),
                "settings": {"batch_rows": 1000, "threads": 1}}


class PythonCopy(System):
    """Stores listings, one process."""

    name = "python"

    def start(self, bed, load):
        group = f"python-{bed.number('group-python')}"
        command = [sys.executable, PROGRAM, "copy", bed.brokers, load.topic, group, 10_000, bed.postgres.url]
        return [Child(command, bed.log("python"))]

    def described(self):
        return {"version": ", ".join(own()[name] for name in ("confluent-kafka", "psycopg")),
                "settings": {"batch_rows": 10_000, "gathering": "50 ms"}}
