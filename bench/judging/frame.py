"""A set as the peers read it: the same lines, columns and target as model-prepare."""

import csv
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

_BOOLEANS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "yes": 1.0, "no": 0.0}


@dataclass
class Table:
    features: pd.DataFrame
    # Names of the features that are categories.
    categories: list
    # Prices, or whether the target is of the class.
    truth: np.ndarray
    is_class: bool
    # Places of the rows to learn from and to judge on.
    learn: np.ndarray
    judge: np.ndarray
    # Of each judged row, whether a row to learn from has the same features (but for the time) and target.
    copied: np.ndarray

    @property
    def target(self):
        """What is learned: the logarithm of the price, or the class."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.truth if self.is_class else np.log(self.truth)


def schema_of(file):
    """A schema as its file has it."""
    return tomllib.loads(Path(file).read_text(encoding="utf-8"))


def read(data, schema, sides):
    """The table of a set; `sides` is what model-prepare writes with --predictions.

    As in ours, what the cleaning rules look at is learned from too: they are part of ours, and a peer that wants rules
    brings its own. Times become days, as a peer's user would make them.
    """
    described = schema_of(schema)
    cells, lines = _cells(data)
    features, categories, truth = {}, [], None
    for field in described["field"]:
        name, kind = field["name"], field["kind"]
        header = field.get("column", name)
        if header not in cells or name == described.get("key"):
            continue
        column = cells[header].str.strip().replace("", None)
        if name == described["target"]:
            truth = pd.to_numeric(column).to_numpy(float)
        elif kind == "timestamp":
            times = pd.to_datetime(column, format="mixed", utc=True)
            features[name] = (times - pd.Timestamp("1970-01-01", tz="UTC")).dt.days.astype(float)
        elif kind == "category":
            features[name] = column.fillna("(none)").astype("category")
            categories.append(name)
        elif kind == "boolean":
            features[name] = column.str.lower().map(_BOOLEANS)
        elif kind in ("number", "integer"):
            features[name] = pd.to_numeric(column).astype(float)
    features = pd.DataFrame(features)
    side = pd.read_csv(sides)
    learn, judge = (np.searchsorted(lines, side["line"][side["side"] == one]) for one in ("train", "test"))
    untimed = features.drop(columns=described.get("time", ""), errors="ignore").assign(**{"": truth})
    marks = pd.util.hash_pandas_object(untimed, index=False).to_numpy()
    is_class = "class" in described
    if is_class:
        truth = truth >= described["class"]["at_least"]
    return Table(features, categories, truth, is_class, learn, judge, np.isin(marks[judge], marks[learn]))


def _cells(data):
    """The records as texts, and the line on which each begins: model-prepare names rows by these."""
    with open(data, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, skipinitialspace=True)
        header, lines, records = next(reader), [], []
        end = reader.line_num
        for record in reader:
            if record:
                lines.append(end + 1)
                records.append(record)
            end = reader.line_num
    return pd.DataFrame(records, columns=header), np.array(lines)
