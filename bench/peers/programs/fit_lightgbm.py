"""Fits LightGBM on listings, and writes model.txt and codes.json.

    fit_lightgbm.py LISTINGS DIRECTORY

The newest fifth says how many trees there are; its error is printed.
"""

import json
import sys
from pathlib import Path

import lightgbm
import numpy
from boosted import NAMES, NUMBERS, matrix

# As our leaf-wise member has by default (docs/price-model.md).
PARAMETERS = {
    "objective": "regression", "learning_rate": 0.06, "num_leaves": 48, "min_data_in_leaf": 5,
    "bagging_fraction": 0.8, "bagging_freq": 1, "feature_fraction": 0.6, "seed": 42,
    "verbosity": -1,
}
ROUNDS, PATIENCE = 700, 30


def main(listings, directory):
    with open(listings, encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    codes = {
        name: {
            text: number
            for number, text in enumerate(sorted({r[name] for r in records if name in r}))
        }
        for name in NAMES
    }
    numbers = matrix(records, codes)
    logs = numpy.log([record["price"] for record in records])
    # Times rise through the file.
    cut = len(records) * 4 // 5
    names = {"feature_name": [*NAMES, *NUMBERS], "categorical_feature": list(NAMES)}
    train = lightgbm.Dataset(numbers[:cut], logs[:cut], **names)
    judge = lightgbm.Dataset(numbers[cut:], logs[cut:], reference=train, **names)
    booster = lightgbm.train(
        PARAMETERS, train, ROUNDS, valid_sets=[judge],
        callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
    )
    best = booster.best_iteration
    booster.save_model(Path(directory) / "model.txt", num_iteration=best)
    (Path(directory) / "codes.json").write_text(json.dumps(codes))
    off = numpy.abs(numpy.expm1(booster.predict(numbers[cut:]) - logs[cut:]))
    print(f"{best} trees, median error {numpy.median(off):.4f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
