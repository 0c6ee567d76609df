"""A bench's result: rows of medians, ratios, and what was measured, as a table or as JSON."""

import json
import statistics
import sys

from common.machine import commit, machine


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
            "system": system,
            "work": work,
            "metric": metric,
            "unit": unit,
            "median": statistics.median(values),
            "min": min(values),
            "max": max(values),
            "runs": len(values),
            "values": list(values),
        })

    def latencies(self, system, work, metric, latencies, shares=("p50", "p99")):
        """Rows of percentiles; each of `latencies` is what the load generator measured."""
        for share in shares:
            self.row(system, work, f"{metric} {share}", "ms",
                     [latency[f"{share}_ms"] for latency in latencies])

    def right(self, name, work, runs):
        """The runs that count; the faults of the others are noted."""
        runs = [run for run in runs if run]
        self.wrong.extend(f"{name}, {work}: {run.wrong}" for run in runs if run.wrong)
        return [run for run in runs if not run.wrong]

    def as_json(self):
        return {
            "bench": self.bench,
            "machine": machine(),
            "commit": commit(),
            "rows": self.rows,
            "ratios": self.ratios,
            "systems": self.systems,
            "missing": self.missing,
            "wrong": self.wrong,
            "notes": self.notes,
        }

    def print(self, as_json, file=sys.stdout):
        if as_json:
            print(json.dumps(self.as_json(), ensure_ascii=False), file=file, flush=True)
            return
        self.print_rows(file)
        self.print_details(file)

    def print_rows(self, file):
        head = ["system", "work", "metric", "median", "min", "max", "unit", "runs"]
        body = [
            [row["system"], row["work"], row["metric"], figure(row["median"]), figure(row["min"]),
             figure(row["max"]), row["unit"], str(row["runs"])]
            for row in self.rows
        ]
        for line in table(head, body, right={3, 4, 5, 7}):
            print(line, file=file)

    def print_details(self, file):
        """Prints ratios, systems, what is missing or wrong, notes and the machine."""
        for name, ratio in self.ratios.items():
            print(f"{name}: {ratio:.2f}", file=file)
        if self.ratios:
            print(file=file)
        for name, system in self.systems.items():
            print(f"{name}: {system.get('version', '')}", file=file)
            for key, value in system.items():
                if key != "version":
                    print(f"    {key}: {_setting(value)}", file=file)
        for name, reason in self.missing.items():
            print(f"MISSING {name}: {reason}", file=file)
        for wrong in self.wrong:
            print(f"WRONG {wrong}", file=file)
        for note in self.notes:
            print(f"note: {note}", file=file)
        here = machine()
        print(
            f"\n{here['processor']}, {here['cores']} cores, {here['memory_gib']} GiB, "
            f"{here['system']}; commit {commit()}",
            file=file, flush=True,
        )


def table(head, body, right=()):
    """Lines of a table; columns in `right` are aligned to the right."""
    widths = [max(len(row[i]) for row in [head, *body]) for i in range(len(head))]

    def line(cells):
        padded = (
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(cells, widths))
        )
        return "  ".join(padded).rstrip()

    return [line(head), "  ".join("-" * width for width in widths), *map(line, body), ""]


def figure(value):
    """Three digits that count, and thousands apart."""
    size = abs(value)
    if size >= 100 or value == int(value):
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.3g}" if size < 1 else f"{value:.2f}"


def _setting(value):
    if isinstance(value, dict):
        return ", ".join(f"{name}={_setting(one)}" for name, one in value.items())
    return str(value)
