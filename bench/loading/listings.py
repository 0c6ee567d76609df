"""The listings that are loaded: made up, all fields of schemas/real-estate.toml.

Ids are random UUIDs in their text form, as sites give them out that do not want to be counted:
inserts into the primary key's index come at random places, for every system alike. Times rise
through the file, as in a real stream, so the index on `listed_at` grows at its end. Cities and
streets are those of data/; optional fields are absent as often as in real listings. Prices are
whole, so that their sum does not depend on the order. The same seed makes the same bytes.
"""

import csv
import datetime
import json
import random

from common import cache
from common.machine import REPOSITORY
from common.progress import Ticker, say

SEED = 42
# Columns of the table that a listing fills, in the order of the CSV.
COLUMNS = (
    "id", "listed_at", "city", "street", "floor", "rooms", "floors_total", "area",
    "kitchen_area", "year_built", "building_type", "latitude", "longitude", "price",
)
# Share of listings that have the field.
_PRESENT = {
    "floors_total": 0.95, "area": 0.98, "kitchen_area": 0.8, "year_built": 0.85,
    "building_type": 0.9, "latitude": 0.9,
}
_TYPES = ("panel", "brick", "monolith", "monolith-brick", "block", "wood")
_NEWEST = datetime.datetime(2026, 1, 1)
_PERIOD_US = 28 * 86_400 * 1_000_000


class Listings:
    """Files of the same listings, and what a table that holds them all must show."""

    def __init__(self, directory):
        # One JSON object a line, as on the topic.
        self.jsonl = directory / "listings.jsonl"
        # The same for COPY, without a header.
        self.csv = directory / "listings.csv"
        facts = json.loads((directory / "facts.json").read_text())
        self.count = facts["count"]
        self.price_sum = facts["price_sum"]


def made(count):
    """So many listings, from the cache or made now."""
    mark = cache.digest(
        __loader__.get_source(__name__),
        REPOSITORY / "data" / "city.csv",
        REPOSITORY / "data" / "streets.csv",
    )
    return Listings(cache.directory(f"listings-{count}-{mark}", lambda path: _make(path, count)))


def _make(directory, count):
    say(f"making {count:,} listings, once")
    ticker = Ticker("listings")
    price_sum = 0
    with (
        open(directory / "listings.jsonl", "w", encoding="utf-8") as lines,
        open(directory / "listings.csv", "w", encoding="utf-8", newline="") as table,
    ):
        for number, listing in enumerate(_listings(count)):
            lines.write(as_json(listing))
            lines.write("\n")
            table.write(",".join(listing))
            table.write("\n")
            price_sum += int(listing[-1])
            if number % 10_000 == 0:
                ticker.tick(lambda: f"{number:,} of {count:,}")
    facts = {"count": count, "price_sum": price_sum}
    (directory / "facts.json").write_text(json.dumps(facts))


def as_json(listing):
    """A listing, texts in the order of COLUMNS, as an object; the id comes first."""
    fields = []
    for name, value in zip(COLUMNS, listing):
        if value:
            quoted = f'"{value}"' if name in _TEXTS else value
            fields.append(f'"{name}":{quoted}')
    return "{" + ",".join(fields) + "}"


_TEXTS = {"id", "listed_at", "city", "street", "building_type"}


def _listings(count):
    random_ = random.Random(SEED)
    cities = _rows("city.csv")
    weights = [float(city["population"]) for city in cities]
    streets = [row["street"] for row in _rows("streets.csv")]
    for text in [*streets, *(city["city"] for city in cities)]:
        # Written as they are into JSON and CSV.
        assert not set(text) & set('",\\\n'), text
    begin = _NEWEST - datetime.timedelta(microseconds=_PERIOD_US)
    step_us = _PERIOD_US / count
    some, pick, bits = random_.random, random_.choice, random_.getrandbits

    def present(name):
        return some() < _PRESENT[name]

    for number in range(count):
        if number % 1000 == 0:
            drawn = random_.choices(cities, weights, k=1000)
        city = drawn[number % 1000]
        at = begin + datetime.timedelta(microseconds=int((number + some()) * step_us))
        rooms = int(some() * some() * 6)
        area = 18 + rooms * 17 + some() * 20
        floors = 2 + int(some() * 24)
        price = area * float(city["price_level"]) * (0.7 + 0.6 * some())
        placed = present("latitude")
        yield (
            _uuid(bits(128)),
            at.isoformat(timespec="microseconds") + "Z",
            city["city"],
            pick(streets),
            str(1 + int(some() * floors)),
            str(rooms),
            str(floors) if present("floors_total") else "",
            f"{area:.1f}" if present("area") else "",
            f"{5 + some() * 12:.1f}" if present("kitchen_area") else "",
            str(1930 + int(some() * 95)) if present("year_built") else "",
            pick(_TYPES) if present("building_type") else "",
            f"{float(city['latitude']) + some() * 0.2 - 0.1:.6f}" if placed else "",
            f"{float(city['longitude']) + some() * 0.3 - 0.15:.6f}" if placed else "",
            str(int(price / 1000) * 1000),
        )


def _uuid(bits):
    # Version 4, variant 1.
    bits = bits & ~(0xF << 76) | (4 << 76)
    bits = bits & ~(0x3 << 62) | (2 << 62)
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _rows(name):
    with open(REPOSITORY / "data" / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
