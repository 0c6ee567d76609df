//! The settings of a fit and of what follows it.

use serde::Deserialize;
use valuation::{ClusteringOptions, Effort, FitOptions, FoldBy, NamedMember, Observer};

use super::promotion::{PromotionConfig, PromotionMode};
use super::sweep::SweepConfig;
use super::watch::WatchConfig;

/// Section `[prepare]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrepareConfig {
    /// Where the HTTP interface is, when it serves by schedule or on demand.
    pub http: String,
    /// How far back training listings go.
    pub window_days: u32,
    /// The datamart whose cleaned fields are the training data; empty for the stored records themselves.
    pub features: String,
    /// Fewer are not worth learning from.
    pub min_rows: usize,
    /// Share of the newest kept to judge the model by.
    pub holdout_fraction: f64,
    /// Nominal coverage of the range.
    pub interval: f64,
    /// The threshold: a record of at least this probability is predicted to be of the class.
    pub threshold: f64,
    /// How much work a fit may be.
    pub effort: Effort,
    /// Folds of the out-of-fold predictions.
    pub folds: usize,
    /// Whether folds are drawn or follow time.
    pub fold_by: FoldBy,
    /// Processor cores a fit may take; 0 for all.
    pub threads: usize,
    /// Seed of folds and trees.
    pub seed: u64,
    /// What becomes of a version when it has been judged.
    pub promote: PromotionMode,
    /// The bounds of the rule it is judged by.
    pub promotion: PromotionConfig,
    /// Segments of the market as one more feature; 0 for none.
    pub segments: usize,
    /// How clusters are found, of schemas of task clustering.
    pub clustering: ClusteringOptions,
    /// When the loop trains.
    pub watch: WatchConfig,
    /// What a sweep varies.
    pub sweep: SweepConfig,
    /// Whether a run keeps its report as a page.
    pub keep_report: bool,
    /// Whether a run keeps the rows it was fitted on: they state which rows a later version can be
    /// compared on, and let a fit be repeated.
    pub keep_training_set: bool,
    /// Whether a version is published that does not beat its baseline: `--force` of one call, no setting.
    #[serde(skip)]
    pub publishes_worse: bool,
    /// The members by name; empty takes the effort's.
    #[serde(default)]
    pub members: Vec<NamedMember>,
    /// Who is told how far a fit is: no setting, but of the program.
    #[serde(skip)]
    pub observer: Observer,
}

impl PrepareConfig {
    /// The options of a fit.
    pub(crate) fn fit_options(&self) -> FitOptions {
        FitOptions {
            min_rows: self.min_rows,
            holdout_fraction: self.holdout_fraction,
            interval: self.interval,
            threshold: self.threshold,
            effort: self.effort,
            members: self.members.clone(),
            folds: self.folds,
            fold_by: self.fold_by,
            threads: self.threads,
            seed: self.seed,
            segments: self.segments,
            clustering: self.clustering,
            observer: self.observer.clone(),
            ..FitOptions::default()
        }
    }
}
