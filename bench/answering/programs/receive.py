"""Notes when each answer on a topic comes out of a consumer, and whether it has a price.

    receive.py BROKERS TOPIC TIMES FIRST [FILE]

TIMES is a table as exchange.py makes it, whose place 0 is that of number FIRST; answers have the request's number as
their key. It reads what comes after it said that it is ready, until standard input ends; then it writes the answers
into FILE, one a line.
"""

import json
import sys
import threading
import time
from pathlib import Path

import numpy
from confluent_kafka import Consumer, TopicPartition

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))
from answering.exchange import TIMES, is_priced  # noqa: E402
from common.kafka import PARTITIONS, PATIENCE_S  # noqa: E402


def main(brokers, topic, times, first, file=None):
    over, kept = threading.Event(), []
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    table = numpy.memmap(times, TIMES, "r+")
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "receive", "enable.auto.commit": False})
    places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
    for place in places:
        _low, place.offset = consumer.get_watermark_offsets(place, PATIENCE_S)
    consumer.assign(places)
    print("ready", flush=True)
    while not over.is_set():
        message = consumer.poll(0.05)
        if message is None:
            continue
        messages = [message, *consumer.consume(1000, 0)]
        now = time.monotonic_ns()
        for message in messages:
            if message.error():
                # The client mends what it can; what it cannot shows as requests without an answer.
                print(message.error(), file=sys.stderr)
                continue
            place = int(message.key()) - int(first)
            if place < 0:
                # A late answer to another sender.
                continue
            entry = table[place]
            if not entry["answers"]:
                entry["answered"] = now
            entry["answers"] += 1
            entry["prices"] += is_priced(json.loads(message.value()))
            if file:
                kept.append(message.value())
    if file:
        Path(file).write_bytes(b"".join(value + b"\n" for value in kept))


if __name__ == "__main__":
    main(*sys.argv[1:])
