"""A broker that has just started is a tenth as quick, whoever uses it: Java compiles as it goes.

An echo runs until the broker is as quick as it gets, with lone messages and with full topics.
"""

from answering import drained, paced
from common.progress import say
from peers.echo import Echo

# Lone messages: so many a second, for so many seconds, until 99 of 100 are back within so many
# milliseconds.
RATE = 2000.0
SECONDS = 4.0
P99_MS = 25.0
ROUNDS = 8
ROUNDS_QUICK = 3
# Full topics: until one gains less than this over the best before.
REQUESTS = 300_000
REQUESTS_QUICK = 100_000
DRAINS = 8
DRAINS_QUICK = 4
GAIN = 1.2


def with_lone_messages(bed, quick):
    """Before something is measured at rates."""
    say("warming up the broker with lone messages")
    for number in range(1, (ROUNDS_QUICK if quick else ROUNDS) + 1):
        found = paced.measure(Echo(), bed, [RATE], SECONDS, f"warm-up {number}")
        if found[0].keeps_up and found[0].latency["p99_ms"] < P99_MS:
            return


def with_full_topics(bed, quick):
    """Before something is measured flat out."""
    say("warming up the broker with full topics")
    echo, requests = Echo(), REQUESTS_QUICK if quick else REQUESTS
    best = 0.0
    for number in range(1, (DRAINS_QUICK if quick else DRAINS) + 1):
        found = drained.measure(echo, bed, requests, f"warm-up {number}").per_s
        if found < best * GAIN:
            return
        best = max(best, found)
