"""LightGBM's model of the listings, as one makes it by hand.

    boosted.py LISTINGS DIRECTORY

fits it: writes model.txt and codes.json; the newest fifth says how many trees there are. Names become numbers by a
table made in training; a name that was not there, and what is missing, is NaN. The model knows the price's logarithm.
"""

import functools
import json
import math
import sys
from pathlib import Path

import lightgbm
import numpy

NAMES = ("city", "street", "building_type")
NUMBERS = ("floor", "rooms", "floors_total", "area", "kitchen_area", "year_built", "latitude", "longitude")
# As our leaf-wise member has by default (docs/price-model.md).
PARAMETERS = {
    "objective": "regression", "learning_rate": 0.06, "num_leaves": 48, "min_data_in_leaf": 5, "bagging_fraction": 0.8,
    "bagging_freq": 1, "feature_fraction": 0.6, "seed": 42, "verbosity": -1,
}
ROUNDS, PATIENCE = 700, 30


class Boosted:
    """A fitted model; one thread, as a second gains nothing beside the broker."""

    def __init__(self, directory):
        self._booster = lightgbm.Booster(model_file=str(Path(directory) / "model.txt"))
        # Name of a field -> name -> number.
        self._codes = json.loads((Path(directory) / "codes.json").read_text())

    def prices(self, records):
        return self._prices(matrix(records, self._codes))

    def prices_of_columns(self, frame):
        """The same of a data frame of pandas."""
        columns = [frame[name].map(self._codes[name]).to_numpy(float) for name in NAMES]
        return self._prices(numpy.column_stack([*columns, *(frame[name].to_numpy(float) for name in NUMBERS)]))

    def _prices(self, numbers):
        return numpy.exp(self._booster.predict(numbers, num_threads=1))


@functools.cache
def loaded(directory):
    """The model of a directory, read once a process."""
    return Boosted(directory)


def matrix(records, codes):
    """Records as rows of numbers, names first."""
    tables = [codes[name] for name in NAMES]
    rows = [[*(table.get(record.get(name), math.nan) for name, table in zip(NAMES, tables)),
             *(record.get(name, math.nan) for name in NUMBERS)] for record in records]
    return numpy.array(rows, dtype=numpy.float64)


def fit(listings, directory):
    """Fits a model and writes it."""
    records = [json.loads(line) for line in Path(listings).read_text().splitlines()]
    codes = {}
    for name in NAMES:
        codes[name] = {text: number for number, text in enumerate(sorted({r[name] for r in records if name in r}))}
    numbers, logs = matrix(records, codes), numpy.log([record["price"] for record in records])
    # Times rise through the file.
    cut = len(records) * 4 // 5
    names = {"feature_name": [*NAMES, *NUMBERS], "categorical_feature": list(NAMES)}
    train = lightgbm.Dataset(numbers[:cut], logs[:cut], **names)
    judge = lightgbm.Dataset(numbers[cut:], logs[cut:], reference=train, **names)
    stop = lightgbm.early_stopping(PATIENCE, verbose=False)
    booster = lightgbm.train(PARAMETERS, train, ROUNDS, valid_sets=[judge], callbacks=[stop])
    booster.save_model(Path(directory) / "model.txt", num_iteration=booster.best_iteration)
    (Path(directory) / "codes.json").write_text(json.dumps(codes))


if __name__ == "__main__":
    fit(*sys.argv[1:])
