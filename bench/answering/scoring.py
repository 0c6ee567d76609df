"""A file priced by `model-application score`."""

import csv
import itertools
import time

from answering import models
from common import program, venv
from common.children import Child
from common.progress import going_on, say
from common.tool import output

REQUIREMENTS = ("pyarrow==22.0.0",)
# Longest a file may take, in seconds.
LIMIT_S = 600
_TO_PARQUET = """
import sys, pyarrow.csv, pyarrow.parquet
pyarrow.parquet.write_table(pyarrow.csv.read_csv(sys.argv[1]), sys.argv[2])
"""


def measure(applier, bed, rows, report):
    """Rows per second and processor time per row, from a CSV and from a Parquet file."""
    table = _table(bed.directory / "rows.csv", rows)
    files = {"CSV": table}
    for system in program.prepared([_Parquet()], bed, report):
        files["Parquet"] = system.written(table)
    # What it takes to start and to load the model is not a row's.
    few = _scored(applier, bed, _table(bed.directory / "few.csv", 1000))
    for kind, file in files.items():
        seconds, cpu_s, peak_bytes = (
            spent - base for spent, base in zip(_scored(applier, bed, file), (*few[:2], 0)))
        work = f"score, {rows:,} rows of {kind}"
        say(f"{work}: {seconds:.1f} s, processor {cpu_s:.1f} s")
        report.row(applier.name, work, "throughput", "rows/s", [rows / max(seconds, 1e-3)])
        report.row(applier.name, work, "processor time", "µs/row", [cpu_s * 1e6 / rows])
        report.row(applier.name, work, "peak memory", "MB", [peak_bytes / 1e6])


class _Parquet:
    """pyarrow, which writes the Parquet file."""

    name = "pyarrow"

    def prepare(self, _bed):
        self._python = venv.python("parquet", REQUIREMENTS)

    def written(self, table):
        parquet = table.with_suffix(".parquet")
        output([self._python, "-c", _TO_PARQUET, table, parquet])
        return parquet

    def described(self):
        return {"version": REQUIREMENTS[0].split("==")[1]}


def _table(path, rows):
    """The made listings again and again, each with an id of its own."""
    with open(models.table(), newline="") as made, open(path, "w", newline="") as file:
        head, *body = csv.reader(made)
        writer = csv.writer(file)
        writer.writerow(head)
        for number, row in zip(range(rows), itertools.cycle(body)):
            writer.writerow([number, *row[1:]])
    return path


def _scored(applier, bed, file):
    """Seconds, processor seconds and the peak of memory of one run."""
    out = bed.directory / f"prices-{bed.number('prices')}.parquet"
    command = [*applier.command("score"), "--input", file, "--output", out]
    begun = time.monotonic()
    with going_on("score"):
        child = Child(command, log=bed.log("score"))
        code = child.wait(LIMIT_S)
    if code != 0 or not out.exists():
        raise RuntimeError(f"score ended with {code}: {child.last_words()}")
    used = child.rusage
    return time.monotonic() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024
