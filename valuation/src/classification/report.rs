//! What a fit of classes saw and how good it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::metrics::{ClassMetrics, RocPoint};
use crate::metrics::JudgedRow;
use crate::uninformative::Dropped;

/// Rows that were predicted to be about as likely of the class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Mean predicted probability.
    #[serde(rename = "said")]
    pub predicted: f64,
    /// Share of them that are of the class: the same where predictions are calibrated.
    pub found: f64,
    /// How many rows there are: what the share rests on.
    pub rows: usize,
}

/// How much a field matters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// The field.
    pub field: String,
    /// What the AUC of the hold-out loses where the field's values are shuffled among its rows (Breiman
    /// 2001, Random Forests, on the AUC): the mean of three shuffles.
    pub auc_lost: f64,
}

/// How good a member is alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassMember {
    /// Its name.
    pub name: String,
    /// Its weight; 0: not used.
    pub weight: f64,
    /// How many trees it has; 0 for what has none.
    pub trees: usize,
    /// Mean log loss out of fold, calibrated.
    pub fold_log_loss: f64,
    /// The same on the hold-out, by the judged model.
    pub holdout_log_loss: f64,
    /// Its AUC there.
    pub holdout_auc: f64,
}

/// One fold, whose rows the members had not seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassFold {
    /// Rows in the fold: what the figures rest on.
    pub rows: usize,
    /// Mean log loss of the whole.
    pub log_loss: f64,
    /// Its AUC; none where the fold has one class alone.
    pub auc: Option<f64>,
}

/// What a fit saw and how good it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassReport {
    /// What the class is called.
    pub class: String,
    /// Records given: the denominator of `removed`.
    pub rows: usize,
    /// Training records removed, by rule: `no_target`, `duplicate` (a newer one says the same).
    pub removed: BTreeMap<String, usize>,
    /// Records the judged model was fitted on.
    pub train_rows: usize,
    /// Records it was judged on.
    pub holdout_rows: usize,
    /// Of them, records whose features and class are in the training rows too: they flatter the model
    /// where the split is drawn.
    pub holdout_copies: usize,
    /// The model on the records of the hold-out that are no such copies; none where there are none, or one
    /// class alone is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_copies: Option<ClassMetrics>,
    /// Share of the class among the training rows: what is predicted where nothing is known.
    pub base_rate: f64,
    /// The model on the hold-out.
    pub model: ClassMetrics,
    /// The same of always saying the share of the class in training.
    pub baseline: ClassMetrics,
    /// All members that were fitted, those that are not used too.
    pub members: Vec<ClassMember>,
    /// Fold by fold of the judged model.
    pub folds: Vec<ClassFold>,
    /// Mean log loss of the whole over the folds: what settings are compared by.
    pub fold_log_loss: f64,
    /// What calibration takes the weighted log odds times by: below 1 the members were too sure.
    pub calibration_slope: f64,
    /// The ROC curve of the hold-out.
    pub roc: Vec<RocPoint>,
    /// Tenths of the hold-out by what was predicted for them.
    pub calibration: Vec<Bin>,
    /// Mean distance between predicted and observed shares over those tenths (expected calibration error: Naeini et al.
    /// 2015, Obtaining Well Calibrated Probabilities Using Bayesian Binning).
    pub calibration_error: f64,
    /// What fields matter on the hold-out, the most first.
    pub importance: Vec<Importance>,
    /// What was predicted for every record of the hold-out, for plots: `actual` is 1 for the class, `value` the
    /// probability. Not kept in the artifact.
    #[serde(skip)]
    pub judged: Vec<JudgedRow>,
    /// How long the fit took. Not kept in the artifact: the same input must give the same bytes.
    #[serde(skip)]
    pub fit_seconds: f64,
    /// Columns that carry information.
    pub features: usize,
    /// Fields that are left out, as they carry no information.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Dropped>,
}
