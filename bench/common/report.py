"""A bench's result: rows of medians, ratios, and what was measured, as a table or as JSON."""

import json
import os
import platform
import re
import statistics
import subprocess
from pathlib import Path

from tabulate import tabulate

from common.cache import REPOSITORY


class Report:
    """Collects what was measured; the JSON's form is the same for every bench."""

    def __init__(self, bench):
        self.bench = bench
        self.rows = []
        self.ratios = {}
        # Name -> version, settings and such: enough to do it again.
        self.systems = {}
        # Name -> the reason.
        self.missing = {}
        # What went wrong: a system that lost or doubled something.
        self.wrong = []
        self.notes = []

    def row(self, system, work, metric, unit, values):
        """One number a run; `values` must not be empty."""
        self.rows.append({
            "system": system, "work": work, "metric": metric, "unit": unit, "median": statistics.median(values),
            "min": min(values), "max": max(values), "runs": len(values), "values": list(values),
        })

    def spent(self, system, work, unit, runs):
        """Rows of processor time per million of a unit, and of peak memory; `runs` are pairs of Spent and a count."""
        shares = [spent.per_million(number) for spent, number in runs]
        for metric in shares[0]:
            self.row(system, work, metric, f"s/million {unit}", [share[metric] for share in shares])
        self.row(system, work, "peak memory", "MB", [spent.peak_bytes / 1e6 for spent, _ in runs])

    def latencies(self, system, work, metric, latencies, shares=("p50", "p99")):
        """Rows of percentiles; each of `latencies` is what `percentiles` gave."""
        for share in shares:
            self.row(system, work, f"{metric} {share}", "ms", [latency[share] for latency in latencies])

    def right(self, name, work, runs):
        """The runs that count; the faults of the others are noted."""
        runs = [run for run in runs if run]
        self.wrong.extend(f"{name}, {work}: {run.wrong}" for run in runs if run.wrong)
        return [run for run in runs if not run.wrong]

    def as_json(self):
        return {**vars(self), "machine": machine(), "commit": commit()}

    def print(self, as_json):
        """Prints the result on standard output."""
        if as_json:
            print(json.dumps(self.as_json(), indent=1))
            return
        print(f"\nbench/{self.bench}\n")
        self.print_rows()
        self.print_details()

    def print_rows(self):
        """Prints a table of all rows."""
        head = ["system", "work", "metric", "unit", "median", "min", "max"]
        print_table(head, [[*(row[key] for key in head[:4]), *(figure(row[key], row["unit"]) for key in head[4:])]
                            for row in self.rows], left=4)

    def print_wide(self, keys, units):
        """Prints a table with a column for each metric, of those that have all; `keys` are the first columns."""
        found = {}
        for row in self.rows:
            found.setdefault(tuple(row[key] for key in keys), {})[row["metric"]] = figure(row["median"], row["unit"])
        body = [[*names, *(metrics.get(metric, "") for metric in units)] for names, metrics in found.items()
                if next(iter(units)) in metrics]
        heads = [f"{metric}, {unit}" if unit else metric for metric, unit in units.items()]
        print_table([*keys, *heads], body, left=len(keys))

    def print_details(self):
        """Prints ratios, systems, what is missing or wrong, notes and the machine."""
        for name, ratio in self.ratios.items():
            print(f"{name}: {ratio:.3f}")
        for name, system in self.systems.items():
            print(f"{name}: {system.get('version', '')}")
            for key, value in system.items():
                if key != "version":
                    print(f"    {key}: {_setting(value)}")
        for name, reason in self.missing.items():
            print(f"MISSING {name}: {reason}")
        for wrong in self.wrong:
            print(f"WRONG {wrong}")
        for note in self.notes:
            print(f"note: {note}")
        here = machine()
        print(f"\n{here['processor']}, {here['cores']} cores, {here['memory_gib']} GiB, {here['system']};"
              f" commit {commit()}", flush=True)


def print_table(head, body, left):
    """Prints a table, if it has rows; all but the first columns are aligned to the right."""
    if body:
        sides = ["left"] * left + ["right"] * (len(head) - left)
        print(tabulate(body, head, disable_numparse=True, colalign=sides), end="\n\n")


def figure(value, unit):
    """Three digits that count, and thousands apart; four after the point where there is no unit."""
    size = abs(value)
    if size >= 100 or value == int(value):
        return f"{value:,.0f}"
    if not unit:
        return f"{value:.4f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.3g}" if size < 1 else f"{value:.2f}"


def _setting(value):
    if isinstance(value, dict):
        return ", ".join(f"{name}={_setting(one)}" for name, one in value.items())
    return str(value)


def machine():
    """What a result was measured on."""
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "processor": found[1] if found else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
    }


def commit():
    """The commit that is checked out, with `+` where the tree has changes; None without git."""
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
