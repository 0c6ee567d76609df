"""One fit of LightGBM on four fifths, and its RMSLE on the newest fifth: lightgbm_fit.py FILE SCHEMA.toml SETTINGS."""

import json
import sys
import tomllib
from pathlib import Path

import lightgbm
import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

HOLDOUT = 0.2


def matrix(table, fields):
    """The fields as 32-bit floats, categories as numbers of their own, and which of them are categories."""
    out, categories = np.empty((table.num_rows, len(fields)), np.float32), []
    for at, field in enumerate(fields):
        column = table.column(field["name"])
        if field["kind"] == "category":
            column = column.combine_chunks().dictionary_encode().indices
            categories.append(at)
        out[:, at] = column.cast(pa.float32()).to_numpy(zero_copy_only=False)
    return out, categories


def main(file, schema, settings):
    schema = tomllib.loads(Path(schema).read_text())
    roles = {schema["key"], schema["time"], schema["target"]}
    table = csv.read_csv(file) if file.endswith(".csv") else parquet.read_table(file)
    prices = table.column(schema["target"]).to_numpy()
    order = np.argsort(table.column(schema["time"]).cast(pa.int64()).to_numpy(), kind="stable")
    values, categories = matrix(table, [field for field in schema["field"] if field["name"] not in roles])
    del table
    learn, judge = np.split(order, [int(len(order) * (1 - HOLDOUT))])
    model = lightgbm.LGBMRegressor(**json.loads(settings), subsample_freq=1, verbose=-1, random_state=0)
    model.fit(values[learn], np.log(prices[learn]), categorical_feature=categories)
    logs = np.log1p(np.exp(model.predict(values[judge]))) - np.log1p(prices[judge])
    print(json.dumps({"rmsle": float(np.sqrt(np.mean(logs**2)))}))


if __name__ == "__main__":
    main(*sys.argv[1:])
