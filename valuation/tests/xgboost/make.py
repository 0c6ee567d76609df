"""Writes fitted.json: small boosters of XGBoost, rows, and what XGBoost says of the rows.

  pip install xgboost-cpu==3.2.0 numpy && python make.py
"""

import json
from pathlib import Path

import numpy
import xgboost


def rounded(values):
    """32-bit numbers as JSON that gives the same 32 bits; a missing one as null."""
    return [None if numpy.isnan(value) else float(str(numpy.float32(value))) for value in values]


def booster(seed, parameters, rounds, categories):
    random = numpy.random.default_rng(seed)
    rows = 400
    columns = [random.normal(size=rows), random.integers(0, 50, rows), random.uniform(1, 9, rows)]
    kinds = ["float"] * 3
    if categories:
        columns.append(random.integers(0, 30, rows))
        kinds.append("c")
    matrix = numpy.column_stack(columns).astype(numpy.float32)
    matrix[random.uniform(size=rows) < 0.2, 0] = numpy.nan
    if categories:
        # So that some splits send a missing category to the right.
        matrix[random.uniform(size=rows) < 0.2, 3] = numpy.nan
    target = 11 + numpy.nan_to_num(matrix[:, 0]) * 0.3 + numpy.sin(matrix[:, 1] / 5) + numpy.log(matrix[:, 2])
    if categories:
        target = target + (numpy.nan_to_num(matrix[:, 3], nan=29) * 7 % 5) / 5
    target = target + random.normal(size=rows) / 10
    names = [f"f{column}" for column in range(matrix.shape[1])]

    def read(of, **more):
        return xgboost.DMatrix(of, feature_names=names, feature_types=kinds, enable_categorical=True, **more)

    fitted = xgboost.train({"objective": "reg:squarederror", "seed": seed, **parameters}, read(matrix, label=target), rounds)
    asked = matrix[:60].copy()
    asked[:8] = numpy.nan
    asked[1, 0] = asked[2, 1] = asked[3, 2] = 0
    # Thresholds themselves: a value that is not below one goes right.
    tree = json.loads(fitted.save_raw("json"))["learner"]["gradient_booster"]["model"]["trees"][0]
    cuts = [(tree["split_indices"][node], tree["split_conditions"][node]) for node in range(len(tree["left_children"]))
            if tree["left_children"][node] >= 0 and not tree["split_type"][node]]
    for row, (column, cut) in zip(range(8, 20), cuts):
        asked[row, column] = numpy.float32(cut)
    if categories:
        asked[20:24, 3] = [0, 29, 30, 200]
    read_rows = read(asked)
    return {
        "model": json.loads(fitted.save_raw("json")),
        "rows": [rounded(row) for row in asked],
        "predicted": rounded(fitted.predict(read_rows)),
        "contributions": [rounded(row) for row in fitted.predict(read_rows, pred_contribs=True)],
    }


boosters = [
    booster(1, {"tree_method": "hist", "max_depth": 4, "max_bin": 64}, 12, False),
    booster(2, {"tree_method": "hist", "max_depth": 5, "max_bin": 64, "max_cat_to_onehot": 4}, 10, True),
    booster(3, {"tree_method": "hist", "grow_policy": "lossguide", "max_leaves": 12, "max_depth": 0, "gamma": 0.5}, 8, True),
    booster(4, {"tree_method": "exact", "max_depth": 3, "gamma": 1.0}, 8, False),
]
text = json.dumps({"xgboost": xgboost.__version__, "boosters": boosters})
Path(__file__).with_name("fitted.json").write_text(text + "\n")
print(f"{len(text)} bytes of XGBoost {xgboost.__version__}")
