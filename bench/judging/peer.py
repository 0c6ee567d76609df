"""Fits one peer on the lines that model-prepare learned from and judges it on those it judged on, or searches its
settings on the former alone.

  peer.py fit NAME DATA.csv SCHEMA.toml SIDES.csv SETTINGS      settings as JSON
  peer.py search NAME DATA.csv SCHEMA.toml SIDES.csv PLAN       the plan as JSON, what `search` takes

Prints one JSON object.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import optuna
from sklearn import metrics
from sklearn.model_selection import KFold, StratifiedKFold

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from judging import frame, models  # noqa: E402

# Single rows that are timed; fewer where they take long.
SINGLE_ROWS, LEAST_SINGLE_ROWS, SINGLE_LIMIT_S = 200, 40, 2.0
BATCH_ROWS = 100_000


def measures(table, said):
    """How good estimates of the judged rows are, by the formulas of valuation's metrics and ratio study."""
    truth = table.truth[table.judge]
    if table.is_class:
        return {
            "AUC": metrics.roc_auc_score(truth, said),
            "log loss": metrics.log_loss(truth, said),
            "accuracy": 100 * metrics.accuracy_score(truth, said >= 0.5),
            "F1": metrics.f1_score(truth, said >= 0.5),
        }
    prices = np.exp(said)
    ratios = prices / truth
    off, level = np.abs(ratios - 1), np.median(ratios)
    return {
        "RMSLE": metrics.root_mean_squared_log_error(truth, prices),
        "MdAPE": 100 * np.median(off),
        "within 10 %": 100 * np.mean(off <= 0.1),
        "COD": 100 * np.mean(np.abs(ratios - level)) / level,
        "PRD": ratios.mean() / (prices.sum() / truth.sum()),
    }


def fit(name, table, settings):
    """The measures of the fitted peer, and the times of its fit and predictions."""
    features = models.suited(name, table)
    fitted = models.model(name, features, table, settings)
    started, processor = time.monotonic(), time.process_time()
    fitted.fit(features.iloc[table.learn], table.target[table.learn])
    # The processor time is of all threads.
    times = {"fit": time.monotonic() - started, "fit, CPU s": time.process_time() - processor}
    said, single = models.estimates(fitted, features.iloc[table.judge], table), []
    for row in table.judge[:SINGLE_ROWS]:
        if len(single) >= LEAST_SINGLE_ROWS and sum(single) > SINGLE_LIMIT_S:
            break
        one, started = features.iloc[[row]], time.perf_counter()
        models.estimates(fitted, one, table)
        single.append(time.perf_counter() - started)
    many, started = features.iloc[np.resize(table.judge, BATCH_ROWS)], time.monotonic()
    models.estimates(fitted, many, table)
    times |= {"one row": 1e6 * np.median(single), "batch": BATCH_ROWS / (time.monotonic() - started)}
    return {**measures(table, said), **times}


def loss(table, rows, said):
    """What a search goes by: the error of log prices, or the log loss."""
    if table.is_class:
        return metrics.log_loss(table.truth[rows], said, labels=[False, True])
    return metrics.root_mean_squared_error(table.target[rows], said)


def search(name, table, space, sampler, folds, seed, seconds, trials=None, judged=False):
    """The best settings of so many trials or seconds; a trial that is worse than the median of those before it goes no
    further. The rounds of boosting are the mean of what the folds stopped at. With `judged`, settings that are the best
    so far are fitted on all the lines and judged on the held-out ones; that time is not counted."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    features = models.suited(name, table)
    splitter = (StratifiedKFold if table.is_class else KFold)(folds, shuffle=True, random_state=seed)
    parts = list(splitter.split(table.learn, table.target[table.learn]))
    began, aside, course, best = time.monotonic(), 0.0, [], {}

    def objective(trial):
        nonlocal aside, best
        settings = dict(models.BY_HAND[name])
        for setting, (low, high, log) in space.items():
            draw = trial.suggest_int if isinstance(low, int) else trial.suggest_float
            settings[setting] = draw(setting, low, high, log=log)
        losses, rounds = [], []
        for number, (learn, check) in enumerate(parts):
            learn, check = table.learn[learn], table.learn[check]
            fitted, stopped = models.stopped_early(name, features, table, settings, learn, check)
            losses.append(loss(table, check, models.estimates(fitted, features.iloc[check], table)))
            rounds.append(stopped)
            trial.report(float(np.mean(losses)), number)
            if trial.should_prune():
                raise optuna.TrialPruned()
        error = float(np.mean(losses))
        if not course or error < course[-1]["error"]:
            if name in models.ROUNDS:
                settings[models.ROUNDS[name]] = max(1, round(float(np.mean(rounds))))
            course.append({"seconds": time.monotonic() - began - aside, "error": error})
            if judged:
                fitting = time.monotonic()
                course[-1]["holdout"] = fit(name, table, settings)["RMSLE"]
                aside += time.monotonic() - fitting
            best = settings
        return error

    def stop(study, _trial):
        if time.monotonic() - began - aside >= seconds:
            study.stop()

    chosen = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler}[sampler](seed=seed)
    study = optuna.create_study(sampler=chosen, pruner=optuna.pruners.MedianPruner(n_startup_trials=3))
    study.enqueue_trial({setting: models.BY_HAND[name][setting] for setting in space})
    study.optimize(objective, n_trials=trials, callbacks=[stop])
    pruned = sum(trial.state == optuna.trial.TrialState.PRUNED for trial in study.trials)
    return {"settings": best, "course": course, "trials": len(study.trials), "pruned": pruned}


def main():
    what, name, data, schema, sides, how = sys.argv[1:]
    table, how = frame.read(data, schema, sides), json.loads(how)
    found = fit(name, table, how) if what == "fit" else search(name, table, **how)
    print(json.dumps(found, default=float))


if __name__ == "__main__":
    main()
