"""Estimators for scikit-learn, over the native core."""

from __future__ import annotations

import json
from numbers import Integral
from typing import Any, Self

import numpy as np
import pyarrow
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _num_samples, check_consistent_length, check_is_fitted, validate_data

from hedonic import _core
from hedonic._explanation import Explanation, Reason
from hedonic._model import Model

#: The least that the core learns from.
_LEAST_ROWS = 10


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """What both estimators share: tables out of X, the schema, and the fitted model."""

    #: The fitted model, whose fields are called x0, x1, ….
    model_: Model
    #: The schema's field of the target.
    _target = "target"

    def _fit(self, table: pyarrow.Table, y: Any, task: str, kind: str) -> Self:
        names = self._names()
        target = self._target
        while target in names:
            target += "_"
        schema = _schema_text(names, [field.type for field in table.schema], task, target, kind)
        table = table.append_column(target, pyarrow.array(y))
        options = {
            "effort": self.effort,
            "holdout_fraction": self.holdout_fraction,
            "folds": self.folds,
            "seed": self._seed(),
            "threads": max(self.n_jobs or 0, 0),
            "min_rows": _LEAST_ROWS,
            "random_split": True,
            **self._own_options(),
        }
        native, _, rejected, named = _core.train(table, schema, type(self).__name__, json.dumps(options))
        if rejected:
            row, reason = named[0]
            raise ValueError(f"row {row} of X or y: {_renamed(reason, names)}")
        self.model_ = Model(native)
        return self

    def _own_options(self) -> dict[str, Any]:
        raise NotImplementedError

    def _seed(self) -> int:
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _names(self) -> list[str]:
        """What the columns of a table are called: their names, else x0, x1, …."""
        names = getattr(self, "feature_names_in_", None)
        if names is None:
            return [f"x{place}" for place in range(self.n_features_in_)]
        return [str(name) for name in names]

    def _table(self, X: Any, *, reset: bool) -> pyarrow.Table:
        """X as a table: a data frame by its columns' types, all else as numbers."""
        if hasattr(X, "columns") and hasattr(X, "__arrow_c_stream__"):
            validate_data(self, X, skip_check_array=True, reset=reset)
            if _num_samples(X) < (2 if reset else 1):
                raise ValueError(f"expected at least {2 if reset else 1} rows, found {_num_samples(X)} sample(s)")
            from hedonic._tables import arrow_of

            table = pyarrow.table(arrow_of(X))
            columns = [column for column in table.columns]
        else:
            X = validate_data(
                self, X, dtype="numeric", ensure_all_finite="allow-nan", ensure_min_samples=2 if reset else 1, reset=reset
            )
            columns = [pyarrow.array(np.ascontiguousarray(X[:, place])) for place in range(X.shape[1])]
        return pyarrow.table(columns, names=self._names())

    def _predicted(self, X: Any) -> pyarrow.Table:
        check_is_fitted(self)
        table = self._table(X, reset=False)
        predictions = self.model_._native.predict(table)
        found = pyarrow.table(predictions)
        if predictions.errors:
            errors = found["error"].to_pylist()
            row = next(place for place, error in enumerate(errors) if error is not None)
            raise ValueError(f"row {row} of X: {_renamed(errors[row], self._names())}")
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags


class HedonicRegressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """Prices, with prediction intervals, as a scikit-learn regressor.

    X is a data frame (numbers, booleans, times; texts and categories are categories; missing values are handled) or an
    array of numbers. y is above 0: its logarithm is learned, so that errors count in per cent, and predictions are
    medians. `TransformedTargetRegressor` serves for other targets.

    Parameters: `effort` ("standard", "fast" for smaller trees, or "quick" for the linear model alone), `interval` (the
    share of prices that `predict_interval` is to hold), `holdout_fraction`, `folds`, `random_state`, `n_jobs` (None and -1 for all cores).

    >>> import pandas
    >>> from hedonic import HedonicRegressor
    >>> X = pandas.DataFrame({"area": range(20, 220), "city": ["Kazan", "Omsk"] * 100})
    >>> y = X["area"] * 1000 + (X["city"] == "Kazan") * 50_000
    >>> regressor = HedonicRegressor(effort="quick").fit(X, y)
    >>> regressor.feature_names_in_.tolist()
    ['area', 'city']
    >>> low, high = regressor.predict_interval(X.head(1))[0]
    >>> bool(low < regressor.predict(X.head(1))[0] < high)
    True
    """

    def __init__(
        self,
        *,
        effort: str = "standard",
        interval: float = 0.9,
        holdout_fraction: float = 0.2,
        folds: int = 5,
        random_state: Any = 42,
        n_jobs: int | None = None,
    ) -> None:
        self.effort = effort
        self.interval = interval
        self.holdout_fraction = holdout_fraction
        self.folds = folds
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from rows and their prices."""
        table, y = _of_both(self, X, y)
        y = _numbers(y)
        if not (y > 0).all():
            raise ValueError(
                f"expected y above 0, found {y.min():g}: prices are learned by their logarithm; "
                "sklearn.compose.TransformedTargetRegressor serves for other targets"
            )
        return self._fit(table, y, "regression", "number")

    def _own_options(self) -> dict[str, Any]:
        return {"interval": self.interval}

    def predict(self, X: Any) -> np.ndarray[Any, Any]:
        """The median price of each row."""
        return _array(self._predicted(X), "prediction")

    def predict_interval(self, X: Any) -> np.ndarray[Any, Any]:
        """The prediction interval of each row: an array of lower and upper ends."""
        found = self._predicted(X)
        return np.column_stack([_array(found, "low"), _array(found, "high")])

    def explain(self, X: Any) -> list[Explanation]:
        """Why each row's price is what it is, by the names of X's columns."""
        check_is_fitted(self)
        names = self._names()
        fields = {f"x{place}": name for place, name in enumerate(names)}
        rows = self._table(X, reset=False).rename_columns(list(fields)).to_pylist()
        return [_named(self.model_.explain(row, comparables=0), fields) for row in rows]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags


class HedonicClassifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """Calibrated probabilities of a class, as a scikit-learn classifier of two classes.

    X is as for `HedonicRegressor`. `sklearn.multiclass.OneVsRestClassifier` serves for more than two classes.

    Parameters: `effort`, `threshold` (the probability of `classes_[1]` from which on it is predicted),
    `holdout_fraction`, `folds`, `random_state`, `n_jobs`.

    >>> import pandas
    >>> from hedonic import HedonicClassifier
    >>> X = pandas.DataFrame({"area": range(20, 220), "city": ["Kazan", "Omsk"] * 100})
    >>> y = ["dear" if area > 120 else "cheap" for area in X["area"]]
    >>> classifier = HedonicClassifier(effort="quick").fit(X, y)
    >>> classifier.classes_.tolist()
    ['cheap', 'dear']
    >>> classifier.predict(X.iloc[[0, 199]]).tolist()
    ['cheap', 'dear']
    """

    def __init__(
        self,
        *,
        effort: str = "standard",
        threshold: float = 0.5,
        holdout_fraction: float = 0.2,
        folds: int = 5,
        random_state: Any = 42,
        n_jobs: int | None = None,
    ) -> None:
        self.effort = effort
        self.threshold = threshold
        self.holdout_fraction = holdout_fraction
        self.folds = folds
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from rows and their classes."""
        table, y = _of_both(self, X, y)
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) == 1:
            raise ValueError("expected two classes, found one class: there is nothing to learn")
        if kind != "binary":
            raise ValueError(
                f"Only binary classification is supported. The type of the target is {kind}: "
                "sklearn.multiclass.OneVsRestClassifier serves for more classes."
            )
        return self._fit(table, numbers == 1, "classification", "boolean")

    def _own_options(self) -> dict[str, Any]:
        return {"threshold": self.threshold}

    def predict_proba(self, X: Any) -> np.ndarray[Any, Any]:
        """The probability of each class, in the order of `classes_`."""
        probability = _array(self._predicted(X), "prediction")
        return np.column_stack([1.0 - probability, probability])

    def predict(self, X: Any) -> np.ndarray[Any, Any]:
        """The class of each row."""
        is_second = self._predicted(X)["class"].to_numpy().astype(int)
        found: np.ndarray[Any, Any] = self.classes_[is_second]
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def _of_both(estimator: _Estimator, X: Any, y: Any) -> tuple[pyarrow.Table, np.ndarray[Any, Any]]:
    """X as a table, and y as a column of as many rows."""
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None: expected a price or a class "
            "for each row"
        )
    table = estimator._table(X, reset=True)
    y = column_or_1d(y, warn=True)
    check_consistent_length(X, y)
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise ValueError("Input y contains NaN or infinity: expected a finite value for each row")
    return table, y


def _numbers(y: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Targets as numbers, all of them finite."""
    numbers = np.asarray(y, dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError("Input y contains NaN or infinity: expected a finite value for each row")
    return numbers


def _array(table: pyarrow.Table, name: str) -> np.ndarray[Any, Any]:
    column: np.ndarray[Any, Any] = np.array(table[name].to_numpy(), dtype=np.float64)
    return column


def _named(explanation: Explanation, fields: dict[str, str]) -> Explanation:
    reasons = (Reason(fields.get(own.field, own.field), own.amount) for own in explanation.reasons)
    return Explanation(
        explanation.prediction, explanation.low, explanation.high, explanation.base, tuple(reasons), explanation.comparables
    )


def _renamed(reason: str, names: list[str]) -> str:
    """The reason of a row, with the column's name for the field's."""
    for place, name in enumerate(names):
        reason = reason.replace(f'field "x{place}" ', f"column {name!r} ")
    return reason


def _kind(column: pyarrow.DataType) -> str:
    types = pyarrow.types
    if types.is_boolean(column):
        return "boolean"
    if types.is_timestamp(column) or types.is_date(column):
        return "timestamp"
    if types.is_integer(column) or types.is_floating(column) or types.is_decimal(column) or types.is_null(column):
        return "number"
    return "category"


def _schema_text(names: list[str], columns: list[pyarrow.DataType], task: str, target: str, kind: str) -> str:
    """The schema of X and y, as TOML: a field x0, x1, … for each column."""
    lines = ['name = "sklearn"', "version = 1", f'task = "{task}"', 'table = "listings"', f'target = "{target}"']
    for place, (name, column) in enumerate(zip(names, columns, strict=True)):
        # JSON's texts are texts of TOML.
        lines += ["[[field]]", f'name = "x{place}"', f'kind = "{_kind(column)}"', f"column = {json.dumps(name)}"]
    lines += ["[[field]]", f'name = "{target}"', f'kind = "{kind}"']
    return "\n".join(lines)
