"""Scoring on a Spark cluster whose workers are killed; where HEDONIC_TEST_SPARK=1, with PySpark and a JDK."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hedonic
import pandas
import pyarrow
import pyarrow.parquet
import pytest

pytestmark = pytest.mark.skipif(
    os.environ.get("HEDONIC_TEST_SPARK") != "1", reason="HEDONIC_TEST_SPARK=1 runs a Spark cluster"
)

#: Rows and partitions of the frame that is scored while a worker is killed.
ROWS = 400_000
PARTITIONS = 40
#: Longest a job may take, in seconds.
LIMIT_S = 300


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """A master, two workers of one core, and this driver, in processes of their own."""
    from pyspark.sql import SparkSession

    # The executors' Python is this one, which has the package.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = (
        SparkSession.builder.master("local-cluster[2,1,1024]")
        .appName("hedonic")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    yield session
    session.stop()


def executors(application: str) -> list[int]:
    """Processes of an application's executors."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if application.encode() in words and any(b"CoarseGrainedExecutorBackend" in word for word in words):
            found.append(int(process.name))
    return found


def large(listings: pandas.DataFrame) -> pandas.DataFrame:
    """Many homes, each with a number, and texts for numbers as lakes have them."""
    copies = -(-ROWS // len(listings))
    frame = pandas.concat([listings.drop(columns="price")] * copies, ignore_index=True).head(ROWS)
    frame["area"] += frame.index % 997 / 10
    frame["rooms"] = frame["rooms"].astype(str)
    frame["id"] = [f"h{number}" for number in frame.index]
    frame.loc[frame.index % 1000 == 7, "rooms"] = "many"
    return frame


def test_every_row_once_and_the_same_bits_though_an_executor_is_killed(
    spark: Any, model: hedonic.Model, listings: pandas.DataFrame, tmp_path: Path
) -> None:
    from hedonic import spark as scoring

    frame = large(listings)
    pyarrow.parquet.write_table(pyarrow.Table.from_pandas(frame, preserve_index=False), tmp_path / "homes.parquet")
    homes = spark.read.parquet(str(tmp_path / "homes.parquet")).repartition(PARTITIONS)
    scored = scoring.predict(homes, model, keep=["id"])
    output = str(tmp_path / "scored")
    failed: list[BaseException] = []

    def score() -> None:
        try:
            spark.sparkContext.setJobGroup("scoring", "scoring")
            scored.write.parquet(output)
        except BaseException as error:
            failed.append(error)

    job = threading.Thread(target=score)
    job.start()
    # In the middle: some of the tasks that score are done, and many are not.
    tracker, done, deadline = spark.sparkContext.statusTracker(), 0, time.monotonic() + LIMIT_S
    while done < 3 and job.is_alive() and time.monotonic() < deadline:
        stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
        done = max((stage.numCompletedTasks for stage in stages if stage and stage.numTasks == PARTITIONS), default=0)
        time.sleep(0.02)
    assert not failed, failed
    running = executors(spark.sparkContext.applicationId)
    assert job.is_alive() and running, "the job ended before a worker was killed: raise ROWS"
    os.kill(running[0], signal.SIGKILL)
    job.join(LIMIT_S)
    assert not job.is_alive() and not failed, failed

    found = pyarrow.parquet.read_table(output).to_pandas().set_index("id")
    assert len(found) == ROWS
    assert found.index.is_unique
    expected = model.predict(frame).set_index(frame["id"])
    pandas.testing.assert_frame_equal(
        found.loc[expected.index].replace({None: ""}), expected.replace({None: ""}), check_exact=True, check_dtype=False,
        check_names=False,
    )
    assert (found["error"].notna().sum()) == ROWS // 1000


def test_columns_of_the_result_may_not_be_taken(spark: Any, model: hedonic.Model) -> None:
    from hedonic import spark as scoring

    frame = spark.createDataFrame([("Omsk", "street 1", 1, 2, 3.0)], "city string, street string, floor int, rooms int, low double")
    with pytest.raises(ValueError, match="columns low of the data frame"):
        scoring.predict(frame, model)
    with pytest.raises(TypeError, match="hedonic.spark.predict"):
        model.predict(frame)
    row = scoring.predict(frame, model, keep=["city"]).collect()[0]
    assert row["city"] == "Omsk" and row["low"] < row["prediction"] < row["high"] and row["error"] is None


def test_mlflow_s_udf_gives_the_same_bits(
    spark: Any, root: Path, model: hedonic.Model, version: Path, requests: pandas.DataFrame, tmp_path: Path
) -> None:
    mlflow = pytest.importorskip("mlflow")
    from pyspark.sql.functions import struct

    mlflow.pyfunc.save_model(
        path=tmp_path / "model",
        loader_module="hedonic_model",
        code_paths=[str(root / "registry" / "src" / "mlflow" / "hedonic_model.py")],
        data_path=str(version),
    )
    udf = mlflow.pyfunc.spark_udf(
        spark, str(tmp_path / "model"), result_type="prediction double, low double, high double, error string"
    )
    columns = ["id", "city", "street", "floor", "rooms", "area"]
    texts = requests.assign(rooms=requests["rooms"].astype(str))[columns]
    frame = spark.createDataFrame(texts.to_dict("records"))
    rows = frame.select("id", udf(struct(*columns)).alias("found")).collect()
    expected = model.predict(requests[columns]).set_index(requests["id"])
    assert len(rows) == len(requests)
    for row in rows:
        assert row["found"]["prediction"] == expected["prediction"][row["id"]]
        assert row["found"]["error"] == ""


def test_a_booster_that_spark_has_fitted_becomes_a_base_learner(
    spark: Any, listings: pandas.DataFrame, tmp_path: Path
) -> None:
    xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed: no booster is fitted on the cluster")
    import conftest
    import numpy
    from hedonic import spark as scoring
    from pyspark.sql.functions import col, log
    from xgboost.spark import SparkXGBRegressor

    options = {
        "kind": "boosted", "growth": "leaf-wise", "rounds": 12, "rate": 0.1, "leaves": 4, "depth": 3, "leaf_rows": 5.0,
        "row_share": 0.8, "column_share": 0.8, "penalty": 1.0, "trusted": 0.9, "patience": 12,
    }
    base = hedonic.train(listings, "real-estate", members=[{"name": "trees", "options": options}])
    frame = conftest.made_listings(4000).iloc[600:].reset_index(drop=True)
    learned, judged = frame.iloc[:2400], frame.iloc[2400:]
    pyarrow.parquet.write_table(pyarrow.Table.from_pandas(learned, preserve_index=False), tmp_path / "homes.parquet")
    homes = spark.read.parquet(str(tmp_path / "homes.parquet"))

    design = scoring.design(homes, base, keep=["price"]).where("error is null")
    names = [name for name in design.columns if name not in ("price", "error")]
    # On another machine the same values.
    here = base.design(learned).drop(columns="error")
    pandas.testing.assert_frame_equal(
        design.select(*names).toPandas().sort_values(names, ignore_index=True), here.sort_values(names, ignore_index=True)
    )
    regressor = SparkXGBRegressor(
        features_col=names, label_col="label", num_workers=2, max_bin=254, n_estimators=60, missing=float("nan")
    )
    booster = regressor.fit(design.withColumn("label", log(col("price")))).get_booster()
    booster.save_model(tmp_path / "booster.json")

    imported, told = base.import_xgboost(tmp_path / "booster.json", judged, name="spark")
    assert told["trees"] == 60 and told["with"] < told["without"]
    found = imported.design(judged.drop(columns="price"), member="spark")
    matrix = xgboost.DMatrix(found[names].to_numpy(numpy.float32), feature_names=booster.feature_names)
    assert numpy.max(numpy.abs(found["expected"].to_numpy() / booster.predict(matrix) - 1)) < 1e-6
