//! The report of a fit, by the task of the schema.

use std::collections::BTreeMap;

use serde::Serialize;
use valuation::{ClassReport, Dropped, JudgedRow, Report};

use crate::numbers::amount;

/// The report of a fit.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum FitReport {
    /// Of prices.
    Price(Box<Report>),
    /// Of a class.
    Class(Box<ClassReport>),
}

impl FitReport {
    /// The report of a regression.
    pub fn price(&self) -> Option<&Report> {
        match self {
            FitReport::Price(report) => Some(report),
            FitReport::Class(_) => None,
        }
    }

    /// The report of a classification.
    pub fn class(&self) -> Option<&ClassReport> {
        match self {
            FitReport::Class(report) => Some(report),
            FitReport::Price(_) => None,
        }
    }

    /// Records given.
    pub fn rows(&self) -> usize {
        match self {
            FitReport::Price(report) => report.rows,
            FitReport::Class(report) => report.rows,
        }
    }

    /// Records that the judged model was fitted on.
    pub fn train_rows(&self) -> usize {
        match self {
            FitReport::Price(report) => report.train_rows,
            FitReport::Class(report) => report.train_rows,
        }
    }

    /// Records that it was judged on.
    pub fn holdout_rows(&self) -> usize {
        match self {
            FitReport::Price(report) => report.holdout_rows,
            FitReport::Class(report) => report.holdout_rows,
        }
    }

    /// Records not learned from, by rule.
    pub fn removed(&self) -> &BTreeMap<String, usize> {
        match self {
            FitReport::Price(report) => &report.removed,
            FitReport::Class(report) => &report.removed,
        }
    }

    /// Fields not learned from.
    pub fn dropped(&self) -> &[Dropped] {
        match self {
            FitReport::Price(report) => &report.dropped,
            FitReport::Class(report) => &report.dropped,
        }
    }

    /// Records judged on that stand among those learned from too.
    pub fn holdout_copies(&self) -> usize {
        match self {
            FitReport::Price(report) => report.holdout_copies,
            FitReport::Class(report) => report.holdout_copies,
        }
    }

    /// The predictions of the hold-out.
    pub fn judged(&self) -> &[JudgedRow] {
        match self {
            FitReport::Price(report) => &report.judged,
            FitReport::Class(report) => &report.judged,
        }
    }

    /// How much wider the kept model's ranges are than those that were judged.
    pub fn widened(&self) -> f64 {
        self.price().map_or(1.0, |report| report.widened)
    }

    /// How long the fit took.
    pub fn fit_seconds(&self) -> f64 {
        match self {
            FitReport::Price(report) => report.fit_seconds,
            FitReport::Class(report) => report.fit_seconds,
        }
    }

    /// How good it is, in a sentence beside what it has to beat.
    pub fn message(&self) -> String {
        match self {
            FitReport::Price(report) => format!(
                "median absolute error on the hold-out: {:.1} % ({}: {:.1} %)",
                report.model.mdape * 100.0,
                report.baseline_name,
                report.baseline.mdape * 100.0
            ),
            FitReport::Class(report) => format!(
                "hold-out AUC {:.4}, log loss {} (constant probability of {:.0} %: {})",
                report.model.auc.value,
                amount(report.model.log_loss),
                report.base_rate * 100.0,
                amount(report.baseline.log_loss)
            ),
        }
    }
}
