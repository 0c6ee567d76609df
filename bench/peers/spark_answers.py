"""PySpark Structured Streaming applying LightGBM, as the older system applied its model.

Kafka to Kafka: from_json, mapInPandas, the next micro-batch as soon as one has ended. It stores
nothing but its checkpoints.
"""

from pathlib import Path

from answering import models
from common import maven, venv
from common.children import Child
from peers import python_answers
from peers.spark import SPARK, jars_for

REQUIREMENTS = (
    f"pyspark=={SPARK}", "pandas==2.3.3", "pyarrow==22.0.0", python_answers.LIGHTGBM,
)
SETTINGS = {
    "master": "local[2]",
    "driver_memory": "2g",
    # Rows handed to Python at once: Spark's own default.
    "batch_rows": "10000",
    "maxOffsetsPerTrigger": "none",
    # LightGBM's, in each of Spark's two workers.
    "threads": "1",
}
_PROGRAM = Path(__file__).parent / "programs" / "answer_spark.py"


class SparkAnswers:
    """One driver in local mode."""

    name = "spark"
    startup_limit_s = 120
    prices = True
    stores = None

    def __init__(self, settings=()):
        """`settings` are pairs of key=value on top of SETTINGS."""
        self._settings = {**SETTINGS, **dict(pair.split("=", 1) for pair in settings)}

    def prepare(self, _bed):
        """PySpark with its own jars, what reads Kafka, and the model."""
        maven.java()
        self._python = venv.python("spark-model", REQUIREMENTS)
        self._jars = jars_for(self._python)
        self._model = models.lightgbm(python_answers.python())

    def start(self, bed, place):
        """Starts the query with a fresh checkpoint."""
        home = bed.home("spark")
        settings = (f"{key}={value}" for key, value in self._settings.items())
        return [Child(
            [self._python, _PROGRAM, bed.brokers, place.requests, place.answers, home,
             ",".join(map(str, self._jars)), self._model, *settings],
            log=bed.log("spark"), cwd=home,
            env={
                "SPARK_LOCAL_IP": "127.0.0.1",
                "SPARK_LOCAL_DIRS": str(home / "local"),
                "PYSPARK_PYTHON": str(self._python),
                # The workers import boosted.py.
                "PYTHONPATH": str(_PROGRAM.parent),
            },
        )]

    def described(self):
        """Version and settings."""
        return {
            "version": ", ".join(REQUIREMENTS),
            "guarantee": "at least once; stores nothing",
            "answers": "a price; no range, no checks",
            "settings": {"trigger": "as soon as the last has ended", **self._settings},
        }
