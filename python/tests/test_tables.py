"""Tables of all libraries in and out."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import hedonic
import pandas
import pyarrow
import pytest


def rows_of(predictions: Any) -> list[dict[str, Any]]:
    return pyarrow.table(predictions).to_pylist()


@pytest.fixture(scope="module")
def expected(model: hedonic.Model, requests: pandas.DataFrame) -> list[dict[str, Any]]:
    return rows_of(model.predict(pyarrow.Table.from_pandas(requests, preserve_index=False)))


def test_pandas_comes_back_with_its_index(
    model: hedonic.Model, requests: pandas.DataFrame, expected: list[dict[str, Any]]
) -> None:
    moved = requests.set_index(pandas.Index(range(100, 140)))
    found = model.predict(moved)
    assert list(found.columns) == ["prediction", "low", "high", "error"]
    assert list(found.index) == list(range(100, 140))
    assert found["prediction"].tolist() == [row["prediction"] for row in expected]


def test_pyarrow(model: hedonic.Model, requests: pandas.DataFrame, expected: list[dict[str, Any]]) -> None:
    table = pyarrow.Table.from_pandas(requests)
    found = model.predict(table)
    assert isinstance(found, pyarrow.Table)
    assert found.to_pylist() == expected
    batch = table.to_batches()[0]
    assert model.predict(batch).to_pylist() == expected
    reader = pyarrow.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=9))
    assert model.predict(reader).to_pylist() == expected


def test_polars(model: hedonic.Model, requests: pandas.DataFrame, expected: list[dict[str, Any]]) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.from_arrow(pyarrow.Table.from_pandas(requests))
    frame = frame.with_columns(polars.col("city").cast(polars.Categorical))
    found = model.predict(frame)
    assert isinstance(found, polars.DataFrame)
    assert found.to_dicts() == expected
    assert model.predict(frame.lazy().head(3)).to_dicts() == expected[:3]


def test_duckdb(model: hedonic.Model, requests: pandas.DataFrame, expected: list[dict[str, Any]]) -> None:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as database:
        database.register("requests", pyarrow.Table.from_pandas(requests))
        predictions = model.predict(database.sql("select * from requests"))
        assert isinstance(predictions, hedonic.Predictions)
        found = database.sql("select prediction, low, high, error from predictions").fetchall()
    assert found == [tuple(row.values()) for row in expected]


def test_records_and_columns(model: hedonic.Model, requests: pandas.DataFrame, expected: list[dict[str, Any]]) -> None:
    assert rows_of(model.predict(requests.to_dict("records"))) == expected
    assert rows_of(model.predict(requests.to_dict("list"))) == expected


def test_a_text_means_what_its_number_means(
    model: hedonic.Model, requests: pandas.DataFrame, expected: list[dict[str, Any]]
) -> None:
    texts = requests.assign(
        floor=requests["floor"].astype(str),
        rooms=[str(rooms) if place % 2 else rooms for place, rooms in enumerate(requests["rooms"])],
        area=[f"{area} m²" for area in requests["area"]],
    )
    assert rows_of(model.predict(texts)) == expected
    exact = requests.assign(area=[Decimal(str(area)) for area in requests["area"]])
    assert rows_of(model.predict(exact)) == expected


def test_a_bad_row_has_an_error_and_the_others_their_predictions(
    model: hedonic.Model, requests: pandas.DataFrame, expected: list[dict[str, Any]]
) -> None:
    bad = requests.astype({"rooms": object})
    bad.iloc[3, bad.columns.get_loc("rooms")] = "many"
    bad.iloc[5, bad.columns.get_loc("city")] = None
    bad.iloc[7, bad.columns.get_loc("floor")] = 4000
    found = model.predict(pyarrow.table({name: texts(bad[name]) for name in bad})).to_pylist()
    assert found[3]["error"] == 'field "rooms" is the text "many"; expected a whole number'
    assert found[5]["error"] == 'field "city" is missing'
    assert "expected between -5 and 200" in found[7]["error"]
    for row in (3, 5, 7):
        assert found[row]["prediction"] is None and found[row]["low"] is None and found[row]["high"] is None
    good = [row for row in range(len(found)) if row not in (3, 5, 7)]
    assert [found[row] for row in good] == [expected[row] for row in good]


def texts(column: Any) -> list[str | None]:
    return [None if value is None or value != value else str(value) for value in column]


def test_what_is_no_table_is_refused(model: hedonic.Model, requests: pandas.DataFrame) -> None:
    with pytest.raises(TypeError, match="expected a pandas or Polars data frame.*found builtins.int"):
        model.predict(3)
    with pytest.raises(ValueError, match='there is no column "rooms".*columns are: id, listed_at, city'):
        model.predict(requests.drop(columns="rooms"))
    nested = pyarrow.Table.from_pandas(requests).set_column(4, "floor", pyarrow.array([[1]] * len(requests)))
    with pytest.raises(ValueError, match='column "floor" is of type List'):
        model.predict(nested)


def test_an_empty_table_gives_an_empty_table(model: hedonic.Model, requests: pandas.DataFrame) -> None:
    found = model.predict(requests.head(0))
    assert len(found) == 0
    assert list(found.columns) == ["prediction", "low", "high", "error"]


def test_unknown_columns_are_named(model: hedonic.Model) -> None:
    found = model.predict([{"city": "Omsk", "street": "street 1", "floor": 1, "rooms": 1, "colour": "red"}])
    assert found.unknown_columns == ["colour"]
    assert (len(found), found.errors) == (1, 0)


def test_rows_without_a_time_are_of_one_time(model: hedonic.Model, requests: pandas.DataFrame) -> None:
    timeless = requests.drop(columns="listed_at")
    moment = datetime(2023, 8, 1, tzinfo=UTC)
    timed = timeless.assign(listed_at=pandas.Timestamp(moment))
    assert model.predict(timeless, as_of=moment).equals(model.predict(timed))
    naive = model.predict(timeless, as_of=moment.replace(tzinfo=None))
    assert naive.equals(model.predict(timed))
