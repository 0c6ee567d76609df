"""model-application with its defaults: every answer stored before it is published."""

import re
import time

from answering import bodies, models
from peers import System
from peers.ours import described, process, version
from peers.served import Served

# Longest wait for its address, in seconds.
ADDRESS_S = 20
_ADDRESS = re.compile(r"listening on http://([0-9.]+:[0-9]+)")


class Applier(System):
    """One model-application with one model."""

    stores = "answers"

    def __init__(self, name, effort, settings=()):
        """`effort` is what the model is fitted with; `settings` are pairs of section.key=value."""
        self.name = name
        self._effort = effort
        self._settings = list(settings)

    def prepare(self, bed):
        self._program = bed.built / "model-application"
        self._registry = models.ours(bed.built / "model-prepare", self._effort)

    def start(self, bed, place, registry=None):
        settings = [
            f"kafka.topics.requests={place.requests}",
            f"kafka.topics.answers={place.answers}",
            f"kafka.topics.rejects={place.rejects}",
            f"applier.group=ours-{place.number}",
            f"registry.path={registry or self._registry}",
            *self._settings,
        ]
        return [process(self._program, bed, self.name, place.database_url, settings)]

    def command(self, subcommand):
        """A subcommand of the program with the same model and settings."""
        return [self._program, subcommand, "--registry", self._registry,
                *(f"--set={setting}" for setting in self._settings)]

    def address(self, children):
        """host:port of its HTTP interface."""
        child, until = children[0], time.monotonic() + ADDRESS_S
        while time.monotonic() < until and child.code() is None:
            found = _ADDRESS.search(child.log.read_text(errors="replace"))
            if found:
                return found[1]
            time.sleep(0.02)
        raise RuntimeError(f"{self.name} does not say where it listens: {child.last_words()}")

    def described(self):
        return {
            "version": version(self._program),
            "guarantee": "one request, one answer: stored before it is published, offsets last",
            "answers": "price, range, model, time; requests are checked against the schema",
            "model": f"prepare.effort={self._effort}, fitted on {models.ROWS:,} made listings",
            "settings": described(self._settings),
        }


class ApplierHttp(Applier):
    """`POST /predict` with records."""

    path = "/predict"

    def serve(self, bed, place, rows):
        """Starts it; its topics stay empty."""
        body = bodies.ours_by_protocol if self.path.startswith("/v2") else bodies.ours
        file = bed.bodies(self.name, rows, body)
        children = self.start(bed, place)
        return children, Served(self.address(children), self.path, file)


class ApplierProtocol(ApplierHttp):
    """The Open Inference Protocol v2, a tensor a field, one record a request."""

    works = (1,)
    path = "/v2/models/real-estate/infer"
