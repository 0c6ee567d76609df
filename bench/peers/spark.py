"""PySpark Structured Streaming: from_json, then foreachBatch writing by JDBC.

That is how the older system did it. `foreachBatch` gives at-least-once; JDBC's append cannot upsert, so a batch that is done again after
a crash stops at the primary key. Timed with the trigger `availableNow`, which takes what the topic
holds and ends.
"""

import re
from pathlib import Path

from common import maven, venv
from common.children import Child
from peers import System

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


class Spark(System):
    """One driver in local mode."""

    name = "spark"
    startup_limit_s = 180

    def prepare(self, _bed):
        """PySpark with its own jars, and what reads Kafka and writes PostgreSQL."""
        maven.java()
        self._python = venv.python("pyspark", (f"pyspark=={SPARK}",))
        self._jars = jars_for(self._python)

    def start_on(self, bed, topic):
        return [query(bed, self._python, self._jars, _PROGRAM, SETTINGS,
                      [bed.kafka.brokers, topic, bed.postgres.url])]

    def described(self):
        return {
            "version": f"PySpark {SPARK}, pgjdbc {DRIVER}",
            "guarantee": "at least once; a repeated batch stops at the primary key",
            "settings": SETTINGS,
        }


def query(bed, python, jars, program, settings, arguments, env=None):
    """Starts a program of programs/ with a home of its own."""
    home = bed.home("spark")
    pairs = (f"{key}={value}" for key, value in settings.items())
    return Child(
        [python, program, home, ",".join(map(str, jars)), *arguments, *pairs],
        log=bed.log("spark"), cwd=home,
        env={"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_DIRS": str(home / "local"), **(env or {})},
    )


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
