"""Scoring of Spark data frames on a cluster."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from hedonic._model import Model, _microseconds

#: Models of this worker process, by the digest of their files: a worker runs many tasks.
_LOADED: dict[str, Model] = {}


class _Shipped:
    """A model on its way to the workers: its files travel with the task."""

    def __init__(self, model: Model) -> None:
        self.files = model.__getstate__()
        digest = hashlib.sha256()
        for name, content in self.files.items():
            digest.update(f"{name} {len(content)} ".encode())
            digest.update(content)
        self.digest = digest.hexdigest()

    def model(self) -> Model:
        if self.digest not in _LOADED:
            # Spark runs a task for each core already.
            os.environ.setdefault("RAYON_NUM_THREADS", "1")
            model = Model.__new__(Model)
            model.__setstate__(self.files)
            _LOADED[self.digest] = model
        return _LOADED[self.digest]


def predict(
    frame: Any, model: Model | str | os.PathLike[str], *, keep: Sequence[str] | None = None, as_of: datetime | None = None
) -> Any:
    """Predict every row of a Spark data frame: its columns `keep` (all of them by default) and those of `Model.predict`.

    `model` is a model, or what `Model.load` takes; it is read here, and its files travel with the tasks. The result is
    computed by `DataFrame.mapInArrow`, so a task that fails is run again, and every row comes once. `as_of` stands in for
    the time of rows that have none; without it, it is now for all of them, on whichever executor.
    """
    import pyarrow
    from pyspark.sql.types import BooleanType, DoubleType, LongType, StringType, StructField, StructType

    if not isinstance(model, Model):
        model = Model.load(model)
    kept = list(frame.columns if keep is None else keep)
    types = {
        "regression": {"prediction": DoubleType(), "low": DoubleType(), "high": DoubleType()},
        "classification": {"prediction": DoubleType(), "class": BooleanType()},
        "clustering": {"prediction": LongType()},
    }[model.task]
    types["error"] = StringType()
    taken = [name for name in kept if name in types]
    if taken:
        raise ValueError(
            f"the columns {', '.join(taken)} of the data frame have names of the result: rename them, or leave them out of keep"
        )
    fields = [frame.schema[name] for name in kept]
    schema = StructType([*fields, *(StructField(name, type_) for name, type_ in types.items())])
    shipped = _Shipped(model)
    as_of_us = _microseconds(as_of or datetime.now(UTC))

    def score(batches: Iterator[Any]) -> Iterator[Any]:
        native = shipped.model()._native
        for batch in batches:
            predicted = pyarrow.table(native.predict(batch, as_of_us)).combine_chunks()
            columns = [batch.column(name) for name in kept]
            columns += [predicted.column(name).combine_chunks() for name in types]
            yield pyarrow.RecordBatch.from_arrays(columns, names=[*kept, *types])

    return frame.mapInArrow(score, schema)


def design(
    frame: Any, model: Model | str | os.PathLike[str], *, keep: Sequence[str] = (), as_of: datetime | None = None
) -> Any:
    """What the model's trees read of every row of a Spark data frame: its columns `keep`, then those of `Model.design`.

    `xgboost.spark` fits a booster on the columns `f0`, `f1`, …, which `Model.import_xgboost` or `model-prepare import`
    makes a base learner. Missing values are NaN, as XGBoost expects them in Spark. Otherwise as `predict`.
    """
    import pyarrow
    from pyspark.sql.types import FloatType, StringType, StructField, StructType

    if not isinstance(model, Model):
        model = Model.load(model)
    shipped = _Shipped(model)
    made = model._native.design(pyarrow.table({name: pyarrow.array([], type=pyarrow.string()) for name in frame.columns}))
    types = {name: StringType() if name == "error" else FloatType() for name in made.columns}
    taken = [name for name in keep if name in types]
    if taken:
        raise ValueError(f"the columns {', '.join(taken)} of the data frame have names of the design: rename them")
    fields = [frame.schema[name] for name in keep]
    schema = StructType([*fields, *(StructField(name, type_) for name, type_ in types.items())])
    as_of_us = _microseconds(as_of or datetime.now(UTC))

    def read(batches: Iterator[Any]) -> Iterator[Any]:
        native = shipped.model()._native
        for batch in batches:
            table = pyarrow.table(native.design(batch, None, as_of_us)).combine_chunks()
            columns = [batch.column(name) for name in keep]
            for name in types:
                column = table.column(name).combine_chunks()
                columns.append(column if name == "error" else column.fill_null(float("nan")))
            yield pyarrow.RecordBatch.from_arrays(columns, names=[*keep, *types])

    return frame.mapInArrow(read, schema)
