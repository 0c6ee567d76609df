"""Sends listings at an even rate, each with the time at which it was handed to the producer.

    send_at_rate.py BROKERS TOPIC PARTITIONS FILE RATE SECONDS WARM

The topic is made first. WARM listings go out before the others, marked by ids that begin with
"warm-"; the others wait for a line on standard input, and have numbers as ids. Prints, as JSON,
how many were sent, by how much the sender was late at worst, and after how long the broker had a
message (the median and the 99th percentile of its acknowledgements).
"""

import datetime
import json
import sys
import time

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

UTC = datetime.timezone.utc


def main(brokers, topic, partitions, file, rate, seconds, warm):
    rate, count, warm = float(rate), int(float(rate) * float(seconds)), int(warm)
    with open(file, encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    admin = AdminClient({"bootstrap.servers": brokers})
    for made in admin.create_topics([NewTopic(topic, int(partitions), 1)]).values():
        made.result(30)
    acknowledged = []

    def delivered(error, message):
        if error is None:
            acknowledged.append(message.latency() * 1000)

    # Linger 0: a message goes out at once.
    producer = Producer({"bootstrap.servers": brokers, "linger.ms": 0, "acks": "all"})

    def send(number, mark=""):
        record = dict(records[number % len(records)], id=f"{mark}{number}")
        at = datetime.datetime.now(UTC)
        record["listed_at"] = at.isoformat(timespec="microseconds")
        producer.produce(
            topic, json.dumps(record), record["id"], on_delivery=delivered
        )

    for number in range(warm):
        send(number, "warm-")
    producer.flush(30)
    print("warm", flush=True)
    sys.stdin.readline()
    acknowledged.clear()
    begun, latest = time.monotonic(), 0.0
    for number in range(count):
        due = begun + number / rate
        now = time.monotonic()
        while now < due:
            producer.poll(0)
            time.sleep(min(due - now, 0.002))
            now = time.monotonic()
        latest = max(latest, now - due)
        send(number)
    left = producer.flush(60)
    acknowledged.sort()
    print(json.dumps({
        "sent": count,
        "unsent": left,
        "late_ms": latest * 1000,
        "acknowledged_p50_ms": acknowledged[len(acknowledged) // 2],
        "acknowledged_p99_ms": acknowledged[int(len(acknowledged) * 0.99)],
    }), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
