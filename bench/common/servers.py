"""PostgreSQL and Apache Kafka, the files beside them, and our services on them."""

import json
import re
import socket
import urllib.error
import urllib.request

from common.children import Child, until
from common.kafka import Kafka
from common.postgres import Postgres
from common.progress import say

# Longest a service may take to say its address, in seconds.
ADDRESS_S = 60
_ADDRESS = re.compile(r"listening on http://([0-9.]+:[0-9]+)")


def free_port():
    """A port of loopback that nobody listens on; somebody may take it before you do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Service:
    """One of our programs, and its HTTP interface."""

    def __init__(self, name, child):
        self.name = name
        self.child = child
        self.address = until(self._said, ADDRESS_S, f"{name} says where it listens", 0.02, [child])

    def _said(self):
        found = _ADDRESS.search(self.child.log.read_text(errors="replace"))
        return found and found[1]

    def is_ready(self):
        try:
            self.text("/health/ready")
            return True
        except OSError:
            return False

    def ready(self, limit_s):
        """Waits until it is."""
        until(self.is_ready, limit_s, f"{self.name} is ready", children=[self.child])

    def text(self, path):
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=60) as answer:
            return answer.read().decode()

    def get(self, path):
        return json.loads(self.text(path))

    def post(self, path):
        """The body of the answer to a `POST` without a body."""
        request = urllib.request.Request(f"http://{self.address}{path}", data=b"", method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            text = error.read()[:300].decode(errors="replace")
            raise RuntimeError(f"{self.name}: POST {path}: {error.code} {text}") from error


class Servers:
    """The servers of a bench, stopped at the end of the block; Kafka may be left out."""

    def __init__(self, built, directory, kafka=True):
        self.built = built
        self.directory = directory
        self.kafka = None
        self.postgres = None
        self._with_kafka = kafka
        self._numbers = {}
        self._children = []

    def __enter__(self):
        try:
            say("starting PostgreSQL" + (" and Apache Kafka" if self._with_kafka else ""))
            self.postgres = Postgres(self.built / "examples" / "postgres", self.directory / "postgres")
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
        for child in reversed(self._children):
            child.stop()
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
        """A fresh directory."""
        path = self.directory / f"{name}-home-{self.number(name + '-home')}"
        path.mkdir()
        return path

    def child(self, name, command, settings=(), database_url=None, env=None):
        """Starts one of our programs (the command's first word) on these servers, on a free port."""
        program, *arguments = command
        flags = ["--kafka", self.brokers, "--http", "127.0.0.1:0", *(f"--set={setting}" for setting in settings)]
        url = {"DATABASE_URL": database_url or self.postgres.url}
        child = Child([self.built / program, *arguments, *flags], self.log(name), {**url, **(env or {})})
        self._children.append(child)
        return child

    def service(self, name, command, settings=(), env=None):
        """The same, with its HTTP interface."""
        return Service(name, self.child(name, command, settings, env=env))

    def described(self):
        """Versions and settings, for the result."""
        servers = {"postgres": self.postgres, "kafka": self.kafka}
        return {name: server.described() for name, server in servers.items() if server}
