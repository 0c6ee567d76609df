"""A set as the peers read it: the same lines, columns and target as model-prepare."""

import tomllib

import numpy as np
import pandas as pd

# More levels than this scikit-learn's boosted trees do not take as categories.
MOST_LEVELS = 255


def frame(data, schema, sides):
    """Features, prices, which lines to learn from and to judge on, and the names of categories.

    As in ours, what the cleaning rules look at is learned from too: they are part of ours, and a
    peer that wants rules brings its own. Times become days, as a peer's user would make them.
    """
    with open(schema, "rb") as file:
        described = tomllib.load(file)
    table = pd.read_csv(data, dtype=str, keep_default_na=False, skipinitialspace=True)
    # An unnamed column is called so by pandas.
    table.columns = ["" if str(name).startswith("Unnamed:") else name for name in table.columns]
    side = pd.read_csv(sides)
    features, categories = {}, []
    prices = None
    for field in described["field"]:
        name, kind = field["name"], field["kind"]
        header = field.get("column", name)
        if header not in table.columns:
            continue
        cells = table[header].str.strip().replace("", None)
        if name == described["target"]:
            prices = pd.to_numeric(cells).to_numpy(float)
        elif name == described.get("key"):
            continue
        elif kind == "timestamp":
            times = pd.to_datetime(cells, format="mixed", utc=True)
            features[name] = (times - pd.Timestamp("1970-01-01", tz="UTC")).dt.days.astype(float)
        elif kind == "category":
            features[name] = cells.fillna("(none)").astype("category")
            categories.append(name)
        elif kind == "boolean":
            features[name] = cells.str.lower().map(
                {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "yes": 1.0, "no": 0.0})
        elif kind in ("number", "integer"):
            features[name] = pd.to_numeric(cells).astype(float)
    rows = side["line"].to_numpy() - 2
    learn, judge = rows[side["side"] == "train"], rows[side["side"] == "test"]
    return pd.DataFrame(features), prices, learn, judge, categories


def suited(name, features, categories):
    """The features in the form that a peer takes categories in."""
    features = features.copy()
    for category in categories:
        if name.startswith("catboost"):
            features[category] = features[category].astype(str)
        elif name.startswith("hist-gb"):
            # By the dtype: categories where it can, else the level's number.
            if features[category].cat.categories.size > MOST_LEVELS:
                features[category] = features[category].cat.codes.astype(float)
        elif name.startswith(("ols", "ridge", "logistic", "forest", "extra-trees")):
            features[category] = features[category].astype(object)
    return features


def log_prices(prices):
    """The target; NaN where there is no price above 0, on no line that is learned from or judged."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.log(prices)
