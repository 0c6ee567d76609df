"""Prices, classes and clusters by the models of Hedonic: the same bits as its services give.

>>> import hedonic
>>> model = hedonic.train(listings, "real-estate", effort="quick")
>>> home = {"city": "Kazan", "street": "Baumana", "floor": 3, "rooms": 2}
>>> model.predict([home]).columns
['prediction', 'low', 'high', 'error']
>>> round(model.explain(home).base) > 0
True
"""

from typing import TYPE_CHECKING, Any

from hedonic._core import Predictions, __version__
from hedonic._explanation import Comparable, Difference, Explanation, Reason
from hedonic._model import Model
from hedonic._schema import Field, Schema
from hedonic._training import RejectedRowsWarning, train

if TYPE_CHECKING:
    from hedonic.sklearn import HedonicClassifier, HedonicRegressor

__all__ = [
    "Comparable",
    "Difference",
    "Explanation",
    "Field",
    "HedonicClassifier",
    "HedonicRegressor",
    "Model",
    "Predictions",
    "Reason",
    "RejectedRowsWarning",
    "Schema",
    "__version__",
    "train",
]


def __getattr__(name: str) -> Any:
    # scikit-learn is needed by these alone.
    if name in ("HedonicClassifier", "HedonicRegressor"):
        from hedonic import sklearn

        return getattr(sklearn, name)
    raise AttributeError(f"module 'hedonic' has no attribute {name!r}")
