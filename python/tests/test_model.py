"""A model as an object of Python: loaded, kept, copied, shared, explained."""

from __future__ import annotations

import copy
import json
import math
import multiprocessing
import pickle
import shutil
import subprocess
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hedonic
import numpy
import pandas
import pyarrow
import pytest
from hedonic._location import directory_of


@pytest.fixture()
def registry(version: Path, tmp_path: Path) -> Path:
    """A registry's directory with three versions."""
    for number in (1, 2, 3):
        shutil.copytree(version, tmp_path / f"v{number:06}")
    return tmp_path


def test_a_registry_has_a_champion(registry: Path) -> None:
    assert directory_of(registry, "champion").name == "v000003", "the newest, before anything is decided"
    pointers = registry / "aliases.json"
    pointers.write_text(json.dumps({"changes": 2, "aliases": {"champion": 1, "previous": 2, "challenger": 3}}))
    assert directory_of(registry, "champion").name == "v000001"
    assert directory_of(str(registry), "challenger").name == "v000003"
    assert directory_of(registry / "v000002", "champion").name == "v000002"
    pointers.write_text(json.dumps({"changes": 2, "aliases": {"champion": 9, "previous": 2}}))
    assert directory_of(registry, "champion").name == "v000002", "as the services do where a champion was removed"
    with pytest.raises(LookupError, match="expected the alias 'challenger'.*found champion, previous"):
        directory_of(registry, "challenger")
    assert hedonic.Model.load(registry).schema.name == "real-estate"


def test_a_program_s_champion_is_the_package_s(
    model_prepare: str, registry: Path
) -> None:
    command = [model_prepare, "promote", "1", "--force", "--registry", str(registry)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert directory_of(registry, "champion").name == "v000001"


def test_what_is_no_version_is_refused(tmp_path: Path, version: Path) -> None:
    with pytest.raises(FileNotFoundError, match="found no directory .*nowhere"):
        hedonic.Model.load(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="expected model.json or versions such as v000001"):
        hedonic.Model.load(tmp_path)
    changed = tmp_path / "changed"
    shutil.copytree(version, changed)
    head = changed / "model.json"
    head.write_text(head.read_text().replace("real-estate", "unreal-estate"))
    with pytest.raises(ValueError, match="model.json does not match SHA256SUMS"):
        hedonic.Model.load(changed)


def test_an_address_of_mlflow_needs_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mlflow", None)
    monkeypatch.setitem(__import__("sys").modules, "mlflow.artifacts", None)
    with pytest.raises(ImportError, match="mlflow is not installed"):
        hedonic.Model.load("models:/hedonic@champion")


def test_pickles_and_copies_are_the_same_model(model: hedonic.Model, requests: pandas.DataFrame) -> None:
    again = pickle.loads(pickle.dumps(model))
    pandas.testing.assert_frame_equal(again.predict(requests), model.predict(requests))
    assert copy.deepcopy(model) is model
    assert again.trained_at == model.trained_at


def test_what_is_known_of_a_model(model: hedonic.Model) -> None:
    assert repr(model).startswith("<hedonic.Model real-estate, regression, fitted 2")
    assert (model.task, model.interval, model.threshold) == ("regression", 0.9, None)
    assert model.data_until == datetime.fromtimestamp(1_690_000_000 + 3600 * 599, UTC)
    schema = model.schema
    assert (schema.key, schema.time, schema.target) == ("id", "listed_at", "price")
    assert [field.name for field in schema.inputs][:6] == ["id", "listed_at", "city", "street", "floor", "rooms"]
    rooms = next(field for field in schema.fields if field.name == "rooms")
    assert (rooms.kind, rooms.required, rooms.min, rooms.max) == ("integer", True, 0, 50)


def test_explanations_add_up_to_the_prediction(model: hedonic.Model, requests: pandas.DataFrame) -> None:
    predicted = model.predict(requests)
    for place in range(5):
        explained = model.explain(requests.iloc[place])
        assert explained.prediction == predicted["prediction"].iloc[place]
        assert (explained.low, explained.high) == (predicted["low"].iloc[place], predicted["high"].iloc[place])
        total = explained.base + sum(reason.amount for reason in explained.reasons)
        assert abs(total / explained.prediction - 1) < 1e-6
    alone = requests.iloc[[0]]
    of_numpy = {"city": "Omsk", "street": "street 1", "floor": numpy.int64(2), "rooms": numpy.float32(2)}
    assert model.explain(alone) == model.explain(alone.to_dict("records")[0])
    assert model.explain(of_numpy).prediction > 0
    with pytest.raises(ValueError, match="expected one record to explain, found 40"):
        model.explain(requests)
    with pytest.raises(ValueError, match='field "rooms" is missing'):
        model.explain({"city": "Omsk", "street": "street 1", "floor": 2, "rooms": float("nan")})


def test_comparables_are_past_records(root: Path) -> None:
    directory = root / "valuation" / "tests" / "kept" / "format-4"
    record = json.loads((directory / "golden.json").read_text())[0]["record"]
    found = hedonic.Model.load(directory).explain(record, comparables=3).comparables
    assert len(found) == 3
    assert [past.distance for past in found] == sorted(past.distance for past in found)
    assert found[0].price > 0 and found[0].time is not None and found[0].time.year == 2025
    # A model of an earlier release does not know.
    assert all(past.differences is None for past in found)


def test_comparables_say_what_differs(model: hedonic.Model, requests: pandas.DataFrame) -> None:
    record = requests.iloc[0]
    seen = 0
    for past in model.explain(record, comparables=5).comparables:
        assert past.differences is not None
        for one in past.differences:
            assert one.value != one.subject and one.subject == record[one.field]
            seen += 1
        assert all(one.amount is not None for one in past.differences[:3])
    assert seen > 0


def test_threads_share_a_model_and_the_interpreter_runs_on(model: hedonic.Model, listings: pandas.DataFrame) -> None:
    table = pyarrow.Table.from_pandas(pandas.concat([listings] * 200))
    expected = model.predict(table)
    found: list[Any] = []
    counted, stop = [0], threading.Event()

    def count() -> None:
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0)

    counter = threading.Thread(target=count)
    workers = [threading.Thread(target=lambda: found.append(model.predict(table))) for _ in range(3)]
    counter.start()
    before = counted[0]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    stop.set()
    counter.join(10)
    assert len(found) == 3 and all(own.equals(expected) for own in found)
    assert counted[0] > before


