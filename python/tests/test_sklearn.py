"""The estimators keep scikit-learn's contract."""

from __future__ import annotations

import pickle
from typing import Any

import numpy
import pandas
import pytest
from hedonic import HedonicClassifier, HedonicRegressor
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

#: Checks of scikit-learn that fail, and why they may.
_FEW = (
    "20 to 30 rows, of which few are of one class: a fold, or the hold-out, may have one class alone, and the core refuses "
    "to learn from that"
)
EXPECTED_FAILURES: dict[str, dict[str, str]] = {
    "HedonicRegressor": {
        "check_regressors_no_decision_function": (
            "10 rows, of which one is an outlier: the core learns from 10 usable rows or more"
        ),
    },
    "HedonicClassifier": dict.fromkeys(
        (
            "check_classifier_data_not_an_array",
            "check_dict_unchanged",
            "check_dont_overwrite_parameters",
            "check_f_contiguous_array_estimator",
            "check_fit2d_predict1d",
            "check_methods_sample_order_invariance",
            "check_methods_subset_invariance",
        ),
        _FEW,
    ),
}


def expected_failures(estimator: Any) -> dict[str, str]:
    return EXPECTED_FAILURES[type(estimator).__name__]


@parametrize_with_checks(
    [HedonicRegressor(effort="quick"), HedonicClassifier(effort="quick")],
    expected_failed_checks=expected_failures,
)
def test_contract(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.fixture(scope="module")
def homes(listings: pandas.DataFrame) -> tuple[pandas.DataFrame, pandas.Series]:
    return listings.drop(columns=["id", "price"]), listings["price"]


def test_prices_and_their_intervals(homes: tuple[pandas.DataFrame, pandas.Series]) -> None:
    X, y = homes
    regressor = HedonicRegressor(interval=0.8).fit(X[:500], y[:500])
    assert regressor.feature_names_in_.tolist() == list(X.columns)
    predicted = regressor.predict(X[500:])
    ranges = regressor.predict_interval(X[500:])
    assert ranges.shape == (100, 2)
    assert (ranges[:, 0] < predicted).all() and (predicted < ranges[:, 1]).all()
    assert numpy.median(numpy.abs(predicted / y[500:] - 1)) < 0.1
    held = ((ranges[:, 0] <= y[500:]) & (y[500:] <= ranges[:, 1])).mean()
    assert 0.5 < held <= 1
    assert regressor.model_.interval == 0.8
    again = pickle.loads(pickle.dumps(regressor))
    assert (again.predict(X[500:]) == predicted).all()
    assert clone(regressor).get_params() == regressor.get_params()


def test_explanations_have_the_names_of_columns(homes: tuple[pandas.DataFrame, pandas.Series]) -> None:
    X, y = homes
    regressor = HedonicRegressor(effort="quick").fit(X, y)
    explained = regressor.explain(X.head(2))
    assert len(explained) == 2
    assert {reason.field for reason in explained[0].reasons} <= {*X.columns, "neighbourhood"}
    assert explained[0].prediction == regressor.predict(X.head(2))[0]


def test_texts_gaps_and_times_of_data_frames(homes: tuple[pandas.DataFrame, pandas.Series]) -> None:
    X, y = homes
    X = X.assign(area=X["area"].where(X.index % 5 > 0), city=X["city"].astype("category"))
    regressor = HedonicRegressor(effort="quick").fit(X, y)
    assert numpy.isfinite(regressor.predict(X)).all()
    polars = pytest.importorskip("polars")
    frame = polars.from_pandas(X.assign(city=X["city"].astype(str)))
    assert (regressor.predict(frame) == regressor.predict(X)).all()
    infinite = X.assign(area=numpy.inf)
    with pytest.raises(ValueError, match="row 0 of X: column 'area' is inf"):
        regressor.predict(infinite)
    with pytest.raises(ValueError, match="feature names should match"):
        regressor.predict(X.rename(columns={"area": "size"}))


def test_targets_that_are_no_prices_are_refused(homes: tuple[pandas.DataFrame, pandas.Series]) -> None:
    X, y = homes
    with pytest.raises(ValueError, match="expected y above 0, found -.*TransformedTargetRegressor"):
        HedonicRegressor(effort="quick").fit(X, y - y.max())


def test_classes_of_any_label(homes: tuple[pandas.DataFrame, pandas.Series]) -> None:
    X, y = homes
    labels = numpy.where(y > y.median(), "dear", "cheap")
    classifier = HedonicClassifier(effort="quick").fit(X, labels)
    assert classifier.classes_.tolist() == ["cheap", "dear"]
    probabilities = classifier.predict_proba(X)
    assert numpy.allclose(probabilities.sum(axis=1), 1)
    assert classifier.score(X, labels) > 0.85
    strict = HedonicClassifier(effort="quick", threshold=0.9).fit(X, labels)
    assert (strict.predict(X) == "dear").sum() < (classifier.predict(X) == "dear").sum()


def test_more_classes_by_one_against_the_rest(homes: tuple[pandas.DataFrame, pandas.Series]) -> None:
    X, _ = homes
    numbers = X[["floor", "rooms", "area"]].to_numpy()
    labels = numpy.where(numbers[:, 2] > 80, "large", numpy.where(numbers[:, 2] > 50, "middle", "small"))
    classifier = OneVsRestClassifier(HedonicClassifier(effort="quick")).fit(numbers, labels)
    assert classifier.score(numbers, labels) > 0.6
    with pytest.raises(ValueError, match="Only binary classification is supported.*OneVsRestClassifier"):
        HedonicClassifier(effort="quick").fit(numbers, labels)


def test_pipelines_grids_and_folds(homes: tuple[pandas.DataFrame, pandas.Series]) -> None:
    X, y = homes
    scores = cross_val_score(HedonicRegressor(effort="quick"), X, y, cv=3)
    assert scores.min() > 0.8
    grid = GridSearchCV(HedonicRegressor(effort="quick"), {"interval": [0.5, 0.9]}, cv=2, n_jobs=2).fit(X, y)
    assert set(grid.best_params_) == {"interval"}
    pipeline = make_pipeline(FunctionTransformer(lambda frame: frame.drop(columns="street")), HedonicRegressor(effort="quick"))
    assert pipeline.fit(X, y).predict(X).shape == (600,)
