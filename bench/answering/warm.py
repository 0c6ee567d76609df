"""A broker that has just started is a tenth as quick: an echo runs until Java has compiled what it needs."""

from answering import drained, paced
from common.progress import say
from peers.limits import Echo

# Lone messages: so many a second, for so many seconds, until 99 of 100 are back within so many milliseconds.
RATE, SECONDS, P99_MS = 2000.0, 4.0, 25.0
# Full topics: until one gains less than this over the best before.
GAIN = 1.2


def with_lone_messages(bed, quick):
    """Before something is measured at rates."""
    say("warming up the broker with lone messages")
    for number in range(3 if quick else 8):
        [found] = paced.measure(Echo(), bed, [RATE], SECONDS, f"warm-up {number + 1}")
        if not found.unanswered and found.latency["p99"] < P99_MS:
            return


def with_full_topics(bed, quick):
    """Before something is measured at the maximum rate."""
    say("warming up the broker with full topics")
    best = 0.0
    for number in range(4 if quick else 8):
        found = drained.measure(Echo(), bed, 100_000 if quick else 300_000, f"warm-up {number + 1}").per_s
        if found < best * GAIN:
            return
        best = max(best, found)
