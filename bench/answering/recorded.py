"""Records of a file of yours instead of generated listings: what our model is fitted on, and what is asked."""

import itertools
import tomllib

import pandas as pd

_NUMBERS = {"number": float, "integer": int}


class Recorded:
    """A CSV and its schema."""

    def __init__(self, data, schema):
        self.table, self.schema = data.resolve(), schema.resolve()
        self._described = tomllib.loads(self.schema.read_text())
        self.name = self._described["name"]

    def requests(self, most):
        """Requests for a price, as objects without an id; again from the first where there are fewer."""
        table = pd.read_csv(self.table, dtype=str, keep_default_na=False)
        left_out = (self._described["key"], self._described["target"])
        fields = [(field["name"], table[field.get("column", field["name"])], _NUMBERS.get(field["kind"], str))
                  for field in self._described["field"] if field["name"] not in left_out]
        for row in itertools.islice(itertools.cycle(range(len(table))), most):
            yield {name: kind(cells[row].strip()) for name, cells, kind in fields if cells[row].strip()}
