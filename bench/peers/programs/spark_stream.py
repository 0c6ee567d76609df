"""Kafka to PostgreSQL by Structured Streaming.

    spark_stream.py BROKERS TOPIC DATABASE_URL HOME JARS [NAME=VALUE]...
"""

import sys
import urllib.parse

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, from_json

SCHEMA = """
    id string, listed_at timestamp, city string, street string, floor bigint, rooms bigint,
    floors_total bigint, area double, kitchen_area double, year_built bigint,
    building_type string, latitude double, longitude double, price double
"""


def main(brokers, topic, database_url, home, jars, *settings):
    settings = dict(setting.split("=", 1) for setting in settings)
    spark = (
        SparkSession.builder.appName("loader")
        .master(settings["master"])
        .config("spark.driver.memory", settings["driver_memory"])
        .config("spark.jars", jars)
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("WARN")
    url = urllib.parse.urlsplit(database_url)
    jdbc = {
        "url": f"jdbc:postgresql://{url.hostname}:{url.port}{url.path}"
               f"?reWriteBatchedInserts={settings['reWriteBatchedInserts']}",
        "user": url.username,
        "password": url.password,
        "driver": "org.postgresql.Driver",
        "dbtable": "listings",
        "batchsize": settings["batchsize"],
        "isolationLevel": settings["isolationLevel"],
    }
    source = {
        "kafka.bootstrap.servers": brokers,
        "subscribe": topic,
        "startingOffsets": "earliest",
    }
    if settings.get("maxOffsetsPerTrigger", "none") != "none":
        source["maxOffsetsPerTrigger"] = settings["maxOffsetsPerTrigger"]
    listings = (
        spark.readStream.format("kafka").options(**source).load()
        .select(from_json(col("value").cast("string"), SCHEMA).alias("listing"))
        .select("listing.*")
    )

    def store(batch, _number):
        batch.write.format("jdbc").options(**jdbc).mode("append").save()

    query = (
        listings.writeStream.foreachBatch(store)
        .option("checkpointLocation", f"{home}/checkpoint")
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
