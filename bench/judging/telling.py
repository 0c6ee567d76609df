"""Fits one peer that tells classes on the lines that model-prepare learned from, and judges it on those
it judged on; a name that ends in `-tuned` has its settings searched before, on the former alone.

  telling.py NAME DATA.csv SCHEMA.toml SIDES.csv TRIALS SEED LIMIT_S

The search is the same for all: settings chosen by hand first, then such that are drawn at random, rounds
among them, each judged by the log loss of three folds. Runs in the peers' environment; prints one JSON
object.
"""

import json
import random
import sys
import time
import tomllib

import numpy as np
import pandas as pd
from sklearn import metrics
from sklearn.model_selection import StratifiedKFold

import listings
import telling_models
from peer import BATCH_ROWS, LEAST_SINGLE_ROWS, SINGLE_LIMIT_S, SINGLE_ROWS

FOLDS = 3


def classes(schema, target):
    """Which targets are of the schema's class."""
    with open(schema, "rb") as file:
        described = tomllib.load(file)
    return pd.Series(target).ge(described["class"]["at_least"]).to_numpy()


def out_of_fold(name, settings, features, own, categories, seed):
    """The log loss of rows that were not seen."""
    said = np.zeros(len(own))
    for learn, check in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(features, own):
        fitted = telling_models.model(name, list(features.columns), categories, settings)
        fitted.fit(features.iloc[learn], own[learn])
        said[check] = fitted.predict_proba(features.iloc[check])[:, 1]
    return metrics.log_loss(own, said)


def searched(name, features, own, categories, trials, seed, limit_s):
    """The best settings, and how many were tried."""
    chance = random.Random(seed)
    started = time.monotonic()
    found = []
    while len(found) < trials and (not found or time.monotonic() - started < limit_s):
        settings = telling_models.drawn(name, chance) if found else telling_models.BY_HAND[name]
        loss = out_of_fold(name, settings, features, own, categories, seed)
        found.append((loss, len(found), settings))
    return min(found)[2], len(found)


def main():
    name, data, schema, sides, trials, seed, limit_s = sys.argv[1:]
    features, target, learn, judge, categories = listings.frame(data, schema, sides)
    features = listings.suited(name, features, categories)
    own = classes(schema, target)
    settings, tried = {}, 0
    if name in telling_models.BY_HAND:
        settings, tried = searched(name, features.iloc[learn], own[learn], categories, int(trials),
                                   int(seed), float(limit_s))
    fitted = telling_models.model(name, list(features.columns), categories, settings)
    started = time.monotonic()
    fitted.fit(features.iloc[learn], own[learn])
    seconds = time.monotonic() - started
    said = fitted.predict_proba(features.iloc[judge])[:, 1]
    truth = own[judge]
    single = []
    for row in judge[:SINGLE_ROWS]:
        if len(single) >= LEAST_SINGLE_ROWS and sum(single) > SINGLE_LIMIT_S:
            break
        one = features.iloc[[row]]
        started = time.perf_counter()
        fitted.predict_proba(one)
        single.append(time.perf_counter() - started)
    many = features.iloc[np.resize(judge, BATCH_ROWS)]
    started = time.monotonic()
    fitted.predict_proba(many)
    batch = BATCH_ROWS / (time.monotonic() - started)
    print(json.dumps({
        "metrics": {
            "AUC": float(metrics.roc_auc_score(truth, said)),
            "log loss": float(metrics.log_loss(truth, said)),
            "accuracy": 100 * float(metrics.accuracy_score(truth, said >= 0.5)),
            "F1": float(metrics.f1_score(truth, said >= 0.5)),
            "fit": seconds,
            "one row": 1e6 * float(np.median(single)),
            "batch": batch,
        },
        "settings": settings,
        "trials": tried,
    }))


if __name__ == "__main__":
    main()
