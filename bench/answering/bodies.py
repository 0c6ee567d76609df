"""What is asked over HTTP, in each server's own words: ours has slots for ids, the peers' models take numbers."""

import itertools
import json

from common.listings import NAMES, NUMBERS, SLOT, with_slot

# Bodies a file, asked in turn.
BODIES = 500
# Rows a request.
ROWS = (1, 100)
_WHOLE = ("floor", "rooms", "floors_total", "year_built")


def written(bed, name, rows, body):
    """A file of bodies for a server, each `body(records)` of the next `rows` records."""
    path = bed.directory / f"bodies-{name}-{rows}"
    if not path.exists():
        every = itertools.cycle(bed.listings.requests(BODIES))
        groups = (list(itertools.islice(every, rows)) for _ in range(max(1, BODIES // rows)))
        path.write_text("".join(f"{body(group)}\n" for group in groups))
    return path


def ours(group):
    """`POST /predict`: one record, or an array."""
    texts = [with_slot(record) for record in group]
    return texts[0] if len(texts) == 1 else f"[{','.join(texts)}]"


def ours_by_protocol(group):
    """The same by the Open Inference Protocol v2, a tensor a field, for one record."""
    (record,) = group
    kinds = {"id": "BYTES", **dict.fromkeys(NAMES, "BYTES"), **dict.fromkeys(_WHOLE, "INT64")}
    inputs = [{"name": name, "shape": [1], "datatype": kinds.get(name, "FP64"), "data": [value]}
              for name, value in {"id": SLOT, **record}.items()]
    return json.dumps({"inputs": inputs})


def numbers(group, codes):
    """Records as the numbers of LightGBM's model; what is missing is -1, as JSON has no NaN."""
    return [[*(float(codes[name].get(record.get(name), -1)) for name in NAMES),
             *(float(record.get(name, -1)) for name in NUMBERS)] for record in group]


def protocol(rows):
    """The Open Inference Protocol v2, one tensor of numbers."""
    flat = [number for row in rows for number in row]
    tensor = {"name": "numbers", "shape": [len(rows), len(rows[0])], "datatype": "FP64", "data": flat}
    return json.dumps({"inputs": [tensor]})


def inputs(rows):
    """What `mlflow models serve` takes."""
    return json.dumps({"inputs": rows})
