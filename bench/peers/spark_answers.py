"""PySpark Structured Streaming applying LightGBM, as the older system applied its model.

Kafka to Kafka: from_json, mapInPandas, the next micro-batch as soon as one has ended. It stores
nothing but its checkpoints.
"""

from pathlib import Path

from answering import models
from common import maven, venv
from peers import System, python_answers
from peers.spark import SPARK, jars_for, query

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


class SparkAnswers(System):
    """One driver in local mode."""

    name = "spark"
    startup_limit_s = 120

    def prepare(self, _bed):
        """PySpark with its own jars, what reads Kafka, and the model."""
        maven.java()
        self._python = venv.python("spark-model", REQUIREMENTS)
        self._jars = jars_for(self._python)
        self._model = models.lightgbm(python_answers.python())

    def start(self, bed, place):
        # The workers import boosted.py.
        env = {"PYSPARK_PYTHON": str(self._python), "PYTHONPATH": str(_PROGRAM.parent)}
        return [query(bed, self._python, self._jars, _PROGRAM, SETTINGS,
                      [bed.brokers, place.requests, place.answers, self._model], env)]

    def described(self):
        return {
            "version": ", ".join(REQUIREMENTS),
            "guarantee": "at least once; stores nothing",
            "answers": "a price; no range, no checks",
            "settings": {"trigger": "as soon as the last has ended", **SETTINGS},
        }
