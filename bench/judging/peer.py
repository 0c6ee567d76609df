"""Fits one peer on the lines that model-prepare learned from and judges it on those it judged on.

  peer.py NAME DATA.csv SCHEMA.toml SIDES.csv [SETTINGS as JSON]

Runs in the peers' environment; prints one JSON object.
"""

import json
import sys
import time

import numpy as np

import listings
import models

# Single rows that are timed; fewer where they take long.
SINGLE_ROWS = 200
LEAST_SINGLE_ROWS = 40
SINGLE_LIMIT_S = 2.0
BATCH_ROWS = 100_000


def measures(prices, estimates):
    """The formulas of valuation's metrics and ratio study."""
    ratios = estimates / prices
    off = np.abs(estimates - prices) / prices
    level = np.median(ratios)
    logs = np.log1p(estimates) - np.log1p(prices)
    return {
        "RMSLE": float(np.sqrt(np.mean(logs**2))),
        "MdAPE": 100 * float(np.median(off)),
        "within 10 %": 100 * float(np.mean(off <= 0.1)),
        "COD": 100 * float(np.mean(np.abs(ratios - level)) / level),
        "PRD": float(ratios.mean() / (estimates.sum() / prices.sum())),
    }


def fitted_and_timed(fitted, method, features, target, learn, judge):
    """What a model says of the rows that are judged, and the times of its fit and predictions."""
    started, processor = time.monotonic(), time.process_time()
    fitted.fit(features.iloc[learn], target[learn])
    # Of all threads.
    processor = time.process_time() - processor
    seconds = time.monotonic() - started
    predict = getattr(fitted, method)
    predicted = predict(features.iloc[judge])
    single = []
    for row in judge[:SINGLE_ROWS]:
        if len(single) >= LEAST_SINGLE_ROWS and sum(single) > SINGLE_LIMIT_S:
            break
        one = features.iloc[[row]]
        started = time.perf_counter()
        predict(one)
        single.append(time.perf_counter() - started)
    many = features.iloc[np.resize(judge, BATCH_ROWS)]
    started = time.monotonic()
    predict(many)
    batch = BATCH_ROWS / (time.monotonic() - started)
    return predicted, {"fit": seconds, "fit, CPU s": processor,
                       "one row": 1e6 * float(np.median(single)), "batch": batch}


def main():
    name, data, schema, sides, *settings = sys.argv[1:]
    settings = json.loads(settings[0]) if settings else {}
    features, prices, learn, judge, categories = listings.frame(data, schema, sides)
    features = listings.suited(name, features, categories)
    model = models.model(name, list(features.columns), categories, settings)
    logs, times = fitted_and_timed(
        model, "predict", features, listings.log_prices(prices), learn, judge)
    print(json.dumps({**measures(prices[judge], np.exp(logs)), **times}))


if __name__ == "__main__":
    main()
