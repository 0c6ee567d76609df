"""Searches LightGBM's settings with Optuna on the lines that are learned from.

  optuna_lightgbm.py DATA.csv SCHEMA.toml SIDES.csv SECONDS SEED THREADS

The usual way: Optuna's TPE, a median pruner that looks at the folds one by one, five folds, boosting
stopped early. Whenever a trial is the best so far, its settings are fitted on all the lines and judged
on the held-out ones; that time is not counted. Runs in the peers' environment; prints one JSON object.
"""

import json
import sys
import time
from pathlib import Path

import lightgbm
import numpy as np
import optuna

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "judging"))
import listings  # noqa: E402

FOLDS = 5
MOST_ROUNDS = 3000
PATIENCE = 50


def main():
    data, schema, sides, seconds, seed, threads = sys.argv[1:]
    seconds, seed, threads = float(seconds), int(seed), int(threads)
    features, prices, learn, judge, _ = listings.frame(data, schema, sides)
    logs = listings.log_prices(prices)
    rows, target = features.iloc[learn], logs[learn]
    fold = np.random.default_rng(seed).permutation(len(rows)) % FOLDS
    aside, began, best, course = 0.0, time.monotonic(), None, []

    def settings(trial):
        return {
            "objective": "regression",
            "verbosity": -1,
            "num_threads": threads,
            "seed": seed,
            "deterministic": True,
            "bagging_freq": 1,
            "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 8, 128, log=True),
            "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 1, 40, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.3, 1.0),
            "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
            "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 20.0, log=True),
        }

    def objective(trial):
        nonlocal aside, best
        chosen = settings(trial)
        squares, rounds = 0.0, []
        for index in range(FOLDS):
            held = np.flatnonzero(fold == index)
            rest = np.flatnonzero(fold != index)
            train = lightgbm.Dataset(rows.iloc[rest], target[rest])
            check = lightgbm.Dataset(rows.iloc[held], target[held], reference=train)
            booster = lightgbm.train(
                chosen, train, MOST_ROUNDS, valid_sets=[check],
                callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)])
            off = target[held] - booster.predict(rows.iloc[held])
            squares += float(np.sum(off**2))
            rounds.append(booster.best_iteration)
            done = int(np.sum(fold <= index))
            trial.report((squares / done) ** 0.5, index)
            if trial.should_prune():
                raise optuna.TrialPruned()
        error = (squares / len(rows)) ** 0.5
        if best is None or error < best:
            best = error
            at = time.monotonic() - began - aside
            fitting = time.monotonic()
            whole = lightgbm.train(chosen, lightgbm.Dataset(rows, target),
                                   max(1, round(float(np.mean(rounds)))))
            # RMSLE, as valuation's metrics have it.
            off = np.log1p(prices[judge]) - np.log1p(np.exp(whole.predict(features.iloc[judge])))
            held_out = float(np.sqrt(np.mean(off**2)))
            aside += time.monotonic() - fitting
            course.append({"seconds": at, "error": error, "holdout": held_out})
        return error

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed),
                                pruner=optuna.pruners.MedianPruner(n_startup_trials=5))

    def stop(study, _):
        if time.monotonic() - began - aside >= seconds:
            study.stop()

    study.optimize(objective, callbacks=[stop])
    pruned = sum(own.state.name == "PRUNED" for own in study.trials)
    print(json.dumps({"course": course, "trials": len(study.trials), "pruned": pruned}))


if __name__ == "__main__":
    main()
