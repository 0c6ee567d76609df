"""The models that answer, ours and the peers', fitted on the same made listings."""

import csv
import shutil
from pathlib import Path

from common import cache
from common.progress import going_on, say
from common.tool import output
from loading.listings import COLUMNS, made

# Listings that models are fitted on.
ROWS = 20_000
_FIT = Path(__file__).parent.parent / "peers" / "programs" / "fit_lightgbm.py"
_BOOSTED = _FIT.parent / "boosted.py"


def listings():
    """What models are fitted on, and what is asked."""
    return made(ROWS)


def ours(prepare, effort):
    """A directory with our registry of one version, fitted with this effort."""
    def make(path):
        say(f"fitting our model, effort {effort}, once")
        fit(prepare, effort, table(), path / "registry")

    mark = cache.digest(prepare, effort, _which())
    return cache.directory(f"model-{effort}-{mark}", make) / "registry"


def version(prepare, effort, seed):
    """The directory of one version, fitted with this effort and seed."""
    def make(path):
        say(f"fitting our model, effort {effort}, seed {seed}, once")
        fit(prepare, effort, table(), path / "registry", f"prepare.seed={seed}")

    mark = cache.digest(prepare, effort, seed, _which())
    fitted = cache.directory(f"version-{effort}-{seed}-{mark}", make) / "registry"
    return next(fitted.glob("v*"))


def fit(prepare, effort, data, registry, *settings):
    """Fits and publishes one version; what model-prepare said."""
    command = [
        prepare, "--data", data, "--registry", registry,
        "--set", f"prepare.effort={effort}",
        *(part for setting in settings for part in ("--set", setting)),
    ]
    with going_on("model-prepare fits"):
        return output(command)


def table():
    def make(path):
        with open(path / "listings.csv", "w", newline="") as file:
            csv.writer(file).writerow(COLUMNS)
            with open(listings().csv, newline="") as rows:
                shutil.copyfileobj(rows, file)

    return cache.directory(f"table-{cache.digest(_which())}", make) / "listings.csv"


def lightgbm(python):
    """A directory with the peers' model (model.txt) and the numbers of its names (codes.json)."""
    def make(path):
        say("fitting LightGBM's model, once")
        output([python, _FIT, listings().jsonl, path], _FIT.name)

    return cache.directory(f"lightgbm-{cache.digest(_FIT, _BOOSTED, _which())}", make)


def _which():
    # The cache names a directory by what the listings are made of.
    return listings().csv.parent.name
