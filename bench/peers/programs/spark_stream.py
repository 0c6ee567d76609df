"""Kafka to PostgreSQL by Structured Streaming.

    spark_stream.py HOME JARS BROKERS TOPIC DATABASE_URL [NAME=VALUE]...
"""

import sys
import urllib.parse

from spark_session import records, session

SCHEMA = """
    id string, listed_at timestamp, city string, street string, floor bigint, rooms bigint,
    floors_total bigint, area double, kitchen_area double, year_built bigint,
    building_type string, latitude double, longitude double, price double
"""


def main(home, jars, brokers, topic, database_url, *settings):
    settings = dict(setting.split("=", 1) for setting in settings)
    spark = session("loader", jars, settings)
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
    listings = records(spark, brokers, topic, SCHEMA, settings)

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
