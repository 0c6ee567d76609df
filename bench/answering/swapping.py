"""Ways to exchange the model of a running model-application."""

import json
import shutil
import time

from common.service import Service, until

# Longest an exchange may take, in seconds.
LIMIT_S = 60
# Pause between two looks whether it is done, in seconds.
LOOK_S = 0.01


def now_us():
    """The clock that answers are stamped by: it is the same machine."""
    return time.time_ns() // 1000


def service(address):
    return Service("model-application", None, address)


def model(address):
    """Which model answers, as /status tells."""
    return service(address).get("/status")["model"]


class Registry:
    """A directory of versions that are copies of some fitted ones."""

    def __init__(self, path, fitted):
        self.path = path
        self._fitted = fitted
        self._count = 0
        path.mkdir()
        # The service's own.
        self.kind = json.loads((fitted[0] / "model.json").read_text())["schema"]["name"]

    def publish(self):
        """Another version, the newest: complete at once. Its name as answers have it."""
        number = self._count + 1
        fresh = self.path / f".new-bench-{number}"
        shutil.copytree(self._fitted[self._count % len(self._fitted)], fresh)
        fresh.rename(self.path / f"v{number:06}")
        self._count = number
        return self.name(number)

    def name(self, number):
        return f"{self.kind}@v{number:06}"


class Publish:
    """New versions appear in the registry; the service takes the newest up by itself."""

    name = "publish"
    # How often it looks, so that a hundred swaps do not take minutes.
    settings = ("applier.model_poll_ms=100",)
    # Versions before the first swap.
    ready = 1

    def swap(self, registry, address, _number):
        """One swap: the model, when it was asked for and when it was known to be active."""
        asked_us = now_us()
        name = registry.publish()
        until(lambda: model(address) == name, LIMIT_S, f"{name} is taken up", LOOK_S)
        return name, asked_us, now_us()


class Activate:
    """Versions that are there are activated by hand, one after the other and again."""

    name = "activate"
    settings = ()

    def __init__(self, fitted):
        self.ready = fitted

    def swap(self, registry, address, number):
        """One swap: the model, when it was asked for and when it was known to be active."""
        # The first one answers already, or another that was activated.
        version = (number + 1) % self.ready + 1
        asked_us = now_us()
        answer = service(address).post(f"/models/v{version:06}/activate?why=bench")
        name = json.loads(answer)["model"]
        if name != registry.name(version):
            raise RuntimeError(f"expected {registry.name(version)} to be active, found {name}")
        return name, asked_us, now_us()
