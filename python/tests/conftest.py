"""Listings and models that the tests share."""

from __future__ import annotations

import os
from pathlib import Path

import hedonic
import pandas
import pytest

CITIES = ("Kazan", "Omsk", "Perm")


def made_listings(count: int) -> pandas.DataFrame:
    """Listings whose prices follow from their fields, with some noise that is the same every time."""
    numbers = range(count)
    frame = pandas.DataFrame(
        {
            "id": [f"h{number}" for number in numbers],
            "listed_at": pandas.to_datetime([1_690_000_000 + 3600 * number for number in numbers], unit="s", utc=True),
            "city": [CITIES[number % 3] for number in numbers],
            "street": [f"street {number % 7}" for number in numbers],
            "floor": [1 + number % 9 for number in numbers],
            "rooms": [1 + number % 4 for number in numbers],
            "area": [30.0 + number * 7 % 61 + number % 4 * 15 for number in numbers],
        }
    )
    noise = pandas.Series([1 + (number * 37 % 101 - 50) / 1000 for number in numbers])
    by_city = frame["city"].map({"Kazan": 120_000, "Omsk": 90_000, "Perm": 80_000})
    return frame.assign(price=(by_city * frame["area"] + 50_000 * frame["floor"]) * noise)


@pytest.fixture(scope="session")
def listings() -> pandas.DataFrame:
    return made_listings(600)


@pytest.fixture(scope="session")
def requests(listings: pandas.DataFrame) -> pandas.DataFrame:
    return listings.drop(columns="price").head(40)


@pytest.fixture(scope="session")
def model(listings: pandas.DataFrame) -> hedonic.Model:
    found = hedonic.train(listings, "real-estate")
    assert isinstance(found, hedonic.Model)
    return found


@pytest.fixture(scope="session")
def version(model: hedonic.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model's files."""
    directory = tmp_path_factory.mktemp("models") / "v000001"
    model.save(directory)
    return directory


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def model_prepare() -> str:
    """The program that fits and prices, of a build of the services."""
    programs = os.environ.get("HEDONIC_TEST_PROGRAMS")
    if not programs:
        pytest.skip("HEDONIC_TEST_PROGRAMS is not set: the directory of model-prepare")
    return str(Path(programs) / "model-prepare")
