"""A fitted model."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from hedonic import _tables
from hedonic._core import NativeModel
from hedonic._explanation import Explanation
from hedonic._location import directory_of
from hedonic._schema import Schema

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Model:
    """A fitted model: of prices (and counts), of a class, or of clusters.

    It gives the same bits as `model-prepare price` and the services. A model cannot be changed; threads may share it,
    and it can be pickled.
    """

    def __init__(self, native: NativeModel) -> None:
        self._native = native

    @classmethod
    def load(cls, location: str | os.PathLike[str], *, alias: str = "champion") -> Model:
        """Read a version and verify it: checksums, format, and that its sample rows give what they gave when it was fitted.

        `location` is the directory of a version, the directory of a registry (of which `alias` is read), or an address
        that MLflow downloads, such as `models:/hedonic@champion`.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     model.save(directory)
        ...     again = Model.load(directory)
        >>> again.schema.name
        'real-estate'
        """
        return cls(NativeModel.load(directory_of(location, alias)))

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Write the model's files into an empty directory, which is made if it is absent."""
        Path(directory).mkdir(parents=True, exist_ok=True)
        self._native.save(directory)

    def predict(self, table: Any, *, as_of: datetime | None = None) -> Any:
        """Predict every row of a table.

        `table` is a pandas or Polars data frame, a pyarrow table, a DuckDB relation, a list of records, a dictionary of
        columns, or anything with `__arrow_c_stream__`. Columns are found by the names of the schema's fields (or by
        their `column`), and their values are read as those of files: `"2"` is a number where a number is expected.

        The result has a row for each row of `table`, and is of the same library; for DuckDB, lists and dictionaries it
        is a `Predictions`, which `pyarrow.table`, `polars.DataFrame` and DuckDB's SQL read. Its columns:

        - `prediction`: the price, the probability of the class (of several that of the predicted one), or the number of the
          cluster;
        - `low` and `high` of prices: the prediction interval;
        - `class` of a class: whether the probability reaches the threshold; of several classes the name of the predicted one;
        - `probability_NAME` of several classes: the probability of each of `levels`;
        - `error`: why a row has no prediction, which is null there.

        `as_of` stands in for the time of rows that have none; without it, it is now.

        >>> home = {"city": "Kazan", "street": "Baumana", "floor": 3, "rooms": "2"}
        >>> import pyarrow
        >>> table = pyarrow.table(model.predict([home, {**home, "rooms": "many"}]))
        >>> table["prediction"][0].as_py() > 0
        True
        >>> table["error"].to_pylist()
        [None, 'field "rooms" is the text "many"; expected a whole number']
        """
        predictions = self._native.predict(_tables.arrow_of(table), _microseconds(as_of))
        return _tables.like(predictions, table)

    def design(self, table: Any, *, member: str | None = None, as_of: datetime | None = None) -> Any:
        """The values that the model's trees read of each row: the columns on which a booster of XGBoost is fitted.

        The result has a row for each row of `table` and is of the same library, as that of `predict`. Its columns are
        `f0`, `f1`, … (null where nothing is known) and `error`. With `member`, the name of a base learner, `expected` is
        what that base learner predicts, the logarithm of a price. Only of models of prices.

        >>> import pyarrow
        >>> design = pyarrow.table(model.design([{"city": "Kazan", "street": "Baumana", "floor": 3, "rooms": 2}]))
        >>> design.column_names[:2], design.column_names[-1]
        (['f0', 'f1'], 'error')
        """
        design = self._native.design(_tables.arrow_of(table), member, _microseconds(as_of))
        return _tables.like(design, table)

    def import_xgboost(
        self, booster: str | os.PathLike[str], table: Any, *, name: str = "xgboost", seed: int = 1
    ) -> tuple[Model, dict[str, Any]]:
        """The model with a booster of XGBoost as a further base learner, and what the booster is worth.

        `booster` is a file of `Booster.save_model("model.json")`: fitted on the columns `f0`, `f1`, … of `design`, on the
        logarithm of the target, with the objective `reg:squarederror` and `max_bin` of at most 254. `table` has records
        with targets that neither the model nor the booster has learned from: half of them decide the booster's weight
        and the width of the intervals, the others judge. A model that is not better with it is a `ValueError`.
        """
        native, told = self._native.import_xgboost(Path(booster).read_bytes(), _tables.arrow_of(table), name, seed)
        report: dict[str, Any] = json.loads(told)
        return Model(native), report

    def explain(self, row: Any, *, comparables: int = 5, as_of: datetime | None = None) -> Explanation:
        """Take the price of one record apart, and find past records like it.

        `row` is a mapping of fields, a pandas Series, or a table of one row.

        >>> explanation = model.explain({"city": "Kazan", "street": "Baumana", "floor": 3, "rooms": 2})
        >>> total = explanation.base + sum(reason.amount for reason in explanation.reasons)
        >>> abs(total - explanation.prediction) < 1e-6 * explanation.prediction
        True
        """
        record = _tables.json_of(row)
        return Explanation._from_json(self._native.explain(record, comparables, _microseconds(as_of)))

    @cached_property
    def schema(self) -> Schema:
        """What the model's records are.

        >>> model.schema.target
        'price'
        """
        return Schema._from_json(self._native.schema_json())

    @cached_property
    def report(self) -> dict[str, Any]:
        """How the model was fitted and judged on its hold-out.

        >>> 0 < model.report["model"]["mdape"] < 1
        True
        """
        report: dict[str, Any] = json.loads(self._native.report_json())
        return report

    @property
    def task(self) -> str:
        """`regression`, `classification` or `clustering`."""
        return self.schema.task

    @property
    def interval(self) -> float | None:
        """The share of prices that the prediction intervals are to hold; None of what has none."""
        interval: float | None = self._about["interval"]
        return interval

    @property
    def threshold(self) -> float | None:
        """The probability from which on a record is of the class; None of what is no class."""
        threshold: float | None = self._about["threshold"]
        return threshold

    @property
    def levels(self) -> list[str] | None:
        """The classes whose probabilities are predicted, in alphabetical order; None of what is not several classes."""
        levels: list[str] | None = self._about["levels"]
        return levels

    @property
    def trained_at(self) -> datetime:
        """When the model was fitted."""
        return _EPOCH + timedelta(microseconds=self._about["trained_at_us"])

    @property
    def data_until(self) -> datetime | None:
        """The newest time in training; None without a time field."""
        found = self._about["data_until_us"]
        return None if found is None else _EPOCH + timedelta(microseconds=found)

    @cached_property
    def _about(self) -> dict[str, Any]:
        about: dict[str, Any] = json.loads(self._native.about_json())
        return about

    def __repr__(self) -> str:
        schema = self.schema
        return f"<hedonic.Model {schema.name}, {schema.task}, fitted {self.trained_at:%Y-%m-%d %H:%M}>"

    def __copy__(self) -> Model:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        return self

    def __getstate__(self) -> dict[str, bytes]:
        with tempfile.TemporaryDirectory() as directory:
            self._native.save(directory)
            return {file.name: file.read_bytes() for file in sorted(Path(directory).iterdir())}

    def __setstate__(self, files: dict[str, bytes]) -> None:
        with tempfile.TemporaryDirectory() as directory:
            for name, content in files.items():
                (Path(directory) / Path(name).name).write_bytes(content)
            self._native = NativeModel.load(directory)


def _microseconds(time: datetime | date | None) -> int | None:
    """Microseconds since 1970; a time without a zone is UTC."""
    if time is None:
        return None
    if not isinstance(time, datetime):
        raise TypeError(f"expected as_of as a datetime, found {type(time).__qualname__}")
    zoned = time if time.tzinfo else time.replace(tzinfo=UTC)
    return (zoned - _EPOCH) // timedelta(microseconds=1)
