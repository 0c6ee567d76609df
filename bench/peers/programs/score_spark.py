"""Prices of a table of homes on PySpark's local cluster; the last line printed is a JSON object.

    score_spark.py table DIRECTORY EXECUTORS LISTINGS ROWS    makes homes.parquet and few.parquet
    score_spark.py fit DIRECTORY EXECUTORS LISTINGS MODEL     fits Spark ML's pipeline
    score_spark.py SYSTEM DIRECTORY EXECUTORS MODEL           prices homes.parquet
"""

import json
import math
import sys
import time

from boosted import NAMES, NUMBERS, loaded
from pyspark.sql import SparkSession
from pyspark.sql.functions import col, count, exp, expr, floor, log, rand, sum as total, when

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


def make_table(spark, directory, path, rows):
    """The listings again and again, with areas and floors that differ."""
    listings = spark.read.csv(path, header=True, inferSchema=True).drop("price", "id").cache()
    copies = spark.range(math.ceil(int(rows) / listings.count())).withColumnRenamed("id", "copy")
    homes = listings.crossJoin(copies).withColumn("area", col("area") + rand(7) * 10).withColumn("id", expr("uuid()"))
    homes.drop("copy").limit(int(rows)).repartition(PARTITIONS).write.parquet(f"{directory}/homes.parquet")
    spark.read.parquet(f"{directory}/homes.parquet").limit(FEW).write.parquet(f"{directory}/few.parquet")
    return {}


def numbered(frame):
    """The columns that Spark ML learns from; it has no place for what is missing."""
    return frame.na.fill("", list(NAMES)).na.fill(0, list(NUMBERS))


def fit(spark, _directory, path, model):
    """Fits Spark ML's pipeline on the listings."""
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import StringIndexer, VectorAssembler
    from pyspark.ml.regression import GBTRegressor

    read = spark.read.csv(path, header=True, inferSchema=True)
    listings = numbered(read).withColumn("log_price", log("price")).cache()
    levels = max(listings.select(name).distinct().count() for name in NAMES)
    indices = [f"{name}_index" for name in NAMES]
    stages = [
        StringIndexer(inputCols=list(NAMES), outputCols=indices, handleInvalid="keep"),
        VectorAssembler(inputCols=[*indices, *NUMBERS], outputCol="features"),
        # A category needs a bin for each of its levels; all else by default.
        GBTRegressor(featuresCol="features", labelCol="log_price", maxBins=max(32, levels + 1), seed=42),
    ]
    Pipeline(stages=stages).fit(listings).write().overwrite().save(model)
    return {"model": model}


def pricing(system, model):
    """A function from homes to a table with a column `prediction`."""
    if system == "spark-ml":
        from pyspark.ml import PipelineModel

        pipeline = PipelineModel.load(model)
        return lambda homes: pipeline.transform(numbered(homes)).select(exp("prediction").alias("prediction"))
    if system == "lightgbm":
        def price(batches):
            import pandas

            for batch in batches:
                yield pandas.DataFrame({"prediction": loaded(model).prices_of_columns(batch)})

        return lambda homes: homes.mapInPandas(price, "prediction double")
    import hedonic.spark

    ours = hedonic.Model.load(model)
    return lambda homes: hedonic.spark.predict(homes, ours, keep=[])


def score(spark, directory, system, model):
    """Seconds of all homes, and what came of them."""
    priced = pricing(system, model)
    few, homes = (spark.read.parquet(f"{directory}/{name}.parquet") for name in ("few", "homes"))
    # As if written: nothing is left out of what is computed.
    priced(few).write.format("noop").mode("overwrite").save()
    began = time.monotonic()
    priced(homes).write.format("noop").mode("overwrite").save()
    seconds = time.monotonic() - began
    # Whole numbers: their sum does not depend on the order.
    found = priced(homes).select(
        count("*").alias("rows"),
        count(when(col("prediction") > 0, 1)).alias("priced"),
        total(floor("prediction")).alias("sum"),
    ).first()
    return {"seconds": seconds, **{name: int(value) for name, value in found.asDict().items()}}


def main(what, directory, executors, *words):
    spark = session(executors)
    try:
        if what == "table":
            found = make_table(spark, directory, *words)
        elif what == "fit":
            found = fit(spark, directory, *words)
        else:
            found = score(spark, directory, what, *words)
    finally:
        spark.stop()
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
