"""Writes a table of drawn homes, a known function of their fields and noise: made.py ROWS FILE.parquet|FILE.csv."""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

# Rows drawn at a time.
PART = 200_000
CITIES, DISTRICTS, STREETS = 40, 12, 150
MATERIALS = ("brick", "panel", "monolith", "wood", "block")
# Microseconds of a year, and of 2022-01-01.
YEAR_US, FROM_US = 31_556_952_000_000, 1_640_995_200_000_000
# Share of the values that are not known, of fields that may be empty.
GAPS = 0.03


def drawn(first, rows, chance):
    """A part of the table."""
    city, district = chance.integers(0, CITIES, rows), chance.integers(0, DISTRICTS, rows)
    street, material = chance.integers(0, STREETS, rows), chance.integers(0, len(MATERIALS), rows)
    area = np.round(np.exp(chance.normal(4.1, 0.45, rows)).clip(14, 600), 1)
    rooms = np.clip(np.round(area / chance.uniform(18, 32, rows)), 1, 12).astype(np.int64)
    total = chance.integers(1, 26, rows)
    floor = 1 + (chance.random(rows) * total).astype(np.int64)
    built, condition = chance.integers(1930, 2025, rows), chance.integers(1, 6, rows)
    ceiling, lot = np.round(chance.normal(2.7, 0.2, rows), 2), np.round(chance.exponential(300, rows), 0)
    kitchen = np.round(area * chance.uniform(0.1, 0.3, rows), 1)
    lift, balcony = total > 5, chance.random(rows) < 0.6
    at = (chance.random(rows) * 3 * YEAR_US).astype(np.int64)
    # A city has a centre; a district lies around it.
    latitude = 45 + (city * 7 % 23) * 0.6 + 0.05 * np.sin(district) + chance.normal(0, 0.03, rows)
    longitude = 20 + (city * 11 % 29) * 0.9 + 0.08 * np.cos(district) + chance.normal(0, 0.05, rows)
    centre = np.hypot(latitude - 45 - (city * 7 % 23) * 0.6, longitude - 20 - (city * 11 % 29) * 0.9)
    material_of = np.array([0.06, -0.05, 0.08, -0.15, 0.0])
    log = (
        7.2 + 0.35 * np.sin(city * 1.7) + 0.12 * np.sin(district * 2.3 + city)
        + 0.06 * np.sin(street * 0.9 + city * district) + 0.93 * np.log(area) - 0.04 * (rooms - area / 25)
        + 0.04 * condition - 1.2 * centre + 0.002 * (built - 1980) + 0.25 * np.exp(-np.abs(built - 1935) / 15)
        + material_of[material] - 0.06 * (floor == 1) - 0.03 * (floor == total) + 0.1 * (ceiling - 2.7)
        + 0.02 * balcony + 0.03 * lift + 0.00003 * lot + 0.03 * at / YEAR_US + chance.normal(0, 0.11, rows)
    )
    return columns(locals(), first, rows, chance)


def columns(of, first, rows, chance):
    """The drawn values as columns, some of them not known."""
    def some(values, kind=None):
        return pa.array(values, kind, mask=chance.random(rows) < GAPS)

    def named(prefix, numbers):
        return [f"{prefix} {number}" for number in numbers]

    return pa.table({
        "id": pa.array([f"H{number:09}" for number in range(first, first + rows)]),
        "sold_at": pa.array(of["at"] + FROM_US, pa.timestamp("us", "UTC")),
        "price": pa.array(np.round(np.exp(of["log"]) * 100)),
        "city": pa.array(named("City", of["city"])),
        "district": some(np.array(named("District", of["district"]), object), pa.string()),
        "street": some(np.array(named("Street", of["street"]), object), pa.string()),
        "material": some(np.array(MATERIALS, object)[of["material"]], pa.string()),
        "area_m2": pa.array(of["area"]),
        "kitchen_m2": some(of["kitchen"]),
        "lot_m2": some(of["lot"]),
        "rooms": pa.array(of["rooms"]),
        "floor": pa.array(of["floor"]),
        "floors_total": pa.array(of["total"]),
        "year_built": some(of["built"]),
        "condition": some(of["condition"]),
        "ceiling_m": some(of["ceiling"]),
        "lift": pa.array(of["lift"]),
        "balcony": some(of["balcony"]),
        "latitude": pa.array(np.round(of["latitude"], 5)),
        "longitude": pa.array(np.round(of["longitude"], 5)),
    })


def main():
    rows, to = int(sys.argv[1]), Path(sys.argv[2])
    chance = np.random.default_rng(42)
    # Whole or not at all: a run may be broken off.
    unfinished, writer = to.with_suffix(".part"), None
    for first in range(0, rows, PART):
        part = drawn(first, min(PART, rows - first), chance)
        if writer is None:
            make = csv.CSVWriter if to.suffix == ".csv" else parquet.ParquetWriter
            writer = make(unfinished, part.schema)
        writer.write_table(part)
    writer.close()
    unfinished.replace(to)


if __name__ == "__main__":
    main()
