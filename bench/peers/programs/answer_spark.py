"""Kafka to Kafka by Structured Streaming: from_json, LightGBM in mapInPandas.

    answer_spark.py HOME JARS BROKERS REQUESTS ANSWERS MODEL [NAME=VALUE]...
"""

import json
import sys

from spark_session import records, session

SCHEMA = """
    id string, city string, street string, floor bigint, rooms bigint, floors_total bigint,
    area double, kitchen_area double, year_built bigint, building_type string, latitude double,
    longitude double
"""


def answers_of(model, threads):
    """The function that a worker runs over batches."""

    def answer(batches):
        import numpy
        import pandas
        # Of this directory: read once a worker, which Spark uses again.
        from boosted import NAMES, NUMBERS, loaded

        boosted = loaded(model, threads)
        tables = boosted.codes
        for batch in batches:
            columns = [batch[name].map(tables[name]).to_numpy(float) for name in NAMES]
            columns += [batch[name].to_numpy(float) for name in NUMBERS]
            prices = boosted.prices_of(numpy.column_stack(columns)).tolist()
            yield pandas.DataFrame({
                "key": batch["id"],
                "value": [
                    json.dumps({"id": id_, "prediction": price})
                    for id_, price in zip(batch["id"], prices)
                ],
            })

    return answer


def main(home, jars, brokers, requests, answers, model, *settings):
    settings = dict(setting.split("=", 1) for setting in settings)
    spark = session("answering", jars, settings)
    query = (
        records(spark, brokers, requests, SCHEMA, settings)
        .mapInPandas(answers_of(model, int(settings["threads"])), "key string, value string")
        .writeStream.format("kafka")
        .option("kafka.bootstrap.servers", brokers)
        .option("topic", answers)
        .option("checkpointLocation", f"{home}/checkpoint")
        .start()
    )
    query.awaitTermination()


if __name__ == "__main__":
    main(*sys.argv[1:])
