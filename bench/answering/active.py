"""Which model was active when, and whether every answer names one that was."""

import bisect
from dataclasses import dataclass

# A batch holds on to the model it began with: its answers may be stamped so long after the next model
# is active, in seconds.
SLACK_S = 1.0


@dataclass
class Activation:
    """One time at which a model was active; microseconds since 1970."""

    model: str
    # Just before it was asked for: not active earlier.
    asked_us: int
    # Just after the next one was known to be active, or None for the last.
    replaced_us: int | None = None


class History:
    """Activations, in their order."""

    def __init__(self, first_model):
        self.activations = [Activation(first_model, 0)]

    def swapped(self, model, asked_us, active_us):
        """Another model was asked for, and known to be active so much later."""
        self.activations[-1].replaced_us = active_us
        self.activations.append(Activation(model, asked_us))

    def judge(self, sayings):
        """What answers, as (microseconds, model), say against it."""
        return _judge(self._by_model(), sayings)

    def _by_model(self):
        by_model = {}
        for one in self.activations:
            by_model.setdefault(one.model, []).append(one)
        return by_model


@dataclass
class Verdict:
    # Model -> answers.
    counts: dict
    # Answers that name a model which was never active, or was not yet.
    untrue: int
    # Answers stamped after the next model was active; by how much at most, in seconds.
    late: int
    latest_s: float

    @property
    def wrong(self):
        if self.untrue:
            return f"{self.untrue:,} answers name a model that was not active yet, or never"
        if self.latest_s > SLACK_S:
            return f"an answer names a model {self.latest_s:.1f} s after it was replaced"
        return None


def _judge(by_model, sayings):
    verdict = Verdict({}, 0, 0, 0.0)
    begins = {model: [one.asked_us for one in ones] for model, ones in by_model.items()}
    for at_us, model in sayings:
        verdict.counts[model] = verdict.counts.get(model, 0) + 1
        place = bisect.bisect_right(begins.get(model, ()), at_us) - 1
        if place < 0:
            verdict.untrue += 1
            continue
        replaced_us = by_model[model][place].replaced_us
        if replaced_us is not None and at_us > replaced_us:
            verdict.late += 1
            verdict.latest_s = max(verdict.latest_s, (at_us - replaced_us) / 1e6)
    return verdict


def read(path):
    """The sayings that the load generator wrote."""
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            at_us, model = line.rstrip("\n").split(" ", 1)
            yield int(at_us), model
