"""One system on one set."""

import csv
import json
import os
import subprocess
import tempfile
from pathlib import Path

from common import cache

HERE = Path(__file__).resolve().parent
PEER, TUNING, TELLING = HERE / "peer.py", HERE / "tuning.py", HERE / "telling.py"
MODELS, LISTINGS = HERE / "models.py", HERE / "listings.py"
UNITS = {"RMSLE": "", "MdAPE": "%", "within 10 %": "%", "COD": "", "PRD": "", "fit": "s",
         "fit, CPU s": "s", "memory": "MiB", "one row": "us", "batch": "rows/s"}
# The same of a class.
CLASS_UNITS = {"AUC": "", "log loss": "", "accuracy": "%", "F1": "", "fit": "s",
               "fit, CPU s": "s", "memory": "MiB", "one row": "us", "batch": "rows/s"}
# Four digits after the point tell systems apart.
FINE = {"RMSLE", "PRD", "AUC", "log loss", "F1"}


def ours(program, data, schema, seed, directory):
    """The metrics of model-prepare's default configuration, and the file of the sides."""
    report, sides = directory / f"{data.stem}.json", directory / f"{data.stem}.sides.csv"
    _, memory = _run([program, "--data", data, "--schema", schema, "--report", report,
                      "--predictions", sides, "--split", "random", "--test-fraction", "0.2",
                      "--seed", seed])
    found = json.loads(report.read_text())
    model, speed = found["report"]["model"], found["speed"]
    own_sides = _by_record(data, sides, directory)
    costs = {"fit": found["fit_seconds"], "fit, CPU s": found["fit_processor_seconds"],
             "memory": memory, "one row": speed["one_row_us"], "batch": speed["rows_per_second"]}
    if "auc" in model:
        return {"AUC": model["auc"]["value"], "log loss": model["log_loss"],
                "accuracy": 100 * model["accuracy"], "F1": model["f1"], **costs}, own_sides
    ratios = found["report"]["ratios"]
    return {"RMSLE": model["rmsle"], "MdAPE": 100 * model["mdape"],
            "within 10 %": 100 * model["within_10"], "COD": ratios["cod"]["value"],
            "PRD": ratios["prd"]["value"], **costs}, own_sides


def _by_record(data, sides, directory):
    """The sides with each row's line as if every record were one line and none were blank: that is
    how peers read the file, whose own numbers of lines the sides have."""
    with open(data, encoding="utf-8-sig", newline="") as file:
        lines, record = {}, 0
        reader = csv.reader(file)
        end = 0
        for cells in reader:
            start, end = end + 1, reader.line_num
            if cells:
                record += 1
                lines[start] = record
    to = directory / f"{data.stem}.records.csv"
    with open(sides, encoding="utf-8") as file, open(to, "w", encoding="utf-8") as out:
        out.write(next(file))
        for row in file:
            line, rest = row.split(",", 1)
            out.write(f"{lines[int(line)]},{rest}")
    return to


def peer(python, name, data, schema, sides, settings=None):
    """The metrics of a peer on the same sides; by its defaults where no settings are given."""
    chosen = [json.dumps(settings)] if settings else []
    out, memory = _run([python, PEER, name, data, schema, sides, *chosen])
    return {**json.loads(out.splitlines()[-1]), "memory": memory}


def teller(python, name, data, schema, sides, trials, seed, limit_s):
    """The metrics of a peer that tells classes, and how its settings came about."""
    out, memory = _run([python, TELLING, name, data, schema, sides, trials, seed, limit_s])
    found = json.loads(out.splitlines()[-1])
    return {**found["metrics"], "memory": memory}, found


def tuned(python, name, version, data, schema, sides, trials, seed, limit_s):
    """What a search found for a peer, from the cache where the same was searched before."""
    with open(sides, encoding="utf-8") as file:
        # Our own estimates stand there too, and change with our own model.
        lines = [f"{row['line']} {row['side']}" for row in csv.DictReader(file)]
    mark = cache.digest(name, version, data, schema, "\n".join(lines), trials, seed, limit_s,
                        TUNING, MODELS, LISTINGS)
    kept = cache.root() / "tuned" / f"{name}-{mark}.json"
    if kept.exists():
        return json.loads(kept.read_text())
    out, _ = _run([python, TUNING, name, data, schema, sides, trials, seed, limit_s])
    found = json.loads(out.splitlines()[-1])
    kept.parent.mkdir(exist_ok=True)
    # Whole or not at all: a run may be broken off.
    unfinished = kept.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(found, indent=1))
    unfinished.replace(kept)
    return found


def _run(command):
    """What a program printed, and the peak of its memory in MiB."""
    command = [str(part) for part in command]
    # Warnings may be more than a pipe holds.
    with tempfile.TemporaryFile("w+") as errors:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors,
                                 stdin=subprocess.DEVNULL, text=True)
        try:
            out = child.stdout.read()
        finally:
            _, status, rusage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            errors.seek(0)
            raise RuntimeError(f"{Path(command[0]).name}: {errors.read().strip()[-600:]}")
    return out, rusage.ru_maxrss / 1024
