"""The package gives the bits that the services give."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import hedonic
import pandas
import pyarrow


def numbers(predictions: object) -> list[dict[str, float]]:
    return pyarrow.table(predictions).drop_columns("error").to_pylist()


def records_of(frame: pandas.DataFrame) -> list[dict[str, object]]:
    return json.loads(frame.to_json(orient="records", date_format="iso", double_precision=15))


def test_the_program_gives_the_same_bits(model_prepare: str, version: Path, requests: pandas.DataFrame) -> None:
    records = records_of(requests)
    lines = "".join(json.dumps(record) + "\n" for record in records)
    command = [model_prepare, "price", "--model", str(version)]
    said = subprocess.run(command, input=lines, capture_output=True, text=True, check=True, timeout=120).stdout
    theirs = [json.loads(line) for line in said.splitlines()]
    assert len(theirs) == len(requests)
    assert numbers(hedonic.Model.load(version).predict(records)) == theirs


def test_a_version_of_an_earlier_release_gives_its_sample_rows(root: Path) -> None:
    directory = root / "valuation" / "tests" / "kept" / "format-4"
    golden = json.loads((directory / "golden.json").read_text())
    found = numbers(hedonic.Model.load(directory).predict([row["record"] for row in golden]))
    for row, ours in zip(golden, found, strict=True):
        # Another processor may round otherwise, and answers have hundredths.
        assert abs(ours["prediction"] / row["prediction"]["value"] - 1) < 1e-8
        assert abs(ours["low"] / row["prediction"]["low"] - 1) < 1e-8
        assert abs(ours["high"] / row["prediction"]["high"] - 1) < 1e-8


def test_rows_alone_and_in_batches_of_any_size_give_the_same_bits(
    model: hedonic.Model, listings: pandas.DataFrame
) -> None:
    table = pyarrow.Table.from_pandas(listings)
    whole = numbers(model.predict(table))
    for rows in (1, 7, 100):
        pieces = pyarrow.Table.from_batches(table.to_batches(max_chunksize=rows))
        assert numbers(model.predict(pieces)) == whole, rows


def test_the_program_s_training_gives_the_same_model(
    model_prepare: str, model: hedonic.Model, listings: pandas.DataFrame, tmp_path: Path
) -> None:
    file = tmp_path / "listings.parquet"
    listings.to_parquet(file)
    command = [model_prepare, "--data", str(file), "--registry", str(tmp_path / "models")]
    subprocess.run(command, check=True, capture_output=True, timeout=300, cwd=tmp_path)
    theirs = hedonic.Model.load(tmp_path / "models")
    assert numbers(theirs.predict(listings)) == numbers(model.predict(listings))


def test_training_again_gives_the_same_bits(model: hedonic.Model, listings: pandas.DataFrame) -> None:
    again = hedonic.train(listings, "real-estate")
    assert numbers(again.predict(listings)) == numbers(model.predict(listings))
