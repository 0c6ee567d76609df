"""One system on one set."""

import json
import os
import subprocess
from pathlib import Path

PEER = Path(__file__).resolve().parent / "peer.py"
UNITS = {"RMSLE": "", "MdAPE": "%", "within 10 %": "%", "COD": "", "PRD": "", "fit": "s",
         "memory": "MiB", "one row": "us", "batch": "rows/s"}
# Four digits after the point tell systems apart.
FINE = {"RMSLE", "PRD"}


def quarter(data, directory):
    """Every fourth line of a CSV."""
    to = directory / data.name
    with open(data, encoding="utf-8") as lines, open(to, "w", encoding="utf-8") as out:
        out.write(next(lines))
        out.writelines(line for number, line in enumerate(lines) if number % 4 == 0)
    return to


def ours(program, data, schema, seed, directory):
    """The metrics of model-prepare's default configuration, and the file of the sides."""
    report, sides = directory / f"{data.stem}.json", directory / f"{data.stem}.sides.csv"
    _, memory = _run([program, "--data", data, "--schema", schema, "--report", report,
                      "--predictions", sides, "--split", "random", "--test-fraction", "0.2",
                      "--seed", seed])
    found = json.loads(report.read_text())
    model, ratios, speed = found["report"]["model"], found["report"]["ratios"], found["speed"]
    return {
        "RMSLE": model["rmsle"],
        "MdAPE": 100 * model["mdape"],
        "within 10 %": 100 * model["within_10"],
        "COD": ratios["cod"]["value"],
        "PRD": ratios["prd"]["value"],
        "fit": found["fit_seconds"],
        "memory": memory,
        "one row": speed["one_row_us"],
        "batch": speed["rows_per_second"],
    }, sides


def peer(python, name, data, schema, sides):
    """The metrics of a peer on the same sides."""
    out, memory = _run([python, PEER, name, data, schema, sides])
    return {**json.loads(out.splitlines()[-1]), "memory": memory}


def _run(command):
    """What a program printed, and the peak of its memory in MiB."""
    command = [str(part) for part in command]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             stdin=subprocess.DEVNULL, text=True)
    try:
        out, error = child.stdout.read(), child.stderr.read()
    finally:
        _, status, rusage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name}: {error.strip()[-600:]}")
    return out, rusage.ru_maxrss / 1024
