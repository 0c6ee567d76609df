//! What a fit of levels saw and how good it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::metrics::{LevelMetrics, MulticlassMetrics};
use crate::classification::{Bin, Importance};
use crate::metrics::JudgedRow;
use crate::uninformative::Dropped;

/// A member of one level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LevelMember {
    /// Its name.
    pub name: String,
    /// Its weight; 0: not used.
    pub weight: f64,
    /// How many trees it has; 0 for what has none.
    pub trees: usize,
    /// Mean log loss of the level against the rest, out of fold, calibrated.
    pub fold_log_loss: f64,
}

/// One level against the rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LevelReport {
    /// What the target holds.
    pub level: String,
    /// Training rows that have it.
    pub train_rows: usize,
    /// How well it is predicted on the hold-out.
    #[serde(flatten)]
    pub metrics: LevelMetrics,
    /// All members that were fitted, those that are not used too.
    pub members: Vec<LevelMember>,
    /// What calibration takes the weighted log odds times by: below 1 the members were too sure.
    pub calibration_slope: f64,
}

/// What a fit saw and how good it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MulticlassReport {
    /// The field whose levels are predicted.
    pub target: String,
    /// Records given: the denominator of `removed`.
    pub rows: usize,
    /// Records removed, by rule: `no_target`; `rare_class`, of a level with too few records, or with none on one side
    /// of the split.
    pub removed: BTreeMap<String, usize>,
    /// Records the judged model was fitted on.
    pub train_rows: usize,
    /// Records it was judged on.
    pub holdout_rows: usize,
    /// Of them, records whose features and level are in the training rows too: they flatter the model
    /// where the split is drawn.
    pub holdout_copies: usize,
    /// The model on the records of the hold-out that are no such copies; none where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_copies: Option<MulticlassMetrics>,
    /// Every level that is predicted, in alphabetical order.
    pub levels: Vec<LevelReport>,
    /// The model on the hold-out.
    pub model: MulticlassMetrics,
    /// The same of always predicting the shares of the levels in training.
    pub baseline: MulticlassMetrics,
    /// What the probabilities of the levels are raised to before they are divided by their sum: 1 changes nothing, above
    /// it they become surer.
    pub exponent: f64,
    /// Mean log loss of the whole, out of fold: what settings are compared by.
    pub fold_log_loss: f64,
    /// Tenths of the hold-out by the probability of the predicted level: the share that has it.
    pub calibration: Vec<Bin>,
    /// Mean distance between both over those tenths, as [`crate::ClassReport::calibration_error`].
    pub calibration_error: f64,
    /// What fields matter on the hold-out, the most first: by the mean AUC of the levels.
    pub importance: Vec<Importance>,
    /// What was predicted for every record of the hold-out, for plots. Not kept in the artifact.
    #[serde(skip)]
    pub judged: Vec<JudgedRow>,
    /// How long the fit took. Not kept in the artifact: the same input must give the same bytes.
    #[serde(skip)]
    pub fit_seconds: f64,
    /// Columns that carry information, of the level that has most.
    pub features: usize,
    /// Fields that are left out, as they carry no information.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Dropped>,
}
