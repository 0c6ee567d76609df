"""A loop with confluent-kafka, as one writes it by hand.

    kafka_loop.py copy BROKERS TOPIC GROUP BATCH_ROWS DATABASE_URL
    kafka_loop.py answer BROKERS TOPIC GROUP BATCH_ROWS ANSWERS MODEL [DATABASE_URL]

`copy` stores listings by psycopg's COPY, made idempotent by the key. `answer` answers requests with LightGBM; with a
database every answer is stored before it is published, and the offsets are committed last. Without one offsets are
committed now and then.
"""

import json
import signal
import sys

import psycopg
from confluent_kafka import Consumer, KafkaException, Producer

COLUMNS = (
    "id", "listed_at", "city", "street", "floor", "rooms", "floors_total", "area", "kitchen_area", "year_built",
    "building_type", "latitude", "longitude", "price",
)
NAMES = ", ".join(COLUMNS)
INCOMING = ("CREATE TEMP TABLE incoming (LIKE listings, number bigint) ON COMMIT DELETE ROWS",
            "ALTER TABLE incoming ALTER stored_at DROP NOT NULL")
# Of records with the same id in a batch the last one counts.
MERGE = (
    f"INSERT INTO listings ({NAMES}) SELECT DISTINCT ON (id) {NAMES} FROM incoming ORDER BY id, number DESC"
    f" ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in COLUMNS[1:])}"
)
ANSWERS = ("CREATE TABLE IF NOT EXISTS answers_of_loop"
           " (request_id text PRIMARY KEY, prediction double precision NOT NULL, payload bytea NOT NULL)",
           "CREATE TEMP TABLE incoming (LIKE answers_of_loop) ON COMMIT DELETE ROWS")
MERGE_ANSWERS = "INSERT INTO answers_of_loop SELECT * FROM incoming ON CONFLICT DO NOTHING"


class Copy:
    """Stores listings."""

    # It waits a little for a full batch.
    gathering_s = 0.05

    def __init__(self, _brokers, database_url):
        self.database = connected(database_url, INCOMING)

    def take(self, messages):
        with self.database.cursor() as cursor:
            with cursor.copy(f"COPY incoming ({NAMES}, number) FROM STDIN") as copy:
                for number, message in enumerate(messages):
                    record = json.loads(message.value())
                    copy.write_row([*map(record.get, COLUMNS), number])
            cursor.execute(MERGE)
        self.database.commit()


class Answer:
    """Answers requests."""

    # A lone request does not wait for others.
    gathering_s = 0

    def __init__(self, brokers, answers, model, database_url=None):
        from boosted import loaded

        self._boosted, self._answers = loaded(model), answers
        self.database = connected(database_url, ANSWERS) if database_url else None
        self._producer = Producer({"bootstrap.servers": brokers, "linger.ms": 0,
                                   "queue.buffering.max.messages": 1_000_000})

    def take(self, messages):
        records = [json.loads(message.value()) for message in messages]
        prices = self._boosted.prices(records).tolist()
        payloads = [json.dumps({"id": record["id"], "prediction": price}) for record, price in zip(records, prices)]
        if self.database:
            self._store(records, prices, payloads)
        for message, payload in zip(messages, payloads):
            self._producer.produce(self._answers, payload, message.key())
        self._producer.poll(0)
        if self.database:
            self._producer.flush()

    def _store(self, records, prices, payloads):
        with self.database.cursor() as cursor:
            statement = "COPY incoming (request_id, prediction, payload) FROM STDIN WITH (FORMAT binary)"
            with cursor.copy(statement) as copy:
                copy.set_types(["text", "float8", "bytea"])
                for record, price, payload in zip(records, prices, payloads):
                    copy.write_row((str(record["id"]), price, payload.encode()))
            cursor.execute(MERGE_ANSWERS)
        self.database.commit()


def connected(database_url, statements):
    connection = psycopg.connect(database_url)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    return connection


def main(what, brokers, topic, group, batch_rows, *arguments):
    running = [True]
    signal.signal(signal.SIGTERM, lambda *_: running.clear())
    loop = {"copy": Copy, "answer": Answer}[what](brokers, *arguments)
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": group, "auto.offset.reset": "earliest",
                         "enable.auto.commit": loop.database is None})
    consumer.subscribe([topic])
    while running:
        messages = consumer.consume(1, 0.1)
        if not messages:
            continue
        messages += consumer.consume(int(batch_rows) - 1, loop.gathering_s)
        for message in messages:
            if message.error():
                raise KafkaException(message.error())
        loop.take(messages)
        if loop.database:
            consumer.commit(asynchronous=False)
    consumer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
