"""A file priced by `model-application score`."""

import numpy as np
import pandas as pd

from answering import models
from common.children import finished
from common.progress import going_on, say

# Longest a file may take, in seconds.
LIMIT_S = 600


def measure(applier, bed, rows, report):
    """Rows per second and processor time per row, from a CSV and from a Parquet file."""
    few, many = (bed.directory / name for name in ("few.csv", "rows.csv"))
    _repeated(1000).to_csv(few, index=False)
    table = _repeated(rows)
    table.to_csv(many, index=False)
    table.to_parquet(many.with_suffix(".parquet"), index=False)
    # What it takes to start and to load the model is not a row's.
    base = _scored(applier, bed, few)
    for kind, file in (("CSV", many), ("Parquet", many.with_suffix(".parquet"))):
        done = _scored(applier, bed, file)
        seconds, cpu_s = done.seconds - base.seconds, done.cpu_s - base.cpu_s
        work = f"score, {rows:,} rows of {kind}"
        say(f"{work}: {seconds:.1f} s, processor {cpu_s:.1f} s")
        report.row(applier.name, work, "throughput", "rows/s", [rows / max(seconds, 1e-3)])
        report.row(applier.name, work, "processor time", "µs/row", [cpu_s * 1e6 / rows])
        report.row(applier.name, work, "peak memory", "MB", [done.peak_bytes / 1e6])


def _repeated(rows):
    """The generated listings again and again, each with an id of its own."""
    listings = pd.read_csv(models.made().table, dtype={"floors_total": "Int64", "year_built": "Int64"})
    table = listings.iloc[np.arange(rows) % len(listings)].reset_index(drop=True)
    table["id"] = table.index.astype(str)
    return table


def _scored(applier, bed, file):
    """What one run took."""
    out = bed.directory / f"prices-{bed.number('prices')}.parquet"
    with going_on("score"):
        return finished([*applier.command("score"), "--input", file, "--output", out], "score", limit_s=LIMIT_S)
