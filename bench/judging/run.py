"""One system on one set."""

import json
import sys
from pathlib import Path

from common import cache
from common.children import finished

PEER = Path(__file__).resolve().parent / "peer.py"
# Of each measure, its unit; those of a class take the place of those of prices.
COSTS = {"fit": "s", "fit, CPU s": "s", "memory": "MiB", "one row": "us", "batch": "rows/s"}
PRICES = {"RMSLE": "", "MdAPE": "%", "within 10 %": "%", "COD": "", "PRD": "", **COSTS}
CLASSES = {"AUC": "", "log loss": "", "accuracy": "%", "F1": "", **COSTS}


def ours(program, data, schema, seed, directory):
    """The metrics of model-prepare's default configuration, and the file of the sides."""
    report, sides = directory / f"{data.stem}.json", directory / f"{data.stem}.sides.csv"
    done = finished([program, "--data", data, "--schema", schema, "--report", report, "--predictions", sides,
                     "--split", "random", "--test-fraction", "0.2", "--seed", seed])
    found = json.loads(report.read_text())
    model, speed = found["report"]["model"], found["speed"]
    costs = {"fit": found["fit_seconds"], "fit, CPU s": found["fit_processor_seconds"],
             "memory": done.peak_bytes / 2**20, "one row": speed["one_row_us"], "batch": speed["rows_per_second"]}
    if "auc" in model:
        return {"AUC": model["auc"]["value"], "log loss": model["log_loss"], "accuracy": 100 * model["accuracy"],
                "F1": model["f1"], **costs}, sides
    ratios = found["report"]["ratios"]
    return {"RMSLE": model["rmsle"], "MdAPE": 100 * model["mdape"], "within 10 %": 100 * model["within_10"],
            "COD": ratios["cod"]["value"], "PRD": ratios["prd"]["value"], **costs}, sides


def peer(name, data, schema, sides, settings):
    """The metrics of a peer on the same sides."""
    done = finished([sys.executable, PEER, "fit", name, data, schema, sides, json.dumps(settings)])
    return {**json.loads(done.printed.splitlines()[-1]), "memory": done.peak_bytes / 2**20}


def searched(name, data, schema, sides, plan):
    """What a search found for a peer, from the cache where the same was searched before."""
    # Our own estimates stand in the sides too, and change with our own model.
    lines = [row.split(",")[:2] for row in sides.read_text().splitlines()]
    code = [PEER, PEER.with_name("models.py"), PEER.with_name("frame.py"), cache.BENCH / "requirements.txt"]

    def make(path):
        command = [sys.executable, PEER, "search", name, data, schema, sides, json.dumps(plan)]
        (path / "found.json").write_text(finished(command, limit_s=86_400).printed.splitlines()[-1])

    mark = cache.digest(name, data, schema, lines, json.dumps(plan), *code)
    return json.loads((cache.directory(f"searched-{name}-{mark}", make) / "found.json").read_text())
