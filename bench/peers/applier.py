"""model-application with its defaults: every answer stored before it is published."""

import re
import subprocess
import time

from answering import models
from common.children import Child

# Enough for a group to form.
STARTUP_LIMIT_S = 60
# Longest wait for its address, in seconds.
ADDRESS_S = 20
_ADDRESS = re.compile(r"listening on http://([0-9.]+:[0-9]+)")


class Applier:
    """One model-application with one model."""

    startup_limit_s = STARTUP_LIMIT_S
    prices = True
    stores = "answers"

    def __init__(self, name, effort, settings=()):
        """`effort` is what the model is fitted with; `settings` are pairs of section.key=value."""
        self.name = name
        self._effort = effort
        self._settings = list(settings)

    def prepare(self, bed):
        """Fits the model."""
        self._program = bed.tools.applier
        self._registry = models.ours(bed.tools.prepare, self._effort)

    def start(self, bed, place, registry=None):
        """Starts it in a new group."""
        settings = [
            f"kafka.topics.requests={place.requests}",
            f"kafka.topics.answers={place.answers}",
            f"kafka.topics.rejects={place.rejects}",
            f"applier.group=ours-{place.number}",
            f"registry.path={registry or self._registry}",
            *self._settings,
        ]
        command = [
            self._program, "--http", "127.0.0.1:0", "--kafka", bed.brokers,
            *(part for setting in settings for part in ("--set", setting)),
        ]
        return [Child(command, log=bed.log(self.name), env={"DATABASE_URL": place.database_url})]

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
        """Version and settings."""
        done = subprocess.run([self._program, "--version"], capture_output=True, text=True)
        return {
            "version": done.stdout.strip(),
            "guarantee": "one request, one answer: stored before it is published, offsets last",
            "answers": "price, range, model, time; requests are checked against the schema",
            "model": f"prepare.effort={self._effort}, fitted on {models.ROWS:,} made listings",
            "settings": {
                "defaults": "config/default.toml",
                **dict(pair.split("=", 1) for pair in self._settings),
            },
        }
