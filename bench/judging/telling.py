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
import models
from peer import fitted_and_timed

FOLDS = 3


def classes(schema, target):
    with open(schema, "rb") as file:
        described = tomllib.load(file)
    return pd.Series(target).ge(described["class"]["at_least"]).to_numpy()


def out_of_fold(name, settings, features, truth, categories, seed):
    """The log loss of rows that were not seen."""
    predicted = np.zeros(len(truth))
    for learn, check in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(features, truth):
        fitted = models.model(name, list(features.columns), categories, settings, "Classifier")
        fitted.fit(features.iloc[learn], truth[learn])
        predicted[check] = fitted.predict_proba(features.iloc[check])[:, 1]
    return metrics.log_loss(truth, predicted)


def searched(name, features, truth, categories, trials, seed, limit_s):
    """The best settings, and how many were tried."""
    chance = random.Random(seed)
    started = time.monotonic()
    found = []
    while len(found) < trials and (not found or time.monotonic() - started < limit_s):
        settings = models.CLASS_BY_HAND[name]
        if found:
            settings = models.drawn(name, chance, models.CLASS_BY_HAND, models.CLASS_SPACES)
        loss = out_of_fold(name, settings, features, truth, categories, seed)
        found.append((loss, len(found), settings))
    return min(found)[2], len(found)


def main():
    name, data, schema, sides, trials, seed, limit_s = sys.argv[1:]
    features, target, learn, judge, categories = listings.frame(data, schema, sides)
    features = listings.suited(name, features, categories)
    truth = classes(schema, target)
    settings, tried = {}, 0
    if name in models.CLASS_BY_HAND:
        settings, tried = searched(name, features.iloc[learn], truth[learn], categories, int(trials),
                                   int(seed), float(limit_s))
    model = models.model(name, list(features.columns), categories, settings, "Classifier")
    predicted, times = fitted_and_timed(
        model, "predict_proba", features, truth, learn, judge)
    predicted, expected = predicted[:, 1], truth[judge]
    print(json.dumps({
        "metrics": {
            "AUC": float(metrics.roc_auc_score(expected, predicted)),
            "log loss": float(metrics.log_loss(expected, predicted)),
            "accuracy": 100 * float(metrics.accuracy_score(expected, predicted >= 0.5)),
            "F1": float(metrics.f1_score(expected, predicted >= 0.5)),
            **times,
        },
        "settings": settings,
        "trials": tried,
    }))


if __name__ == "__main__":
    main()
