"""A session of Spark, and a stream of records from a topic."""

from pyspark.sql import SparkSession
from pyspark.sql.functions import col, from_json


def session(name, jars, settings):
    """A driver in local mode; `settings` are those of the peer."""
    builder = (
        SparkSession.builder.appName(name)
        .master(settings["master"])
        .config("spark.driver.memory", settings["driver_memory"])
        .config("spark.jars", jars)
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
    )
    if "batch_rows" in settings:
        builder = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch",
                                 settings["batch_rows"])
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    return spark


def records(spark, brokers, topic, schema, settings):
    """The JSON messages of a topic, from its beginning, as columns."""
    source = {
        "kafka.bootstrap.servers": brokers,
        "subscribe": topic,
        "startingOffsets": "earliest",
    }
    if settings.get("maxOffsetsPerTrigger", "none") != "none":
        source["maxOffsetsPerTrigger"] = settings["maxOffsetsPerTrigger"]
    return (
        spark.readStream.format("kafka").options(**source).load()
        .select(from_json(col("value").cast("string"), schema).alias("record"))
        .select("record.*")
    )
