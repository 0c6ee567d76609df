"""XGBoost reads an exported member and predicts what ours did.

  model-prepare export --model DIR --format xgboost --to boosted.json --rows-of RECORDS.csv
  python read_by_xgboost.py boosted.json boosted.rows.csv

Fails where a value differs by more than 1e-4 of the logarithm of a price: XGBoost adds in f32.
"""

import sys

import numpy as np
import pandas as pd
import xgboost


def main():
    model, rows = sys.argv[1:]
    booster = xgboost.Booster(model_file=model)
    table = pd.read_csv(rows)
    expected = table.pop("expected").to_numpy()
    matrix = xgboost.DMatrix(table.to_numpy(np.float32), feature_names=booster.feature_names,
                             feature_types=booster.feature_types, enable_categorical=True)
    off = float(np.max(np.abs(booster.predict(matrix) - expected)))
    print(f"{len(table)} rows, {booster.num_boosted_rounds()} trees: off by {off:.2e} at most")
    return 0 if off < 1e-4 else 1


if __name__ == "__main__":
    sys.exit(main())
