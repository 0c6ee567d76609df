"""LightGBM's model of the listings: from a record to its numbers, and from these to prices.

Names become numbers by a table made in training, as one does by hand; a name that was not there, and what is missing,
is NaN, which the trees send their own way. The model knows the price's logarithm.
"""

import functools
import json
import math
from pathlib import Path

import lightgbm
import numpy

NAMES = ("city", "street", "building_type")
NUMBERS = ("floor", "rooms", "floors_total", "area", "kitchen_area", "year_built", "latitude", "longitude")


class Boosted:
    """A model that was fitted by fit_lightgbm.py; one thread, as a second gains nothing beside the broker."""

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
