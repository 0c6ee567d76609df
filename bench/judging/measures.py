"""How good estimates and prediction intervals are, for ours and the peers alike."""

import numpy as np
import pandas as pd
from scipy import stats
from sklearn import metrics

# Fewest judged rows of a tenth or segment whose coverage counts, and most values of a number that makes segments.
SEGMENT_ROWS = 200
SEGMENT_VALUES = 12


def of(table, said):
    """The measures of all judged rows, and the error of those that are no copies if there are copies."""
    found = _of(table, said, np.full(len(said), True))
    if table.copied.any():
        alone = _of(table, said, ~table.copied)
        found |= {f"{measure}, no copies": alone[measure] for measure in ("RMSLE", "AUC") if measure in alone}
    return found


def _of(table, said, rows):
    """By the formulas of valuation's metrics and ratio study."""
    truth, said = table.truth[table.judge][rows], said[rows]
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


def covered(table, told):
    """Of each judged row, whether its interval has the price, and the tenth and the segments that it is of; `told` are
    model-prepare's predictions of these rows."""
    features = table.features.iloc[table.judge]
    few = [column for column in features if column not in table.categories
           and table.features[column].nunique() <= SEGMENT_VALUES]
    rows = features[[*table.categories, *few]].astype(str).reset_index(drop=True)
    truth = table.truth[table.judge]
    return rows.assign(tenth=pd.qcut(told["value"].rank(method="first"), 10, labels=False).to_numpy(),
                       covered=(told["low"].to_numpy() <= truth) & (truth <= told["high"].to_numpy()))


def coverage(seeds, nominal):
    """Coverage in percent of the rows of all seeds together; that of the tenth of the estimate and of the segment
    (level of a category, value of a number with few) that are furthest from the nominal one."""
    rows = pd.concat(seeds)
    found = {"coverage": 100 * rows["covered"].mean()}
    for name, columns in (("worst tenth", ["tenth"]), ("worst segment", rows.columns.difference(["tenth", "covered"]))):
        shares = [share for column in columns for share, count in
                  rows.groupby(column)["covered"].agg(["mean", "size"]).itertuples(index=False) if count >= SEGMENT_ROWS]
        if shares:
            found[name] = 100 * max(shares, key=lambda share: abs(share - nominal))
    return found


def mean_ratio(ratios):
    """The geometric mean of the ratios of several sets, and the ends of its 95 % interval: Student's, of logarithms."""
    logs = np.log(ratios)
    return np.exp([np.mean(logs), *stats.ttest_1samp(logs, 0).confidence_interval()]).tolist()
