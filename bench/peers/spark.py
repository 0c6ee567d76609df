"""PySpark Structured Streaming, as the older system loaded listings and applied its model."""

import re

from answering import models
from common import environments, maven
from common.cache import BENCH
from common.children import Child
from peers import System

SPARK = "4.0.0"
DRIVER = "42.7.14"
_PINS = environments.own()
REQUIREMENTS = (f"pyspark=={SPARK}", "numpy==2.3.5", _PINS["pandas"], _PINS["pyarrow"], _PINS["lightgbm"])
PROGRAMS = BENCH / "peers" / "programs"


def python():
    """The interpreter with PySpark, and what Python's side of it needs."""
    maven.java()
    return environments.python("spark", REQUIREMENTS)


class _Query(System):
    """A program of programs/ with one driver in local mode."""

    name = "spark"
    startup_limit_s = 180
    program = ""
    settings = {}

    def prepare(self, _bed):
        """PySpark with its own jars, and what reads Kafka and writes PostgreSQL."""
        self._python = python()
        fetched = maven.jars("spark", (f"org.apache.spark:spark-sql-kafka-0-10_2.13:{SPARK}",
                                       f"org.postgresql:postgresql:{DRIVER}"))
        own = next(self._python.parent.parent.glob("lib/python*/site-packages/pyspark/jars"))
        there = {_artifact(jar) for jar in own.glob("*.jar")}
        self._jars = ",".join(str(jar) for jar in sorted(fetched.glob("*.jar")) if _artifact(jar) not in there)

    def query(self, bed, *arguments):
        """Starts the program with a home of its own."""
        home = bed.home("spark")
        environment = {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_DIRS": str(home / "local"),
                       # The workers import boosted.py.
                       "PYSPARK_PYTHON": str(self._python), "PYTHONPATH": str(PROGRAMS)}
        command = [self._python, PROGRAMS / "spark_stream.py", self.program, home, self._jars, bed.brokers, *arguments]
        return [Child(command, bed.log("spark"), environment, home)]

    def described(self):
        return {"version": f"PySpark {SPARK}, pgjdbc {DRIVER}",
                "settings": {"master": "local[2]", "driver_memory": "2g", **self.settings}}


def _artifact(jar):
    return re.sub(r"-\d.*", "", jar.stem)


class Spark(_Query):
    """Kafka to PostgreSQL: at least once; a repeated batch stops at the primary key."""

    program = "store"
    # One batch of all, a transaction for each partition: twice as fast as batches of 100,000.
    settings = {"batchsize": "10000", "isolationLevel": "READ_COMMITTED", "reWriteBatchedInserts": "true",
                "trigger": "availableNow", "maxOffsetsPerTrigger": "none"}

    def start(self, bed, load):
        return self.query(bed, load.topic, bed.postgres.url)


class SparkAnswers(_Query):
    """Kafka to Kafka with LightGBM: at least once; stores nothing but its checkpoints."""

    program = "answer"
    # Rows handed to Python at once are Spark's own default; LightGBM has a thread in each of Spark's two workers.
    settings = {"batch_rows": "10000", "threads": "1", "maxOffsetsPerTrigger": "none"}

    def prepare(self, bed):
        super().prepare(bed)
        self._model = models.lightgbm()

    def start(self, bed, place):
        return self.query(bed, place.requests, place.answers, self._model)
