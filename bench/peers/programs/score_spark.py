"""Prices of a table of homes on PySpark's local cluster; the last line printed is a JSON object.

    score_spark.py table DIRECTORY EXECUTORS LISTINGS ROWS    makes homes.parquet and few.parquet
    score_spark.py fit DIRECTORY EXECUTORS LISTINGS MODEL     fits Spark ML's pipeline
    score_spark.py SYSTEM DIRECTORY EXECUTORS MODEL           prices homes.parquet by ours, ours-quick, spark-ml or lightgbm
"""

import json
import math
import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, count, exp, expr, floor, log, rand, sum as total, when

NAMES = ("city", "street", "building_type")
NUMBERS = (
    "floor", "rooms", "floors_total", "area", "kitchen_area", "year_built", "latitude", "longitude",
)
# Homes that are priced before it counts.
FEW = 20_000
PARTITIONS = 16


def session(executors):
    return (
        SparkSession.builder.appName("spark-scoring")
        .master(f"local-cluster[{executors},1,1024]")
        .config("spark.driver.memory", "2g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )


def listings_of(spark, path):
    return spark.read.csv(path, header=True, inferSchema=True)


def make_table(spark, directory, path, rows):
    """The listings again and again, with areas and floors that differ."""
    listings = listings_of(spark, path).drop("price", "id").cache()
    copies = math.ceil(int(rows) / listings.count())
    homes = (
        listings.crossJoin(spark.range(copies).withColumnRenamed("id", "copy"))
        .withColumn("area", col("area") + rand(7) * 10)
        .withColumn("id", expr("uuid()"))
        .drop("copy")
        .limit(int(rows))
    )
    homes.repartition(PARTITIONS).write.parquet(f"{directory}/homes.parquet")
    spark.read.parquet(f"{directory}/homes.parquet").limit(FEW).write.parquet(f"{directory}/few.parquet")
    return {"rows": spark.read.parquet(f"{directory}/homes.parquet").count()}


def numbered(frame):
    """The columns that Spark ML learns from; it has no place for what is missing."""
    return frame.na.fill("", list(NAMES)).na.fill(0, list(NUMBERS))


def fit(spark, path, model):
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import StringIndexer, VectorAssembler
    from pyspark.ml.regression import GBTRegressor

    listings = numbered(listings_of(spark, path)).withColumn("log_price", log("price")).cache()
    levels = max(listings.select(name).distinct().count() for name in NAMES)
    stages = [
        StringIndexer(inputCols=list(NAMES), outputCols=[f"{name}_index" for name in NAMES], handleInvalid="keep"),
        VectorAssembler(inputCols=[*(f"{name}_index" for name in NAMES), *NUMBERS], outputCol="features"),
        # A category needs a bin for each of its levels; all else by default.
        GBTRegressor(featuresCol="features", labelCol="log_price", maxBins=max(32, levels + 1), seed=42),
    ]
    Pipeline(stages=stages).fit(listings).write().overwrite().save(model)
    return {"model": model}


def by_ours(model):
    import hedonic.spark

    loaded = hedonic.Model.load(model)
    return lambda frame: hedonic.spark.predict(frame, loaded, keep=[])


def by_spark_ml(model):
    from pyspark.ml import PipelineModel

    loaded = PipelineModel.load(model)
    return lambda frame: loaded.transform(numbered(frame)).select(exp("prediction").alias("prediction"))


def by_lightgbm(model):
    def price(batches):
        import numpy
        import pandas
        from boosted import NAMES, NUMBERS, loaded

        boosted = loaded(model, 1)
        tables = boosted.codes
        for batch in batches:
            columns = [batch[name].map(tables[name]).to_numpy(float) for name in NAMES]
            columns += [batch[name].to_numpy(float) for name in NUMBERS]
            yield pandas.DataFrame({"prediction": boosted.prices_of(numpy.column_stack(columns))})

    return lambda frame: frame.mapInPandas(price, "prediction double")


def score(spark, directory, system, model):
    """Seconds of all homes, and what came of them."""
    systems = {"ours": by_ours, "ours-quick": by_ours, "spark-ml": by_spark_ml, "lightgbm": by_lightgbm}
    priced = systems[system](model)
    # As if written: nothing is left out of what is computed.
    priced(spark.read.parquet(f"{directory}/few.parquet")).write.format("noop").mode("overwrite").save()
    homes = spark.read.parquet(f"{directory}/homes.parquet")
    began = time.monotonic()
    priced(homes).write.format("noop").mode("overwrite").save()
    seconds = time.monotonic() - began
    # Whole numbers: their sum does not depend on the order.
    found = priced(homes).select(
        count("*").alias("rows"),
        count(when(col("prediction") > 0, 1)).alias("priced"),
        total(floor("prediction")).alias("sum"),
    ).first()
    return {"seconds": seconds, "rows": found["rows"], "priced": found["priced"], "sum": int(found["sum"])}


def main(what, directory, executors, *words):
    spark = session(executors)
    try:
        if what == "table":
            found = make_table(spark, directory, *words)
        elif what == "fit":
            found = fit(spark, *words)
        else:
            found = score(spark, directory, what, *words)
    finally:
        spark.stop()
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
