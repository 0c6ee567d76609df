"""Kafka to PostgreSQL in a loop, at least once, made idempotent by the key.

    copy_loop.py BROKERS TOPIC GROUP DATABASE_URL BATCH_ROWS
"""

import json
import signal
import sys

import psycopg
from confluent_kafka import Consumer, KafkaException

COLUMNS = (
    "id", "listed_at", "city", "street", "floor", "rooms", "floors_total", "area",
    "kitchen_area", "year_built", "building_type", "latitude", "longitude", "price",
)
NAMES = ", ".join(COLUMNS)
UPDATES = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])
# Of records with the same id in a batch the last one counts.
MERGE = (
    f"INSERT INTO listings ({NAMES})"
    f" SELECT DISTINCT ON (id) {NAMES} FROM incoming ORDER BY id, number DESC"
    f" ON CONFLICT (id) DO UPDATE SET {UPDATES}"
)


def main(brokers, topic, group, database_url, batch_rows):
    running = True

    def leave(*_):
        nonlocal running
        running = False

    signal.signal(signal.SIGTERM, leave)
    consumer = Consumer({
        "bootstrap.servers": brokers,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    })
    consumer.subscribe([topic])
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "CREATE TEMP TABLE incoming (LIKE listings, number bigint)"
            " ON COMMIT DELETE ROWS"
        )
        connection.execute("ALTER TABLE incoming ALTER stored_at DROP NOT NULL")
        connection.commit()
        while running:
            messages = consumer.consume(int(batch_rows), timeout=0.05)
            if messages:
                store(connection, messages)
                connection.commit()
                consumer.commit(asynchronous=False)
    consumer.close()


def store(connection, messages):
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY incoming ({NAMES}, number) FROM STDIN") as copy:
            for number, message in enumerate(messages):
                if message.error():
                    raise KafkaException(message.error())
                record = json.loads(message.value())
                copy.write_row([*map(record.get, COLUMNS), number])
        cursor.execute(MERGE)


if __name__ == "__main__":
    main(*sys.argv[1:])
