"""Fits one peer on the lines that model-prepare learned from and judges it on those it judged on.

  peer.py NAME DATA.csv SCHEMA.toml SIDES.csv

Runs in the peers' environment; prints one JSON object.
"""

import json
import sys
import time
import tomllib

import numpy as np
import pandas as pd

SINGLE_ROWS = 200
BATCH_ROWS = 100_000


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
        elif name == described["key"]:
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


def encoded(columns, categories):
    """Categories as columns of 0 and 1, numbers imputed and scaled."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    numbers = [name for name in columns if name not in categories]
    return make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", min_frequency=5), categories),
        (make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()),
         numbers),
    )


def model(name, columns, categories):
    """The peer, unfitted. `-tuned`: settings chosen by hand."""
    if name in ("ols", "forest"):
        from sklearn.pipeline import make_pipeline
        from sklearn.linear_model import LinearRegression
        from sklearn.ensemble import RandomForestRegressor
        if name == "ols":
            return make_pipeline(encoded(columns, categories), LinearRegression())
        forest = RandomForestRegressor(n_estimators=300, n_jobs=-1, random_state=0, max_features=0.4)
        return make_pipeline(encoded(columns, categories), forest)
    if name == "hist-gb":
        from sklearn.ensemble import HistGradientBoostingRegressor
        # It takes at most 255 levels as categories; more go by their number.
        return HistGradientBoostingRegressor(categorical_features=None, random_state=0)
    if name.startswith("lightgbm"):
        import lightgbm
        tuned = {"n_estimators": 1500, "num_leaves": 48, "learning_rate": 0.03,
                 "min_child_samples": 10, "subsample": 0.8, "subsample_freq": 1,
                 "colsample_bytree": 0.6, "reg_lambda": 1.0, "cat_smooth": 20}
        settings = tuned if name.endswith("-tuned") else {}
        return lightgbm.LGBMRegressor(**settings, verbose=-1, random_state=0)
    if name.startswith("xgboost"):
        import xgboost
        tuned = {"n_estimators": 1500, "max_depth": 6, "learning_rate": 0.03, "subsample": 0.8,
                 "colsample_bytree": 0.6, "min_child_weight": 3}
        settings = tuned if name.endswith("-tuned") else {}
        return xgboost.XGBRegressor(**settings, enable_categorical=True, tree_method="hist",
                                    random_state=0)
    import catboost
    tuned = {"iterations": 3000, "depth": 7, "learning_rate": 0.04, "l2_leaf_reg": 3}
    settings = tuned if name.endswith("-tuned") else {}
    return catboost.CatBoostRegressor(**settings, cat_features=categories, verbose=0,
                                      random_seed=0, allow_writing_files=False)


def measures(prices, estimates):
    """The formulas of valuation's metrics and ratio study."""
    ratios = estimates / prices
    off = np.abs(estimates - prices) / prices
    level = np.median(ratios)
    logs = np.log1p(estimates) - np.log1p(prices)
    return {
        "RMSLE": float(np.sqrt(np.mean(logs**2))),
        "MdAPE": 100 * float(np.median(off)),
        "within 10 %": 100 * float(np.mean(off <= 0.1)),
        "COD": 100 * float(np.mean(np.abs(ratios - level)) / level),
        "PRD": float(ratios.mean() / (estimates.sum() / prices.sum())),
    }


def main():
    name, data, schema, sides = sys.argv[1:]
    features, prices, learn, judge, categories = frame(data, schema, sides)
    if name == "hist-gb":
        for category in categories:
            features[category] = features[category].cat.codes.astype(float)
    if name.startswith("catboost"):
        for category in categories:
            features[category] = features[category].astype(str)
    logs = np.log(prices)
    fitted = model(name, list(features.columns), categories)
    started = time.monotonic()
    fitted.fit(features.iloc[learn], logs[learn])
    seconds = time.monotonic() - started
    found = measures(prices[judge], np.exp(fitted.predict(features.iloc[judge])))
    single = []
    for row in judge[:SINGLE_ROWS]:
        one = features.iloc[[row]]
        started = time.perf_counter()
        fitted.predict(one)
        single.append(time.perf_counter() - started)
    many = features.iloc[np.resize(judge, BATCH_ROWS)]
    started = time.monotonic()
    fitted.predict(many)
    batch = BATCH_ROWS / (time.monotonic() - started)
    print(json.dumps({**found, "fit": seconds, "one row": 1e6 * float(np.median(single)),
                      "batch": batch}))


if __name__ == "__main__":
    main()
