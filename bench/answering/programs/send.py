"""Sends messages at given rates, and notes when each was handed to the producer.

    send.py BROKERS TOPIC LINES TIMES FIRST

LINES have a slot for a number, which is the message's key too; TIMES is a table as exchange.py makes it, whose place 0
is that of number FIRST. Each line on standard input is an order: the first place, how many, how many per second, and
librdkafka's linger.ms. When they are sent, a line tells how late they were handed over and when the broker acknowledged
them. SIGUSR1 ends an order early.
"""

import json
import signal
import sys
import time
from pathlib import Path

import numpy
from confluent_kafka import Producer

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
from answering.exchange import TIMES  # noqa: E402
from common.latency import percentiles  # noqa: E402
from common.listings import SLOT  # noqa: E402


class Sender:
    def __init__(self, brokers, topic, lines, times, first):
        self._brokers, self._topic = brokers, topic
        self._lines = [line.split(SLOT) for line in Path(lines).read_text().splitlines()]
        self._sent = numpy.memmap(times, TIMES, "r+")["sent"]
        self._first = int(first)
        self._producers = {}
        self._is_over = False
        signal.signal(signal.SIGUSR1, self._end_early)

    def _end_early(self, *_):
        self._is_over = True

    def _producer(self, linger_ms):
        if linger_ms not in self._producers:
            settings = {"bootstrap.servers": self._brokers, "linger.ms": linger_ms, "acks": "all"}
            self._producers[linger_ms] = Producer(settings)
        return self._producers[linger_ms]

    def send(self, first, count, rate, linger_ms):
        """Sends `count` messages; what happened, for whoever ordered it."""
        producer, late, acknowledged = self._producer(int(linger_ms)), [], []

        def delivered(error, message):
            if error is None:
                acknowledged.append(int(message.latency() * 1e9))

        begun = time.monotonic_ns()
        for number in range(int(count)):
            if self._is_over:
                break
            due = begun + int(number * 1e9 / float(rate))
            while (now := time.monotonic_ns()) < due:
                producer.poll(0)
                time.sleep(min(due - now, 2_000_000) / 1e9)
            late.append(now - due)
            place = int(first) + number
            key = str(self._first + place)
            before, after = self._lines[number % len(self._lines)]
            self._sent[place] = time.monotonic_ns()
            producer.produce(self._topic, f"{before}{key}{after}", key, on_delivery=delivered)
            producer.poll(0)
        unsent = producer.flush(60)
        return {"sent": len(late), "unsent": unsent, "late": percentiles(late),
                "acknowledged": percentiles(acknowledged)}


def main(*arguments):
    sender = Sender(*arguments)
    print("ready", flush=True)
    for order in sys.stdin:
        print(json.dumps(sender.send(*order.split())), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
