//! The report of a fit of prices.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::conformal::Share;
use crate::equity_report::EquityReport;
use crate::link::Link;
use crate::metrics::{JudgedRow, Metrics};
use crate::ratio_study::RatioStudy;
use crate::segment::Segment;
use crate::uninformative::Dropped;

/// How good a member is alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberReport {
    /// Its name.
    pub name: String,
    /// Its weight; 0: not used.
    pub weight: f64,
    /// How many trees it has; 0 for what has none.
    pub trees: usize,
    /// Root mean squared log error out of fold.
    pub fold_error: f64,
    /// The same on the hold-out, by the judged model.
    pub holdout_error: f64,
    /// Which trees the folds chose for it; none where there was nothing to choose, and in reports of older
    /// artifacts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<RecipeReport>,
}

/// Which trees the folds chose for a member. Errors are of quick trees that only rank recipes: root mean
/// squared log errors, clipped where a price is absurd.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecipeReport {
    /// What was chosen, in words.
    pub chosen: String,
    /// Its error.
    pub error: f64,
    /// What came next.
    pub runner_up: Option<String>,
    /// Its error.
    pub runner_up_error: Option<f64>,
    /// How many were tried.
    pub tried: usize,
}

/// The weighted members beside the best of them alone, on the hold-out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stacked {
    /// The member that is best alone, out of fold.
    pub best: String,
    /// Its root mean squared log error.
    pub alone: f64,
    /// That of the weighted members.
    pub weighted: f64,
}

impl Stacked {
    /// By what share of its error the weighted members are better than the best alone; below 0 they
    /// are worse.
    pub fn gain(&self) -> f64 {
        1.0 - self.weighted / self.alone.max(f64::MIN_POSITIVE)
    }
}

/// How far the members were off on one fold, whose rows they had not seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoldReport {
    /// Listings in the fold: what the errors rest on.
    pub rows: usize,
    /// Root mean squared log error of each member, in the order of [`Report::members`].
    pub members: Vec<f64>,
    /// The same of the weighted members.
    pub stack: f64,
}

/// What ranges of one nominal coverage hold, their width being set by the folds of the training rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Share of prices that the ranges are to hold.
    pub level: f64,
    /// Share of the hold-out's that they do hold, with its 95 % interval.
    pub held: Share,
}

/// What a fit saw and how good it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What relative errors are relative to: the target, or a count plus 1.
    #[serde(default, skip_serializing_if = "Link::is_log")]
    pub link: Link,
    /// Listings given: the denominator of `removed`.
    pub rows: usize,
    /// Listings removed, by rule: `target_not_positive`, of counts `target_negative` (neither learned
    /// from nor judged on: there is no logarithm), and of training rows of prices only: `target_outlier` (far
    /// from the group's median, where no area is known), `target_per_area_outlier`, `duplicate` (a newer one says the
    /// same) and `residual_outlier` (far from what a line says). A jump shows that the source has
    /// changed.
    pub removed: BTreeMap<String, usize>,
    /// Listings the judged model was fitted on.
    pub train_rows: usize,
    /// Listings it was judged on: all of the newest, whatever their price.
    pub holdout_rows: usize,
    /// Those of them that the training rows' outlier rules would have removed: how much of the
    /// error may be the source's. The model that is kept does not learn from them.
    pub holdout_outliers: usize,
    /// Listings judged on whose features and price are in the training rows too: they flatter
    /// the model where the split is drawn.
    #[serde(default)]
    pub holdout_copies: usize,
    /// The model on the rows of the hold-out that are no such copies; none where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_copies: Option<Metrics>,
    /// The model on the hold-out.
    pub model: Metrics,
    /// The group median on the same hold-out: what the model has to beat.
    pub baseline: Metrics,
    /// Names the baseline, for people.
    pub baseline_name: String,
    /// The ratio study of the hold-out; none for fewer than 3 listings, and for counts.
    pub ratios: Option<RatioStudy>,
    /// The same by segment: groups, rooms, tenths of the price.
    pub segments: Vec<Segment>,
    /// What was predicted for every listing of the hold-out, for plots. Not kept in the artifact.
    #[serde(skip)]
    pub judged: Vec<JudgedRow>,
    /// All members that were fitted, those that are not used too.
    pub members: Vec<MemberReport>,
    /// Errors fold by fold of the judged model; empty in reports of older artifacts.
    #[serde(default)]
    pub folds: Vec<FoldReport>,
    /// Whether cheap and expensive homes are estimated alike; none of counts, and in reports of older artifacts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equity: Option<EquityReport>,
    /// Whether more than one member has weight, by the folds. In reports of earlier programs also whether the weighted
    /// members were better than the best alone, on the hold-out.
    pub stack: bool,
    /// By how much; none where one member has all weight, and in reports of older artifacts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stacked: Option<Stacked>,
    /// Fraction of the hold-out inside intervals set by the folds of the training rows.
    pub coverage: f64,
    /// Lower end of its 95 % confidence interval.
    pub coverage_low: f64,
    /// Upper end.
    pub coverage_high: f64,
    /// The same of narrower and wider ranges; empty in reports of older artifacts.
    #[serde(default)]
    pub calibration: Vec<Calibration>,
    /// What the intervals of the model kept are wider by: above 1 where the hold-out, being newer,
    /// was further off than the folds were.
    pub widened: f64,
    /// How long the fit took. Not kept in the artifact: the same input must give the same bytes.
    #[serde(skip)]
    pub fit_seconds: f64,
    /// Columns of the design that carry information.
    pub features: usize,
    /// Fields that are left out, as they carry no information; empty in reports of older
    /// artifacts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Dropped>,
}
