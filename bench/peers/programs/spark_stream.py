"""Structured Streaming from Kafka, to PostgreSQL or with a model's prices back to Kafka.

    spark_stream.py store HOME JARS BROKERS TOPIC DATABASE_URL
    spark_stream.py answer HOME JARS BROKERS REQUESTS ANSWERS MODEL
"""

import json
import sys
import urllib.parse

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, from_json

LISTING = """
    id string, listed_at timestamp, city string, street string, floor bigint, rooms bigint, floors_total bigint,
    area double, kitchen_area double, year_built bigint, building_type string, latitude double, longitude double,
    price double
"""


def records(home, jars, brokers, topic):
    """The JSON messages of a topic, from its beginning, as columns."""
    spark = (
        SparkSession.builder.appName(home)
        .master("local[2]")
        .config("spark.driver.memory", "2g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.jars", jars)
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("WARN")
    source = {"kafka.bootstrap.servers": brokers, "subscribe": topic, "startingOffsets": "earliest"}
    messages = spark.readStream.format("kafka").options(**source).load()
    return messages.select(from_json(col("value").cast("string"), LISTING).alias("record")).select("record.*")


def store(listings, database_url):
    """Appends the listings to their table, a partition a transaction."""
    url = urllib.parse.urlsplit(database_url)
    jdbc = {
        "url": f"jdbc:postgresql://{url.hostname}:{url.port}{url.path}?reWriteBatchedInserts=true",
        "user": url.username, "password": url.password, "driver": "org.postgresql.Driver", "dbtable": "listings",
        "batchsize": "10000", "isolationLevel": "READ_COMMITTED",
    }

    def append(batch, _number):
        batch.write.format("jdbc").options(**jdbc).mode("append").save()

    return listings.writeStream.foreachBatch(append).trigger(availableNow=True)


def answer(requests, brokers, topic, model):
    """Publishes a price for each request."""

    def answers(batches):
        import pandas
        # Of this directory: read once a worker, which Spark uses again.
        from boosted import loaded

        boosted = loaded(model)
        for batch in batches:
            prices = zip(batch["id"], boosted.prices_of_columns(batch).tolist())
            values = [json.dumps({"id": id_, "prediction": price}) for id_, price in prices]
            yield pandas.DataFrame({"key": batch["id"], "value": values})

    priced = requests.mapInPandas(answers, "key string, value string")
    return priced.writeStream.format("kafka").option("kafka.bootstrap.servers", brokers).option("topic", topic)


def main(what, home, jars, brokers, topic, *arguments):
    read = records(home, jars, brokers, topic)
    stream = store(read, *arguments) if what == "store" else answer(read, brokers, *arguments)
    stream.option("checkpointLocation", f"{home}/checkpoint").start().awaitTermination()


if __name__ == "__main__":
    main(*sys.argv[1:])
