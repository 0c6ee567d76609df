"""PostgreSQL and Apache Kafka, the files beside them, and our services on them."""

from common.children import Child
from common.free_port import free_port
from common.kafka import Kafka
from common.postgres import Postgres
from common.progress import say
from common.service import Service

PARTITIONS = 6


class Servers:
    """The servers of a bench, stopped at the end of the block; Kafka may be left out."""

    # Of the topics that the bench itself makes.
    partitions = None

    def __init__(self, built, directory, kafka=True):
        self.built = built
        self.directory = directory
        self.kafka = None
        self.postgres = None
        self._with_kafka = kafka
        self._numbers = {}
        self._services = []

    def __enter__(self):
        try:
            say("starting PostgreSQL" + (" and Apache Kafka" if self._with_kafka else ""))
            self.postgres = Postgres(self.built / "examples" / "postgres",
                                     self.directory / "postgres")
            if self._with_kafka:
                self.kafka = Kafka(self.directory / "kafka")
            self.opened()
        except BaseException:
            self.__exit__()
            raise
        return self

    def opened(self):
        """What a bench does first."""

    def __exit__(self, *_exception):
        for service in reversed(self._services):
            service.child.stop()
        if self.postgres:
            self.postgres.stop()
        if self.kafka:
            self.kafka.stop()

    @property
    def brokers(self):
        """Kafka's address; one that nobody listens on where it was left out."""
        return self.kafka.brokers if self.kafka else "127.0.0.1:1"

    def number(self, name):
        """1, 2, 3, … for each name: new groups, topics and logs."""
        self._numbers[name] = self._numbers.get(name, 0) + 1
        return self._numbers[name]

    def log(self, name):
        """A fresh path for what a process says."""
        return self.directory / f"{name}-{self.number(name)}.log"

    def home(self, name):
        path = self.directory / f"{name}-home-{self.number(name + '-home')}"
        path.mkdir()
        return path

    def service(self, name, command, env=None):
        """Starts one of our programs (the command's first word) on these servers, with an HTTP
        address of its own."""
        address = f"127.0.0.1:{free_port()}"
        program, *arguments = command
        child = Child([self.built / program, *arguments, "--kafka", self.brokers, "--http", address],
                      log=self.log(name), env={"DATABASE_URL": self.postgres.url, **(env or {})})
        self._services.append(Service(name, child, address))
        return self._services[-1]

    def described(self):
        described = {"postgres": self.postgres.described()}
        if self.kafka:
            described["kafka"] = self.kafka.described()
            if self.partitions:
                described["kafka"]["partitions"] = self.partitions
        return described
