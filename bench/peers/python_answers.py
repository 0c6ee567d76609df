"""A Python loop with confluent-kafka and LightGBM, as one would write it by hand."""

from pathlib import Path

from answering import models
from common import venv
from common.children import Child
from peers import System

BATCH_ROWS = 1000
# LightGBM's; a second one gains nothing beside the broker on two cores.
THREADS = 1
LIGHTGBM = "lightgbm==4.7.0"
REQUIREMENTS = ("confluent-kafka==2.16.1", "psycopg[binary]==3.3.9", LIGHTGBM, "numpy==2.3.5")
_PROGRAM = Path(__file__).parent / "programs" / "answer_loop.py"


def python():
    """The interpreter with what the loop needs; also the one that fits LightGBM's model."""
    return venv.python("answering", REQUIREMENTS)


class PythonAnswers(System):
    """programs/answer_loop.py, one process."""

    def __init__(self, name, is_storing):
        """With `is_storing` every answer is stored before it is published."""
        self.name = name
        self._is_storing = is_storing
        self.stores = "answers_of_loop" if is_storing else None

    def prepare(self, _bed):
        self._python = python()
        self._model = models.lightgbm(self._python)

    def start(self, bed, place):
        database = [place.database_url] if self._is_storing else []
        return [Child(
            [self._python, _PROGRAM, bed.brokers, place.requests, place.answers,
             f"{self.name}-{place.number}", self._model, BATCH_ROWS, THREADS, *database],
            log=bed.log(self.name),
        )]

    def described(self):
        return {
            "version": ", ".join(REQUIREMENTS),
            "guarantee": "at least once, stored by COPY before it is published"
            if self._is_storing else "at least once at best; stores nothing",
            "answers": "a price; no range, no checks",
            "settings": {"batch_rows": BATCH_ROWS, "threads": THREADS},
        }
