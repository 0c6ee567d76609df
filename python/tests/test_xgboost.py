"""Boosters of XGBoost as base learners; where xgboost is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import conftest
import hedonic
import numpy
import pandas
import pyarrow
import pytest

xgboost = pytest.importorskip("xgboost", reason="xgboost is not installed: boosters are not compared with it")

#: Longest a booster's prediction may be off, of the logarithm of a price.
OFF = 1e-6


def more_listings() -> pandas.DataFrame:
    """Listings that no model of the tests has learned from, some with gaps."""
    frame = conftest.made_listings(4000).iloc[600:].reset_index(drop=True)
    frame.loc[frame.index % 11 == 3, "area"] = None
    return frame


@pytest.fixture(scope="module")
def weak() -> hedonic.Model:
    """A model that a booster makes better: one small base learner of trees."""
    options = {
        "kind": "boosted", "growth": "leaf-wise", "rounds": 12, "rate": 0.1, "leaves": 4, "depth": 3, "leaf_rows": 5.0,
        "row_share": 0.8, "column_share": 0.8, "penalty": 1.0, "trusted": 0.9, "patience": 12,
    }
    found = hedonic.train(
        conftest.made_listings(600), "real-estate", members=[{"name": "trees", "options": options}]
    )
    assert isinstance(found, hedonic.Model)
    return found


def matrix_of(model: hedonic.Model, frame: pandas.DataFrame) -> numpy.ndarray[Any, Any]:
    design = model.design(frame.drop(columns="price")).drop(columns="error")
    return design.to_numpy(numpy.float32)


def fitted(model: hedonic.Model, frame: pandas.DataFrame, **parameters: Any) -> Any:
    target = numpy.log(frame["price"].to_numpy())
    data = xgboost.DMatrix(matrix_of(model, frame), label=target)
    settings = {"objective": "reg:squarederror", "max_depth": 5, "eta": 0.2, "max_bin": 254, "seed": 1, **parameters}
    return xgboost.train(settings, data, 80)


def test_an_imported_booster_predicts_and_explains_as_xgboost_does(weak: hedonic.Model, tmp_path: Path) -> None:
    frame = more_listings()
    learned, judged = frame.iloc[:2400], frame.iloc[2400:]
    booster = fitted(weak, learned)
    booster.save_model(tmp_path / "booster.json")
    imported, told = weak.import_xgboost(tmp_path / "booster.json", judged)
    assert told["trees"] == 80 and told["name"] == "xgboost"
    assert 0.5 < told["weight"] <= 0.99
    assert told["with"] < 0.8 * told["without"]
    assert told["coverage"]["low"] < 0.9 < told["coverage"]["high"] + 0.05

    # What the new base learner predicts is what XGBoost predicts, on rows with gaps too.
    asked = judged.drop(columns="price")
    design = imported.design(asked, member="xgboost")
    expected = booster.predict(xgboost.DMatrix(matrix_of(imported, judged)))
    assert len(expected) == len(judged)
    assert numpy.max(numpy.abs(design["expected"].to_numpy() / expected - 1)) < OFF
    with pytest.raises(ValueError, match="base learner"):
        imported.design(asked, member="forest")

    # The model is one like any other: saved, loaded, explained.
    imported.save(tmp_path / "version")
    again = hedonic.Model.load(tmp_path / "version")
    pandas.testing.assert_frame_equal(again.predict(asked), imported.predict(asked))
    members = {member["name"]: member["weight"] for member in again.report["members"]}
    assert members["xgboost"] == told["weight"]
    assert abs(sum(members.values()) - 1) < 1e-9
    explanation = again.explain(asked.iloc[5])
    total = explanation.base + sum(reason.amount for reason in explanation.reasons)
    assert abs(total - explanation.prediction) < 1e-6 * explanation.prediction
    off = numpy.log(again.predict(asked)["prediction"] / judged["price"])
    assert numpy.sqrt(numpy.mean(off**2)) < told["without"]


def test_what_does_not_fit_is_refused_with_what_to_do(weak: hedonic.Model, tmp_path: Path) -> None:
    frame = more_listings()
    learned, judged = frame.iloc[:2400], frame.iloc[2400:]
    path = tmp_path / "booster.json"

    def refused(booster: Any, rows: pandas.DataFrame, message: str, name: str = "xgboost") -> None:
        booster.save_model(path)
        with pytest.raises(ValueError, match=message):
            weak.import_xgboost(path, rows, name=name)

    booster = fitted(weak, learned)
    refused(booster, judged.head(50), "at least 300 rows")
    refused(booster, judged, "new name", name="trees")
    refused(fitted(weak, learned, objective="reg:absoluteerror"), judged, "reg:squarederror")
    narrow = xgboost.train(
        {"objective": "reg:squarederror"}, xgboost.DMatrix(numpy.ones((50, 2)), label=numpy.ones(50)), 1
    )
    refused(narrow, judged, "columns of the model's design")
    shuffled = learned.assign(price=learned["price"].sample(frac=1, random_state=1).to_numpy())
    refused(fitted(weak, shuffled, max_depth=2), judged, "not better with the booster")
    booster.save_model(tmp_path / "booster.ubj")
    with pytest.raises(ValueError, match="model.json"):
        weak.import_xgboost(tmp_path / "booster.ubj", judged)


def test_a_design_has_a_row_for_each_row_and_the_reasons_of_the_others(weak: hedonic.Model) -> None:
    home = {"city": "Kazan", "street": "street 1", "floor": 3, "rooms": 2, "area": 40}
    design = pyarrow.table(weak.design([home, {**home, "rooms": "many"}, {**home, "area": None}]))
    assert design.num_rows == 3
    assert design["error"].to_pylist()[0] is None and "many" in design["error"][1].as_py()
    names = [name for name in design.column_names if name != "error"]
    assert names == [f"f{number}" for number in range(len(names))]
    values = [[design[name][row].as_py() for name in names] for row in range(3)]
    assert values[1] == [None] * len(names)
    assert None in values[2] and values[0] != values[2]
    assert json.dumps(values[0])
