"""The models that answer, ours and the peers', fitted on the same records."""

import sys

from common import cache, listings
from common.children import output
from common.progress import going_on, say

# Listings that models are fitted on.
ROWS = 20_000
_BOOSTED = cache.BENCH / "peers" / "programs" / "boosted.py"


def made():
    """What models are fitted on, and what is asked."""
    return listings.made(ROWS)


def ours(prepare, effort, seed=42, recorded=None):
    """A directory with our registry of one version, fitted with this effort and seed: on the generated listings, or on a
    file's records."""
    table, settings = (recorded.table, [f"schema.source={recorded.schema}"]) if recorded else (made().table, [])

    def make(path):
        say(f"fitting our model, effort {effort}, seed {seed}, once")
        fit(prepare, effort, path / "registry", f"prepare.seed={seed}", *settings, table=table)

    mark = cache.digest(prepare, effort, seed, table, *settings)
    return cache.directory(f"model-{effort}-{seed}-{mark}", make) / "registry"


def version(prepare, effort, seed=42):
    """The directory of that version."""
    return next(ours(prepare, effort, seed).glob("v*"))


def fit(prepare, effort, registry, *settings, table=None):
    """Fits and publishes one version, on the generated listings unless a table is given."""
    flags = [f"--set={setting}" for setting in (f"prepare.effort={effort}", *settings)]
    with going_on("model-prepare fits"):
        output([prepare, "--data", table or made().table, "--registry", registry, *flags])


def lightgbm():
    """A directory with the peers' model (model.txt) and the numbers of its names (codes.json)."""
    def make(path):
        say("fitting LightGBM's model, once")
        output([sys.executable, _BOOSTED, made().jsonl, path])

    return cache.directory(f"lightgbm-{cache.digest(_BOOSTED, made().table)}", make)
