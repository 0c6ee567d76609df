//! The report of a fit, by the task of the schema.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::classification::ClassReport;
use crate::clustering::ClusterReport;
use crate::metrics::JudgedRow;
use crate::multiclass::MulticlassReport;
use crate::report::Report;
use crate::uninformative::Dropped;

/// Median absolute percentage errors below this are no estimate's: a field contains the price.
const LEAST_MDAPE: f64 = 1e-3;
/// So are shares of the variance above this.
const MOST_R2: f64 = 0.999;
/// The rules of a clustering, which removes nothing.
static NOTHING_REMOVED: BTreeMap<String, usize> = BTreeMap::new();

/// The report of a fit, by the task of the schema.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum FitReport {
    /// Of a regression: prices and counts.
    Price(Box<Report>),
    /// Of a classification of one class.
    Class(Box<ClassReport>),
    /// Of a classification whose classes are the levels of the target.
    Multiclass(Box<MulticlassReport>),
    /// Of a clustering: nothing is held out, as nothing is known to be right.
    Clusters(Box<ClusterReport>),
}

impl FitReport {
    /// The report of a regression.
    pub fn price(&self) -> Option<&Report> {
        match self {
            FitReport::Price(report) => Some(report),
            FitReport::Class(_) | FitReport::Multiclass(_) | FitReport::Clusters(_) => None,
        }
    }

    /// The report of a classification of one class.
    pub fn class(&self) -> Option<&ClassReport> {
        match self {
            FitReport::Class(report) => Some(report),
            FitReport::Price(_) | FitReport::Multiclass(_) | FitReport::Clusters(_) => None,
        }
    }

    /// The report of a classification of several classes.
    pub fn multiclass(&self) -> Option<&MulticlassReport> {
        match self {
            FitReport::Multiclass(report) => Some(report),
            FitReport::Price(_) | FitReport::Class(_) | FitReport::Clusters(_) => None,
        }
    }

    /// The report of a clustering.
    pub fn clusters(&self) -> Option<&ClusterReport> {
        match self {
            FitReport::Clusters(report) => Some(report),
            FitReport::Price(_) | FitReport::Class(_) | FitReport::Multiclass(_) => None,
        }
    }

    /// Records given.
    pub fn rows(&self) -> usize {
        match self {
            FitReport::Price(report) => report.rows,
            FitReport::Class(report) => report.rows,
            FitReport::Multiclass(report) => report.rows,
            FitReport::Clusters(report) => report.rows,
        }
    }

    /// Records that the judged model was fitted on; all of a clustering.
    pub fn train_rows(&self) -> usize {
        match self {
            FitReport::Price(report) => report.train_rows,
            FitReport::Class(report) => report.train_rows,
            FitReport::Multiclass(report) => report.train_rows,
            FitReport::Clusters(report) => report.rows,
        }
    }

    /// Records of the hold-out; 0 of a clustering.
    pub fn holdout_rows(&self) -> usize {
        match self {
            FitReport::Price(report) => report.holdout_rows,
            FitReport::Class(report) => report.holdout_rows,
            FitReport::Multiclass(report) => report.holdout_rows,
            FitReport::Clusters(_) => 0,
        }
    }

    /// Records of the hold-out that stand among the training rows too.
    pub fn holdout_copies(&self) -> usize {
        match self {
            FitReport::Price(report) => report.holdout_copies,
            FitReport::Class(report) => report.holdout_copies,
            FitReport::Multiclass(report) => report.holdout_copies,
            FitReport::Clusters(_) => 0,
        }
    }

    /// Records not learned from, by rule.
    pub fn removed(&self) -> &BTreeMap<String, usize> {
        match self {
            FitReport::Price(report) => &report.removed,
            FitReport::Class(report) => &report.removed,
            FitReport::Multiclass(report) => &report.removed,
            FitReport::Clusters(_) => &NOTHING_REMOVED,
        }
    }

    /// Fields not learned from, with the reason.
    pub fn dropped(&self) -> &[Dropped] {
        match self {
            FitReport::Price(report) => &report.dropped,
            FitReport::Class(report) => &report.dropped,
            FitReport::Multiclass(report) => &report.dropped,
            FitReport::Clusters(report) => &report.dropped,
        }
    }

    /// The hold-out, row by row; empty of a clustering.
    pub fn judged(&self) -> &[JudgedRow] {
        match self {
            FitReport::Price(report) => &report.judged,
            FitReport::Class(report) => &report.judged,
            FitReport::Multiclass(report) => &report.judged,
            FitReport::Clusters(_) => &[],
        }
    }

    /// How many times as wide the kept model's prediction intervals are as those that were judged.
    pub fn widened(&self) -> f64 {
        self.price().map_or(1.0, |report| report.widened)
    }

    /// How long the fit took.
    pub fn fit_seconds(&self) -> f64 {
        match self {
            FitReport::Price(report) => report.fit_seconds,
            FitReport::Class(report) => report.fit_seconds,
            FitReport::Multiclass(report) => report.fit_seconds,
            FitReport::Clusters(report) => report.fit_seconds,
        }
    }

    /// Why the model is not worth having, in words: it does not beat its baseline on the hold-out, by either of
    /// two measures. None where it does, and of clusterings, which have no baseline.
    pub fn loses_to_baseline(&self) -> Option<String> {
        match self {
            FitReport::Price(report) => {
                let (model, baseline) = (&report.model, &report.baseline);
                let loses = model.rmsle >= baseline.rmsle && model.mdape >= baseline.mdape;
                loses.then(|| {
                    format!(
                        "on the hold-out of {} rows the model does not beat its baseline ({}): RMSLE {:.4} and \
                         {:.4}, median error {:.1} % and {:.1} %",
                        model.rows,
                        report.baseline_name,
                        model.rmsle,
                        baseline.rmsle,
                        100.0 * model.mdape,
                        100.0 * baseline.mdape
                    )
                })
            }
            FitReport::Class(report) => {
                let (model, baseline) = (&report.model, &report.baseline);
                let loses = model.log_loss >= baseline.log_loss && model.auc.value <= 0.5;
                loses.then(|| {
                    format!(
                        "on the hold-out of {} rows the model does not beat its baseline (the share of the class): \
                         log loss {:.4} and {:.4}, AUC {:.3}",
                        report.holdout_rows, model.log_loss, baseline.log_loss, model.auc.value
                    )
                })
            }
            FitReport::Multiclass(report) => {
                let (model, baseline) = (&report.model, &report.baseline);
                let loses =
                    model.log_loss >= baseline.log_loss && model.accuracy <= baseline.accuracy;
                loses.then(|| {
                    format!(
                        "on the hold-out of {} rows the model does not beat its baseline (the shares of the classes): \
                         log loss {:.4} and {:.4}, accuracy {:.1} % and {:.1} %",
                        report.holdout_rows,
                        model.log_loss,
                        baseline.log_loss,
                        100.0 * model.accuracy,
                        100.0 * baseline.accuracy
                    )
                })
            }
            FitReport::Clusters(_) => None,
        }
    }

    /// Whether the hold-out was predicted better than prices can be: half of them within a thousandth, or all but
    /// a thousandth of their variance. A field then contains the price.
    pub fn is_too_good(&self) -> bool {
        self.price()
            .is_some_and(|report| report.model.mdape < LEAST_MDAPE || report.model.r2 > MOST_R2)
    }
}
