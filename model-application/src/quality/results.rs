//! What one round of quality comes to.

use serde::Serialize;
use valuation::Drift;

use super::adapted::Adapted;
use super::figures::Figures;

/// The live quality of a group of answers.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Group {
    pub window: String,
    pub model: String,
    /// `None` for all of the model's.
    pub segment: Option<String>,
    /// Answers given in the window.
    pub answers: i64,
    /// Those whose price is known.
    pub labelled: usize,
    pub label_coverage: f64,
    /// Median time from an answer to its price.
    pub label_delay_s: Option<f64>,
    /// `None` for fewer known prices than `quality.min_count`: they show nothing yet.
    pub figures: Option<Figures>,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub too_few: Option<String>,
}

/// How far requests have moved from the training of the model that answers.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Moved {
    pub window: String,
    pub model: String,
    pub rows: u64,
    pub fields: Vec<Drift>,
}

/// One round's results.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Quality {
    pub computed_at: Option<String>,
    pub groups: Vec<Group>,
    pub drift: Vec<Moved>,
    /// The factor on intervals of the model that answers, where `applier.adaptive_intervals` is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adaptive_intervals: Option<Adapted>,
    /// Median absolute percentage error to expect of recent answers, before their prices are known.
    pub expected_mdape: Option<f64>,
    /// What the model that answers had on its hold-out, to compare with.
    pub holdout_mdape: Option<f64>,
    /// The same of a model of a class, or of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holdout_log_loss: Option<f64>,
    /// Of a model of several classes the share of its hold-out whose class was the predicted one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holdout_accuracy: Option<f64>,
    /// Whether `quality.max_rows` was reached, so that a window holds its newest answers only.
    pub is_sample: bool,
}
