"""Generated listings, the same for the same number: what is loaded, what models are fitted on, and what is asked."""

import itertools
import json
import re
import uuid

import numpy as np
import pandas as pd

from common import cache
from common.progress import going_on, say

# Columns of the table that a listing fills, in the order of the CSV.
COLUMNS = (
    "id", "listed_at", "city", "street", "floor", "rooms", "floors_total", "area", "kitchen_area", "year_built",
    "building_type", "latitude", "longitude", "price",
)
# What a model may learn from: texts, then numbers.
NAMES = ("city", "street", "building_type")
NUMBERS = ("floor", "rooms", "floors_total", "area", "kitchen_area", "year_built", "latitude", "longitude")
# Stands for an id in a body: every request has to be a new one. Ids have as many digits, from FIRST_ID on.
SLOT = "#" * 12
FIRST_ID = 10**11

# Share of listings that have the field; longitude is there where latitude is.
_PRESENT = {"floors_total": 0.95, "area": 0.98, "kitchen_area": 0.8, "year_built": 0.85, "building_type": 0.9,
            "latitude": 0.9}
_TYPES = ("panel", "brick", "monolith", "monolith-brick", "block", "wood")
_BEGIN, _PERIOD_US = pd.Timestamp("2025-12-04"), 28 * 86_400 * 1_000_000
# Listings drawn at a time: memory does not grow with their number.
_PART = 100_000


class Listings:
    """Files of the same listings, and what a table that holds them all must show."""

    def __init__(self, directory, count):
        self.count = count
        # One JSON object a line, as on the topic.
        self.jsonl = directory / "listings.jsonl"
        # The same as CSV, with a header and without one, for COPY.
        self.table = directory / "listings.csv"
        self.csv = directory / "rows.csv"
        self.price_sum = int((directory / "price_sum").read_text())

    def messages(self):
        """Key and value of each, as on the topic."""
        with open(self.jsonl, "rb") as lines:
            for line in lines:
                # An object begins {"id":"…", with a UUID of 36 characters.
                yield line[7:43], line[:-1]

    def requests(self, most):
        """Requests for a price, as objects without an id."""
        with open(self.jsonl, encoding="utf-8") as lines:
            for line in itertools.islice(lines, most):
                listing = json.loads(line)
                yield {name: listing[name] for name in (*NAMES, *NUMBERS) if name in listing}


def made(count):
    """So many listings, from the cache or made now."""
    data = [cache.REPOSITORY / "data" / name for name in ("city.csv", "streets.csv")]
    name = f"listings-{count}-{cache.digest(__loader__.get_source(__name__), *data)}"
    return Listings(cache.directory(name, lambda path: _make(path, count)), count)


def _make(directory, count):
    say(f"making {count:,} listings, once")
    chance, price_sum = np.random.default_rng(42), 0
    with (
        going_on("listings"),
        open(directory / "listings.jsonl", "w", encoding="utf-8") as lines,
        open(directory / "rows.csv", "w", encoding="utf-8", newline="") as rows,
        open(directory / "listings.csv", "w", encoding="utf-8", newline="") as table,
    ):
        table.write(",".join(COLUMNS) + "\n")
        for first in range(0, count, _PART):
            part = _drawn(chance, first, min(_PART, count - first), count)
            text = part.to_csv(header=False, index=False)
            rows.write(text)
            table.write(text)
            # The price is never null and comes last.
            lines.write(re.sub(r'"\w+":null,', "", part.to_json(orient="records", lines=True, force_ascii=False)))
            price_sum += int(part["price"].sum())
    (directory / "price_sum").write_text(str(price_sum))


def _drawn(chance, first, rows, count):
    """A part of the listings."""
    cities, streets = (pd.read_csv(cache.REPOSITORY / "data" / name) for name in ("city.csv", "streets.csv"))
    weights = cities["population"] / cities["population"].sum()
    city = cities.iloc[chance.choice(len(cities), rows, p=weights)].reset_index(drop=True)

    def some():
        return chance.random(rows)

    at_us = ((first + np.arange(rows) + some()) * (_PERIOD_US / count)).astype(np.int64)
    times = _BEGIN + pd.to_timedelta(pd.Series(at_us), unit="us")
    rooms = (some() * some() * 6).astype(int)
    area = 18 + rooms * 17 + some() * 20
    floors = 2 + (some() * 24).astype(int)
    price = area * city["price_level"] * (0.7 + 0.6 * some())
    ids = chance.bytes(16 * rows)
    drawn = pd.DataFrame({
        "id": [str(uuid.UUID(bytes=ids[at:at + 16], version=4)) for at in range(0, 16 * rows, 16)],
        "listed_at": times.dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "city": city["city"],
        "street": streets["street"].to_numpy()[chance.integers(0, len(streets), rows)],
        "floor": 1 + (some() * floors).astype(int),
        "rooms": rooms,
        "floors_total": pd.array(floors, "Int64"),
        "area": area.round(1),
        "kitchen_area": (5 + some() * 12).round(1),
        "year_built": pd.array(1930 + (some() * 95).astype(int), "Int64"),
        "building_type": np.array(_TYPES, object)[chance.integers(0, len(_TYPES), rows)],
        "latitude": (city["latitude"] + some() * 0.2 - 0.1).round(6),
        "longitude": (city["longitude"] + some() * 0.3 - 0.15).round(6),
        "price": (price / 1000).astype(int) * 1000,
    })
    for name, share in _PRESENT.items():
        gaps = some() >= share
        drawn.loc[gaps, [name, "longitude"] if name == "latitude" else name] = None
    return drawn


def with_slot(request):
    """A request as JSON, with the slot for its id."""
    # An id is a number: the slot stands without quotes.
    return json.dumps({"id": SLOT, **request}, ensure_ascii=False).replace(f'"{SLOT}"', SLOT)
