"""A private Apache Kafka, by scripts/kafka."""

import os

from common import usage
from common.machine import REPOSITORY
from common.progress import going_on
from common.tool import output

# The broker's heap.
HEAP = "1g"


class Kafka:
    """One broker on loopback, in `directory`, which it removes at the end."""

    def __init__(self, directory):
        self._directory = directory
        self.settings = {"brokers": 1, "heap": HEAP}
        try:
            with going_on("Apache Kafka starts"):
                self.brokers = self._script("start", "--dir", directory)
        except BaseException:
            # Cut short, it may have started a broker already.
            if (directory / "cluster.env").exists():
                self.stop()
            raise
        self.pid = int((directory / "pids" / "1").read_text())
        self.version = _version()

    def cpu_s(self):
        return usage.cpu_s(self.pid)

    def stop(self):
        self._script("stop", "--dir", self._directory, "--kill", "--delete")

    def described(self):
        return {"version": f"Apache Kafka {self.version}", "settings": self.settings}

    def _script(self, *arguments):
        return output([REPOSITORY / "scripts" / "kafka", *arguments], f"scripts/kafka {arguments[0]}",
                      env={**os.environ, "KAFKA_HEAP": HEAP}, start_new_session=True).strip()


def _version():
    pom = (REPOSITORY / "scripts" / "kafka-parts" / "pom.xml").read_text()
    if os.environ.get("KAFKA_HOME"):
        return f"of {os.environ['KAFKA_HOME']}"
    return pom.split("<kafka.version>")[1].split("<")[0]
