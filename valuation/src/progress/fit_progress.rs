//! How far a fit is: its stage, its base learners, the time left.

use serde::Serialize;

/// What a fit is doing. A fit goes through them in this order; a clustering has `Clusters` where the other
/// tasks have `Folds` to `Refit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FitStage {
    /// Rows are bound to the schema, cleaned and split.
    Binding,
    /// Members are fitted out of fold, and on all training rows.
    Folds,
    /// Every number of clusters is tried.
    Clusters,
    /// The members' weights are computed.
    Weights,
    /// Prediction intervals; of a class the calibration of its probability.
    Intervals,
    /// The hold-out is predicted.
    Judging,
    /// Members are fitted on all rows.
    Refit,
    /// What the model keeps of its training: profiles for drift and explanations, golden rows.
    Explaining,
    /// The model is fitted.
    Done,
}

/// What members are compared by on rows that they have not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Root mean squared error of the logarithm; less is better.
    RmseLog,
    /// Mean log loss of the class, before calibration; less is better.
    LogLoss,
    /// Mean silhouette of a number of clusters; more is better.
    Silhouette,
}

impl Measure {
    /// Whether one value is better than another.
    pub(super) fn is_better(self, one: f64, other: f64) -> bool {
        match self {
            Measure::RmseLog | Measure::LogLoss => one < other,
            Measure::Silhouette => one > other,
        }
    }
}

/// How far a member is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MemberProgress {
    /// Its name; of a clustering how many clusters are tried.
    pub name: String,
    /// Folds that it has been fitted without.
    pub folds_done: usize,
    /// How many folds there are.
    pub folds: usize,
    /// Its measure on the rows that have been predicted so far; none before the first fold.
    pub value: Option<f64>,
}

/// How far a fit is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FitProgress {
    /// What it is doing.
    pub stage: FitStage,
    /// The member in work; where several are, the one that was heard of last. None between members.
    pub member: Option<String>,
    /// The fold that this member is fitted without, from 1; none while it is fitted on all rows.
    pub fold: Option<usize>,
    /// How many folds there are; 0 before the rows are split.
    pub folds: usize,
    /// Rows of the training side, 0 before they are split.
    pub rows: usize,
    /// Fields that are learned from.
    pub fields: usize,
    /// Share of the fit that is over, by the time it takes: from 0 to 1, never falling.
    pub fraction: f64,
    /// Seconds since the fit began.
    pub elapsed_s: f64,
    /// Seconds left; none until every part that is left can be derived from what a row × field has cost.
    pub left_s: Option<f64>,
    /// Seconds of the whole fit, as they were first estimated, on the first trees of the first folds.
    pub estimated_s: Option<f64>,
    /// What `value` and `best` are by.
    pub measure: Measure,
    /// Every member, in its order.
    pub members: Vec<MemberProgress>,
    /// The name of the best member so far.
    pub best: Option<String>,
}
