"""Fits one peer on the lines that model-prepare learned from and judges it on those it judged on, or searches its
settings on the former alone.

  peer.py fit NAME DATA.csv SCHEMA.toml SIDES.csv PLAN          the plan as JSON, what `fit` takes
  peer.py search NAME DATA.csv SCHEMA.toml SIDES.csv PLAN       the same for `search`

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
from judging import frame, measures, models  # noqa: E402

# Single rows that are timed; fewer where they take long.
SINGLE_ROWS, LEAST_SINGLE_ROWS, SINGLE_LIMIT_S = 200, 40, 2.0
BATCH_ROWS = 100_000


def fit(name, table, settings, timed=True):
    """The measures of the fitted peer, and the times of its fit and, with `timed`, of predictions."""
    features = models.suited(name, table)
    fitted = models.model(name, features, table, settings)
    started, processor = time.monotonic(), time.process_time()
    fitted.fit(features.iloc[table.learn], table.target[table.learn])
    # The processor time is of all threads.
    times = {"fit": time.monotonic() - started, "fit, CPU s": time.process_time() - processor}
    found = {**measures.of(table, models.estimates(fitted, features.iloc[table.judge], table)), **times}
    return {**found, **_speed(fitted, features, table)} if timed else found


def _speed(fitted, features, table):
    single = []
    for row in table.judge[:SINGLE_ROWS]:
        if len(single) >= LEAST_SINGLE_ROWS and sum(single) > SINGLE_LIMIT_S:
            break
        one, started = features.iloc[[row]], time.perf_counter()
        models.estimates(fitted, one, table)
        single.append(time.perf_counter() - started)
    many, started = features.iloc[np.resize(table.judge, BATCH_ROWS)], time.monotonic()
    models.estimates(fitted, many, table)
    return {"one row": 1e6 * np.median(single), "batch": BATCH_ROWS / (time.monotonic() - started)}


def loss(table, rows, said):
    """What a search goes by: the error of log prices, or the log loss."""
    if table.is_class:
        return metrics.log_loss(table.truth[rows], said, labels=[False, True])
    return metrics.root_mean_squared_error(table.target[rows], said)


def search(name, table, space, sampler, folds, seed, seconds, trials=None, judged=False, clock="monotonic"):
    """The best settings of so many trials, or of seconds by a clock of `time`; a trial that is worse than the median of those before it goes no
    further. The rounds of boosting are the mean of what the folds stopped at. With `judged`, settings that are the best
    so far are fitted on all the lines and judged on the held-out ones; that time is not counted."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    features = models.suited(name, table)
    splitter = (StratifiedKFold if table.is_class else KFold)(folds, shuffle=True, random_state=seed)
    parts = list(splitter.split(table.learn, table.target[table.learn]))
    now = getattr(time, clock)
    began, aside, course, best = now(), 0.0, [], {}

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
            course.append({"seconds": now() - began - aside, "error": error})
            if judged:
                fitting = now()
                course[-1]["holdout"] = fit(name, table, settings, timed=False)["RMSLE"]
                aside += now() - fitting
            best = settings
        return error

    def stop(study, _trial):
        if now() - began - aside >= seconds:
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
    found = {"fit": fit, "search": search}[what](name, table, **how)
    print(json.dumps(found, default=float))


if __name__ == "__main__":
    main()
