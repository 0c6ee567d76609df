"""The limit on Kafka: a librdkafka loop that gives every request back, and stores nothing."""

from common.children import Child
from peers import System


class Echo(System):
    """bench/load/src/bin/echo.rs."""

    name = "echo"
    # Its answers are the requests.
    prices = False

    def start(self, bed, place):
        return [Child(
            [bed.built / "echo", "--brokers", bed.brokers, "--requests", place.requests,
             "--answers", place.answers, "--group", f"echo-{place.number}"],
            log=bed.log("echo"),
        )]

    def described(self):
        return {
            "version": "librdkafka as in Cargo.lock",
            "guarantee": "at least once; no model, stores nothing",
            "settings": {"linger.ms": 0, "fetch.queue.backoff.ms": 10},
        }
