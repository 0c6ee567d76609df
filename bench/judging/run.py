"""One system on one set."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from common import cache
from common.children import finished
from judging import frame, measures

PEER = Path(__file__).resolve().parent / "peer.py"
CODE = [PEER, *(PEER.with_name(f"{module}.py") for module in ("models", "frame", "measures")),
        cache.BENCH / "requirements.txt"]
# Of each measure, its unit; those of a class take the place of those of prices.
COSTS = {"fit": "s", "fit, CPU s": "s", "memory": "MiB", "one row": "us", "batch": "rows/s"}
COVERAGE = {"coverage": "%", "worst tenth": "%", "worst segment": "%"}
PRICES = {"RMSLE": "", "RMSLE, no copies": "", "MdAPE": "%", "within 10 %": "%", "COD": "", "PRD": "", **COVERAGE,
          **COSTS}
CLASSES = {"AUC": "", "AUC, no copies": "", "log loss": "", "accuracy": "%", "F1": "", **COSTS}


def ours(program, data, schema, how, resume=False):
    """What model-prepare's default configuration gives, `how` being the flags of its split: the measures, the file of
    the sides, and the rows whose intervals count (None for a class)."""
    def make(path):
        done = finished([program, "--data", data, "--schema", schema, "--report", path / "report.json",
                         "--predictions", path / "sides.csv", *how], limit_s=86_400)
        (path / "peak").write_text(str(done.peak_bytes))

    found = _kept("ours", (program, data, schema, *how), make, resume)
    report, sides = json.loads((found / "report.json").read_text()), found / "sides.csv"
    table, told = frame.read(data, schema, sides), pd.read_csv(sides)
    told = told[told["side"] == "test"]
    said = told["value"].to_numpy()
    speed = report["speed"]
    costs = {"fit": report["fit_seconds"], "fit, CPU s": report["fit_processor_seconds"],
             "memory": int((found / "peak").read_text()) / 2**20, "one row": speed["one_row_us"],
             "batch": speed["rows_per_second"]}
    held = None if table.is_class else measures.covered(table, told)
    return {**measures.of(table, said if table.is_class else np.log(said)), **costs}, sides, held


def peer(name, data, schema, sides, plan, resume=False):
    """The metrics of a peer on the same sides."""
    def make(path):
        done = finished([sys.executable, PEER, "fit", name, data, schema, sides, json.dumps(plan)], limit_s=86_400)
        found = {**json.loads(done.printed.splitlines()[-1]), "memory": done.peak_bytes / 2**20}
        (path / "found.json").write_text(json.dumps(found))

    return _found(_kept(f"judged-{name}", (name, data, schema, _lines(sides), json.dumps(plan), *CODE), make, resume))


def searched(name, data, schema, sides, plan):
    """What a search found for a peer, from the cache where the same was searched before."""
    def make(path):
        command = [sys.executable, PEER, "search", name, data, schema, sides, json.dumps(plan)]
        (path / "found.json").write_text(finished(command, limit_s=86_400).printed.splitlines()[-1])

    return _found(_kept(f"searched-{name}", (name, data, schema, _lines(sides), json.dumps(plan), *CODE), make))


def _kept(name, parts, make, resume=True):
    """The directory that `make` fills, from the cache where it was made from the same parts."""
    name = f"{name}-{cache.digest(*parts)}"
    if not resume:
        shutil.rmtree(cache.root() / name, ignore_errors=True)
    return cache.directory(name, make)


def _found(path):
    return json.loads((path / "found.json").read_text())


def _lines(sides):
    # Our own estimates stand in the sides too, and change with our own model.
    return [row.split(",")[:2] for row in sides.read_text().splitlines()]
