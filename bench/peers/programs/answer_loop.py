"""Kafka to Kafka in a loop with LightGBM, as one writes it by hand.

    answer_loop.py BROKERS REQUESTS ANSWERS GROUP MODEL BATCH_ROWS [DATABASE_URL]

With a database every answer is stored (COPY) before it is published, and the offsets are committed
last: at least once. Without one nothing is stored, and offsets are committed now and then.
"""

import json
import signal
import sys

import psycopg
from boosted import loaded
from confluent_kafka import Consumer, KafkaException, Producer

TABLE = """CREATE TABLE IF NOT EXISTS answers_of_loop (
    request_id text PRIMARY KEY,
    prediction double precision NOT NULL,
    payload bytea NOT NULL
)"""
INCOMING = "CREATE TEMP TABLE incoming (LIKE answers_of_loop) ON COMMIT DELETE ROWS"
MERGE = "INSERT INTO answers_of_loop SELECT * FROM incoming ON CONFLICT DO NOTHING"


def main(brokers, requests, answers, group, model, batch_rows, database_url=None):
    running = True

    def leave(*_):
        nonlocal running
        running = False

    signal.signal(signal.SIGTERM, leave)
    boosted = loaded(model)
    connection = open_table(database_url) if database_url else None
    consumer = Consumer({
        "bootstrap.servers": brokers,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": connection is None,
    })
    producer = Producer({
        "bootstrap.servers": brokers, "linger.ms": 0, "queue.buffering.max.messages": 1_000_000,
    })
    consumer.subscribe([requests])
    while running:
        messages = gather(consumer, int(batch_rows))
        if not messages:
            continue
        records = [json.loads(message.value()) for message in messages]
        prices = boosted.prices(records).tolist()
        payloads = [
            json.dumps({"id": record["id"], "prediction": price})
            for record, price in zip(records, prices)
        ]
        if connection:
            store(connection, records, prices, payloads)
        for message, payload in zip(messages, payloads):
            producer.produce(answers, payload, message.key())
        producer.poll(0)
        if connection:
            producer.flush()
            consumer.commit(asynchronous=False)
    producer.flush(5)
    consumer.close()


def gather(consumer, batch_rows):
    """The first that comes, and what is there besides: a lone request does not wait for others."""
    messages = consumer.consume(1, timeout=0.1)
    if messages and batch_rows > 1:
        messages += consumer.consume(batch_rows - 1, timeout=0)
    for message in messages:
        if message.error():
            raise KafkaException(message.error())
    return messages


def open_table(database_url):
    connection = psycopg.connect(database_url)
    connection.execute(TABLE)
    connection.execute(INCOMING)
    connection.commit()
    return connection


def store(connection, records, prices, payloads):
    with connection.cursor() as cursor:
        with cursor.copy(
            "COPY incoming (request_id, prediction, payload) FROM STDIN WITH (FORMAT binary)"
        ) as copy:
            copy.set_types(["text", "float8", "bytea"])
            for record, price, payload in zip(records, prices, payloads):
                copy.write_row((str(record["id"]), price, payload.encode()))
        cursor.execute(MERGE)
    connection.commit()


if __name__ == "__main__":
    main(*sys.argv[1:])
