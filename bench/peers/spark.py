"""PySpark Structured Streaming: from_json, then foreachBatch writing by JDBC.

That is how the older system did it. `foreachBatch` gives at-least-once; JDBC's append cannot upsert, so a batch that is done again after
a crash stops at the primary key. Timed with the trigger `availableNow`, which takes what the topic
holds and ends.
"""

import re
from pathlib import Path

from common import maven, venv
from common.children import Child

SPARK = "4.0.0"
DRIVER = "42.7.14"
SETTINGS = {
    "master": "local[2]",
    "driver_memory": "2g",
    "batchsize": "10000",
    # PostgreSQL's own default.
    "isolationLevel": "READ_COMMITTED",
    "reWriteBatchedInserts": "true",
    "trigger": "availableNow",
    # One batch of all, a transaction for each partition: twice as fast as batches of 100,000.
    "maxOffsetsPerTrigger": "none",
}
_PROGRAM = Path(__file__).parent / "programs" / "spark_stream.py"


class Spark:
    """One driver in local mode."""

    name = "spark"
    given_up = None
    startup_limit_s = 180

    def __init__(self, settings=()):
        """`settings` are pairs of key=value on top of SETTINGS."""
        self._settings = {**SETTINGS, **dict(pair.split("=", 1) for pair in settings)}

    def prepare(self, _bed):
        """PySpark with its own jars, and what reads Kafka and writes PostgreSQL."""
        maven.java()
        self._python = venv.python("pyspark", (f"pyspark=={SPARK}",))
        self._jars = jars_for(self._python)

    def start(self, bed, load):
        """Starts the query with a fresh checkpoint."""
        return self.start_on(bed, load.topic)

    def start_on(self, bed, topic):
        """The same on a topic of any kind."""
        home = bed.directory / f"spark-{bed.number('group-spark')}"
        home.mkdir()
        settings = (f"{key}={value}" for key, value in self._settings.items())
        return [Child(
            [self._python, _PROGRAM, bed.kafka.brokers, topic, bed.postgres.url, home,
             ",".join(map(str, self._jars)), *settings],
            log=bed.log("spark"), cwd=home,
            env={"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_DIRS": str(home / "local")},
        )]

    def described(self):
        """Version and settings."""
        return {
            "version": f"PySpark {SPARK}, pgjdbc {DRIVER}",
            "guarantee": "at least once; a repeated batch stops at the primary key",
            "settings": self._settings,
        }


def jars_for(python):
    """What reads Kafka and writes PostgreSQL, without what PySpark of this interpreter has."""
    fetched = maven.jars("spark", (
        f"org.apache.spark:spark-sql-kafka-0-10_2.13:{SPARK}",
        f"org.postgresql:postgresql:{DRIVER}",
    ))
    site = next(python.parent.parent.glob("lib/python*/site-packages/pyspark/jars"))
    there = {_artifact(jar) for jar in site.glob("*.jar")}
    return [jar for jar in sorted(fetched.glob("*.jar")) if _artifact(jar) not in there]


def _artifact(jar):
    return re.sub(r"-\d.*", "", jar.stem)
