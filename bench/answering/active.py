"""Which model was active when, whether every answer names one that was, and how it is exchanged."""

import bisect
import datetime
import json
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field

from answering.exchange import is_priced

# A batch holds on to the model it began with: its answers may be stamped so long after the next model is active, in
# seconds.
SLACK_S = 1.0


@dataclass
class Activation:
    """One time at which a model was active; microseconds since 1970."""

    model: str
    # Just before it was asked for: not active earlier.
    asked_us: int
    # Just after the next one was known to be active, or None for the last.
    replaced_us: int | None = None


@dataclass
class Verdict:
    """What answers say against a history."""

    # Model -> answers.
    counts: Counter = field(default_factory=Counter)
    # Answers without a price, or that do not name a model and a time.
    incomplete: int = 0
    # Answers that name a model which was never active, or was not yet.
    untrue: int = 0
    # Answers stamped after the next model was active; by how much at most, in seconds.
    late: int = 0
    latest_s: float = 0.0

    @property
    def wrong(self):
        if self.incomplete:
            return f"{self.incomplete:,} answers have no price, no model or no time"
        if self.untrue:
            return f"{self.untrue:,} answers name a model that was not active yet, or never"
        if self.latest_s > SLACK_S:
            return f"an answer names a model {self.latest_s:.1f} s after it was replaced"
        return None


class History:
    """Activations, in their order."""

    def __init__(self, first_model):
        self.activations = [Activation(first_model, 0)]

    def swapped(self, model, asked_us, active_us):
        """Another model was asked for, and known to be active so much later."""
        self.activations[-1].replaced_us = active_us
        self.activations.append(Activation(model, asked_us))

    def judge(self, answers):
        """The verdict on answers, each an object."""
        verdict, by_model = Verdict(), {}
        for one in self.activations:
            by_model.setdefault(one.model, []).append(one)
        for answer in answers:
            if not is_priced(answer) or not answer.get("model") or not answer.get("answered_at"):
                verdict.incomplete += 1
                continue
            at_us = datetime.datetime.fromisoformat(answer["answered_at"]).timestamp() * 1e6
            verdict.counts[answer["model"]] += 1
            activations = by_model.get(answer["model"], [])
            place = bisect.bisect_right(activations, at_us, key=lambda one: one.asked_us) - 1
            if place < 0:
                verdict.untrue += 1
                continue
            replaced_us = activations[place].replaced_us
            if replaced_us is not None and at_us > replaced_us:
                verdict.late += 1
                verdict.latest_s = max(verdict.latest_s, (at_us - replaced_us) / 1e6)
        return verdict


def publish(registry, fitted):
    """Publishes the fitted versions, as copies."""
    for number, version in enumerate(fitted, start=1):
        shutil.copytree(version, registry / f"v{number:06}")


def swap(service, version, history):
    """Activates a version by hand; the milliseconds until it was known to be active."""
    asked_us = time.time_ns() // 1000
    name = json.loads(service.post(f"/models/v{version:06}/activate?why=bench"))["model"]
    if not name.endswith(f"@v{version:06}"):
        raise RuntimeError(f"expected version {version} to be active, found {name}")
    # The clock that answers are stamped by: it is the same machine.
    active_us = time.time_ns() // 1000
    history.swapped(name, asked_us, active_us)
    return (active_us - asked_us) / 1000
