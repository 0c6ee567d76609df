"""Tables of other libraries, in and out, over the Arrow PyCapsule interface."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from hedonic._core import Predictions

_EXPECTED = (
    "a pandas or Polars data frame, a pyarrow table, a DuckDB relation, a list of records, a dictionary of columns, "
    "or an object with __arrow_c_stream__"
)


def arrow_of(table: Any) -> Any:
    """A table as an object with the Arrow PyCapsule interface."""
    library = _library(table)
    if library == "pandas":
        return _from_pandas(table)
    if library == "polars" and type(table).__name__ == "LazyFrame":
        return table.collect()
    if library == "pyspark":
        raise TypeError(
            "found a Spark data frame: hedonic.spark.predict scores it on the cluster (docs/spark.md)"
        )
    if hasattr(table, "__arrow_c_stream__") or hasattr(table, "__arrow_c_array__"):
        return table
    if hasattr(table, "fetch_record_batch"):
        return table.fetch_record_batch()
    if isinstance(table, Mapping):
        return _from_columns(table)
    if isinstance(table, Sequence) and all(isinstance(record, Mapping) for record in table):
        return _from_records(table)
    raise TypeError(f"expected {_EXPECTED}, found {type(table).__module__}.{type(table).__qualname__}")


def like(predictions: Predictions, table: Any) -> Any:
    """Predictions as a table of the library that `table` is of, where that is a data frame; else as they are."""
    library = _library(table)
    if library == "pandas":
        import pyarrow

        frame = pyarrow.table(predictions).to_pandas()
        frame.index = table.index
        return frame
    if library == "polars":
        import polars

        return polars.DataFrame(predictions)
    if library == "pyarrow":
        import pyarrow

        return pyarrow.table(predictions)
    return predictions


def json_of(record: Any) -> str:
    """One record as JSON: a mapping, a pandas Series, or a table of one row."""
    if hasattr(record, "to_dict") and _library(record) == "pandas":
        frame = record.to_frame().T if record.ndim == 1 else record
        record = frame.to_dict("records")
    elif hasattr(record, "to_dicts"):
        record = record.to_dicts()
    elif hasattr(record, "to_pylist"):
        record = record.to_pylist()
    if isinstance(record, Sequence) and not isinstance(record, (str, bytes)):
        if len(record) != 1:
            raise ValueError(f"expected one record to explain, found {len(record)}")
        record = record[0]
    if not isinstance(record, Mapping):
        raise TypeError(f"expected a record as a mapping of fields, found {type(record).__qualname__}")
    return json.dumps({str(name): _plain(value) for name, value in record.items()})


def _library(table: Any) -> str:
    return type(table).__module__.partition(".")[0]


def _plain(value: Any) -> Any:
    """A value as JSON has it; a gap as None."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, datetime.date):
        # `NaT` is a date without a year.
        return value.isoformat() if value == value else None
    if hasattr(value, "item"):
        return _plain(value.item())
    if isinstance(value, float):
        if math.isinf(value):
            return str(value)
        return None if math.isnan(value) else value
    return None if type(value).__name__ in ("NAType", "NaTType") else str(value)


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise ImportError(
            "pandas, dictionaries and lists become Arrow tables by pyarrow, which is not installed: "
            "pip install 'hedonic[pandas]'"
        ) from error
    return pyarrow


def _from_pandas(frame: Any) -> Any:
    pyarrow = _pyarrow()
    if frame.ndim == 1:
        frame = frame.to_frame().T
    try:
        return pyarrow.Table.from_pandas(frame, preserve_index=False)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, pyarrow.ArrowNotImplementedError):
        # Numbers and texts in one column: texts mean the same as numbers (docs/schema.md).
        columns = [_column(pyarrow, frame.iloc[:, place].tolist()) for place in range(frame.shape[1])]
        return pyarrow.table(columns, names=[str(name) for name in frame.columns])


def _from_columns(columns: Mapping[str, Any]) -> Any:
    pyarrow = _pyarrow()
    return pyarrow.table({str(name): _column(pyarrow, values) for name, values in columns.items()})


def _from_records(records: Sequence[Mapping[str, Any]]) -> Any:
    names = dict.fromkeys(name for record in records for name in record)
    return _from_columns({name: [record.get(name) for record in records] for name in names})


def _column(pyarrow: Any, values: Any) -> Any:
    """A column of whatever values: those of one type as they are, mixed ones as texts."""
    try:
        return pyarrow.array(values, from_pandas=True)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, pyarrow.ArrowNotImplementedError):
        return pyarrow.array([_text(value) for value in values], pyarrow.string())


def _text(value: Any) -> str | None:
    plain = _plain(value)
    if plain is None or isinstance(plain, str):
        return plain
    if isinstance(plain, bool):
        return "true" if plain else "false"
    text = repr(plain)
    # Three decimals may be thousands, four may not.
    return f"{text}0" if "e" not in text and len(text.partition(".")[2]) == 3 else text