def _predict_in_child(queue: Any, model: hedonic.Model, frame: pandas.DataFrame) -> None:
    queue.put(model.predict(frame)["prediction"].tolist())


def test_a_forked_process_has_threads_of_its_own(model: hedonic.Model, listings: pandas.DataFrame) -> None:
    frame = pandas.concat([listings] * 10)
    expected = model.predict(frame)["prediction"].tolist()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_predict_in_child, args=(queue, model, frame))
    child.start()
    try:
        assert queue.get(timeout=120) == expected
    finally:
        child.join(30)
        child.kill()


def test_training_says_which_rows_it_has_not_taken(listings: pandas.DataFrame) -> None:
    bad = listings.astype({"floor": object})
    bad.iloc[4, bad.columns.get_loc("floor")] = "attic"
    with pytest.warns(hedonic.RejectedRowsWarning, match='1 rows .* row 4: field "floor" is the text "attic"'):
        hedonic.train(bad, "real-estate", effort="quick")
    with pytest.raises(ValueError, match="unknown field `effrt`"):
        hedonic.train(listings, "real-estate", effrt="quick")
    with pytest.raises(ValueError, match="expected at least 200 usable listings"):
        hedonic.train(listings.head(50), "real-estate", effort="quick")


def test_classes_and_clusters(tmp_path: Path, listings: pandas.DataFrame) -> None:
    text = (
        'name = "dear"\nversion = 1\ntask = "TASK"\ntable = "homes"\nTARGET\n'
        '[[field]]\nname = "city"\nkind = "category"\n[[field]]\nname = "area"\nkind = "number"\n'
        '[[field]]\nname = "rooms"\nkind = "integer"\n'
    )
    frame = listings.assign(dear=listings["price"] > listings["price"].median())
    schema = tmp_path / "dear.toml"
    target = '[[field]]\nname = "dear"\nkind = "boolean"\n'
    schema.write_text(text.replace("TASK", "classification").replace("TARGET", 'target = "dear"') + target)
    model = hedonic.train(frame, schema, effort="quick")
    found = model.predict(frame)
    assert list(found.columns) == ["prediction", "class", "error"]
    assert found["prediction"].between(0, 1).all()
    assert (found["class"] == (found["prediction"] >= model.threshold)).all()
    assert (found["class"] == frame["dear"]).mean() > 0.8
    explained = model.explain(frame.iloc[0])
    log_odds = math.log(explained.prediction / (1 - explained.prediction))
    assert explained.base + sum(reason.amount for reason in explained.reasons) == pytest.approx(log_odds)
    assert (explained.scale, explained.comparables) == ("log odds", ())

    schema.write_text(text.replace("TASK", "clustering").replace("TARGET\n", ""))
    clusters = hedonic.train(frame, schema)
    found = clusters.predict(frame)
    assert list(found.columns) == ["prediction", "error"]
    assert found["prediction"].dtype == "int64" and found["prediction"].nunique() > 1
    with pytest.raises(ValueError, match="clusters are not explained"):
        clusters.explain(frame.iloc[0])
