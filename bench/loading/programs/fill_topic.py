"""Makes a topic and fills it with lines of a file; run with the Python that has confluent-kafka.

    fill_topic.py BROKERS TOPIC PARTITIONS FILE COUNT

The key is the listing's id. Prints, as JSON, the id of each partition's last message and the bytes
of the values.
"""

import itertools
import json
import sys

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

# An object begins {"id":"…", with a UUID of 36 characters.
KEY = slice(7, 43)


def main(brokers, topic, partitions, file, count):
    partitions, count = int(partitions), int(count)
    admin = AdminClient({"bootstrap.servers": brokers})
    for made in admin.create_topics([NewTopic(topic, partitions, 1)]).values():
        made.result(30)
    producer = Producer({
        "bootstrap.servers": brokers,
        "compression.type": "lz4",
        "linger.ms": 20,
        "batch.size": 1_000_000,
        "queue.buffering.max.messages": 200_000,
        "queue.buffering.max.kbytes": 500_000,
        "enable.idempotence": True,
    })
    size = 0
    failed = []

    def delivered(error, _message):
        if error:
            failed.append(error)

    with open(file, "rb") as lines:
        for line in itertools.islice(lines, count):
            value = line[:-1]
            size += len(value)
            while True:
                try:
                    producer.produce(topic, value, line[KEY], on_delivery=delivered)
                    break
                except BufferError:
                    producer.poll(0.05)
            producer.poll(0)
    if producer.flush(120) or failed:
        sys.exit(f"the topic {topic} could not be filled: {failed[:1] or 'it takes too long'}")
    print(json.dumps({"last_ids": last_ids(brokers, topic, partitions), "bytes": size}))


def last_ids(brokers, topic, partitions):
    """The key of the last message of every partition that has one."""
    consumer = Consumer({
        "bootstrap.servers": brokers, "group.id": "bench-last", "enable.auto.commit": False,
    })
    places = [TopicPartition(topic, partition) for partition in range(partitions)]
    lasts = []
    for place in places:
        _low, high = consumer.get_watermark_offsets(place, timeout=30)
        if high:
            lasts.append(TopicPartition(topic, place.partition, high - 1))
    consumer.assign(lasts)
    found = {}
    while len(found) < len(lasts):
        message = consumer.poll(30)
        if message is None or message.error():
            sys.exit(f"the last messages of {topic} cannot be read")
        found[message.partition()] = message.key().decode()
    consumer.close()
    return list(found.values())


if __name__ == "__main__":
    main(*sys.argv[1:])
