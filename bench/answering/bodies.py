"""What is asked over HTTP, in each server's own words, and files of it.

Our bodies have room for ids (twelve # in a row): answers are stored under them, so that every request
has to be a new one. The peers' models take numbers; names were turned into numbers before, which ours
does itself.
"""

import itertools
import json

# Bodies a file, asked in turn.
BODIES = 500
# Where the load generator puts an id.
SLOT = "#" * 12
# Rows a request.
ROWS = (1, 100)


def records(listings, count):
    """So many requests for a price, as objects without an id."""
    with open(listings.jsonl, encoding="utf-8") as lines:
        found = [json.loads(line) for line in itertools.islice(lines, count)]
    for record in found:
        for name in ("id", "listed_at", "price"):
            record.pop(name, None)
    return found


def written(path, listings, rows, body):
    """A file of bodies, each `body(records)` of the next `rows` records; its path."""
    if not path.exists():
        every = itertools.cycle(records(listings, max(BODIES, rows)))
        with open(path, "w", encoding="utf-8") as file:
            for _ in range(BODIES if rows == 1 else max(1, BODIES // rows)):
                print(body(list(itertools.islice(every, rows))), file=file)
    return path


def ours(group):
    """`POST /predict`: one record, or an array."""
    # An id is a number: the slot stands without quotes.
    texts = [json.dumps({"id": SLOT, **record}).replace(f'"{SLOT}"', SLOT) for record in group]
    return texts[0] if len(texts) == 1 else f"[{','.join(texts)}]"


# As in peers/programs/boosted.py.
_NAMES = ("city", "street", "building_type")
_NUMBERS = (
    "floor", "rooms", "floors_total", "area", "kitchen_area", "year_built", "latitude", "longitude",
)
_WHOLE = ("floor", "rooms", "floors_total", "year_built")


def ours_by_protocol(group):
    """The same by the Open Inference Protocol v2, a tensor a field, for one record."""
    (record,) = group
    inputs = [_tensor("id", "BYTES", SLOT)]
    for name, value in record.items():
        kind = "BYTES" if name in _NAMES else "INT64" if name in _WHOLE else "FP64"
        inputs.append(_tensor(name, kind, value))
    return json.dumps({"inputs": inputs})


def _tensor(name, kind, value):
    return {"name": name, "shape": [1], "datatype": kind, "data": [value]}


def protocol(numbers):
    """The Open Inference Protocol v2, one tensor of numbers."""
    flat = [number for row in numbers for number in row]
    return json.dumps({"inputs": [{
        "name": "numbers", "shape": [len(numbers), len(numbers[0])], "datatype": "FP64",
        "data": flat,
    }]})


def inputs(numbers):
    """What `mlflow models serve` takes."""
    return json.dumps({"inputs": numbers})


class Encoder:
    """Records as the numbers of LightGBM's model; what is missing is -1, as JSON has no NaN."""

    def __init__(self, model):
        self._codes = json.loads((model / "codes.json").read_text())

    def rows(self, group):
        return [
            [
                *(float(self._codes[name].get(record.get(name), -1)) for name in _NAMES),
                *(float(record.get(name, -1)) for name in _NUMBERS),
            ]
            for record in group
        ]
