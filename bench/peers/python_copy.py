"""A Python loop with confluent-kafka and psycopg's COPY, as one would write it by hand."""

from pathlib import Path

from common.children import Child
from loading.bed import REQUIREMENTS
from peers import System

BATCH_ROWS = 10_000
_PROGRAM = Path(__file__).parent / "programs" / "copy_loop.py"


class PythonCopy(System):
    """programs/copy_loop.py, one process."""

    name = "python"

    def prepare(self, bed):
        self._python = bed.python

    def start_on(self, bed, topic):
        group = f"python-{bed.number('group-python')}"
        return [Child(
            [self._python, _PROGRAM, bed.kafka.brokers, topic, group, bed.postgres.url, BATCH_ROWS],
            log=bed.log("python"),
        )]

    def described(self):
        return {
            "version": ", ".join(REQUIREMENTS),
            "guarantee": "at least once, upsert by key; a bad record stops it",
            "settings": {"batch_rows": BATCH_ROWS, "consume timeout": "50 ms"},
        }
