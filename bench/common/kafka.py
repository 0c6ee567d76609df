"""A private Apache Kafka, by scripts/kafka, and its topics."""

import os
import re

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from common import usage
from common.cache import REPOSITORY
from common.children import output, until
from common.progress import going_on, say

HEAP = "1g"
PARTITIONS = 6
# Longest the broker may take for a question, and to take all messages of a topic, in seconds.
PATIENCE_S = 30
FILL_S = 300


class Kafka:
    """One broker on loopback, in `directory`, which it removes at the end."""

    def __init__(self, directory):
        self._directory = directory
        try:
            with going_on("Apache Kafka starts"):
                self.brokers = self._script("start", "--dir", directory)
        except BaseException:
            # Cut short, it may have started a broker already.
            if (directory / "cluster.env").exists():
                self.stop()
            raise
        self.pid = int((directory / "pids" / "1").read_text())

    def make(self, *topics):
        """Makes new topics, and waits until all of their partitions have a leader."""
        admin = AdminClient({"bootstrap.servers": self.brokers})
        for made in admin.create_topics([NewTopic(topic, PARTITIONS, 1) for topic in topics]).values():
            made.result(PATIENCE_S)
        reader = self.reader()

        def are_led():
            try:
                return [size(reader, topic) for topic in topics]
            except KafkaException:
                return None

        until(are_led, PATIENCE_S, "the leaders of new topics")
        reader.close()

    def fill(self, topic, messages):
        """Makes a topic and fills it with pairs of key and value; the key of each partition's last message."""
        say(f"filling topic {topic}, {PARTITIONS} partitions")
        self.make(topic)
        producer = Producer({
            "bootstrap.servers": self.brokers, "compression.type": "lz4", "linger.ms": 20, "batch.size": 1_000_000,
            "queue.buffering.max.messages": 200_000, "queue.buffering.max.kbytes": 500_000,
            "enable.idempotence": True,
        })
        last_keys, failed = {}, []

        def delivered(error, message):
            if error:
                failed.append(error)
            else:
                last_keys[message.partition()] = message.key().decode()

        with going_on("filling"):
            for key, value in messages:
                while True:
                    try:
                        producer.produce(topic, value, key, on_delivery=delivered)
                        break
                    except BufferError:
                        producer.poll(0.05)
                producer.poll(0)
            if producer.flush(FILL_S) or failed:
                raise RuntimeError(f"topic {topic} was not filled: {failed[:1] or 'it takes too long'}")
        return list(last_keys.values())

    def reader(self):
        """A consumer in no group, for `size` and `messages`."""
        return Consumer({"bootstrap.servers": self.brokers, "group.id": "bench", "enable.auto.commit": False})

    def cpu_s(self):
        return usage.cpu_s(self.pid)

    def stop(self):
        self._script("stop", "--dir", self._directory, "--kill", "--delete")

    def described(self):
        """Version and settings, for the result."""
        pom = (REPOSITORY / "scripts" / "kafka-parts" / "pom.xml").read_text()
        version = os.environ.get("KAFKA_HOME") or re.search(r"<kafka.version>([^<]+)", pom)[1]
        return {"version": f"Apache Kafka {version}", "partitions": PARTITIONS,
                "settings": {"brokers": 1, "heap": HEAP}}

    def _script(self, *arguments):
        command = [REPOSITORY / "scripts" / "kafka", *arguments]
        return output(command, f"scripts/kafka {arguments[0]}", env={"KAFKA_HEAP": HEAP}, outlives_kill=True).strip()


def size(reader, topic):
    """How many messages a topic has."""
    ends = (reader.get_watermark_offsets(TopicPartition(topic, partition), PATIENCE_S)
            for partition in range(PARTITIONS))
    return sum(high for _low, high in ends)


def messages(reader, topic, count):
    """The first `count` messages of a topic; nothing is fetched before they are asked for."""
    reader.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)])
    while count > 0:
        found = reader.consume(min(count, 10_000), PATIENCE_S)
        if not found:
            raise RuntimeError(f"{count:,} messages are missing")
        for message in found:
            if message.error():
                raise KafkaException(message.error())
            yield message
        count -= len(found)
