"""LightGBM's model of the listings: from a record to its numbers, and from these to prices.

Names become numbers by a table made in training, as one does by hand; a name that was not there, and
what is missing, is NaN, which the trees send their own way. The model knows the price's logarithm.
"""

import functools
import json
import math
from pathlib import Path

import lightgbm
import numpy

NAMES = ("city", "street", "building_type")
NUMBERS = (
    "floor", "rooms", "floors_total", "area", "kitchen_area", "year_built", "latitude", "longitude",
)
FIELDS = (*NAMES, *NUMBERS)
NAN = math.nan


class Boosted:
    """A model that was fitted by fit_lightgbm.py."""

    def __init__(self, directory, threads):
        self._booster = lightgbm.Booster(model_file=str(Path(directory) / "model.txt"))
        # Name of a field -> name -> number.
        self.codes = json.loads((Path(directory) / "codes.json").read_text())
        self._threads = threads

    def prices(self, records):
        return self.prices_of(matrix(records, self.codes))

    def prices_of(self, numbers):
        return numpy.exp(self._booster.predict(numbers, num_threads=self._threads))


@functools.cache
def loaded(directory, threads):
    """The model of a directory, read once a process."""
    return Boosted(directory, threads)


def matrix(records, codes):
    """Records as rows of numbers, in the order of FIELDS."""
    tables = [codes[name] for name in NAMES]
    rows = [
        [
            *(table.get(record.get(name), NAN) for name, table in zip(NAMES, tables)),
            *(record.get(name, NAN) for name in NUMBERS),
        ]
        for record in records
    ]
    # None, as some readers give for what is missing, becomes NaN too.
    return numpy.array(rows, dtype=numpy.float64)
