//! What `/status` shows of the trainings.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;

use super::auto_rollback::Compared;
use crate::training::trained::Trained;

/// How the trainings went.
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct TrainerStatus {
    pub(super) schedule: Option<String>,
    /// What is waited for; none where trainings come by schedule and on demand alone.
    pub(super) watch: Option<WatchStatus>,
    /// When the schedule comes next.
    pub(super) next_run: Option<String>,
    pub(super) trainings: u64,
    pub(super) failures: u64,
    /// The last one that saved a version.
    pub(super) last_training: Option<TrainingStatus>,
    /// The last failure; gone when a training has succeeded since.
    pub(super) last_error: Option<Failure>,
    /// How many since the last success: the more, the longer the wait.
    pub(super) failures_in_a_row: u32,
    /// The training that runs; none where none does.
    pub(super) running: Option<RunningStatus>,
    /// Versions that became the champion.
    pub(super) promotions: u64,
    /// Champions that were rolled back as they answered worse than the one before.
    pub(super) rollbacks: u64,
    pub(super) last_rollback: Option<Rollback>,
    /// When the last training began, the client that requested it.
    #[serde(skip)]
    pub(super) began: Option<Instant>,
    /// When it ended.
    #[serde(skip)]
    pub(super) ended: Option<Instant>,
    /// When the live error was checked last.
    #[serde(skip)]
    pub(super) live_looked: Option<Instant>,
    /// The champion whose live error a training has been started for.
    #[serde(skip)]
    pub(super) live_trained_for: Option<u64>,
    /// Listings that had been stored when the last successful training began.
    #[serde(skip)]
    pub(super) learned: Option<u64>,
}

/// What a watch waits for.
#[derive(Debug, Default, Clone, Serialize)]
pub(super) struct WatchStatus {
    /// Listings that make a training worth it; 0: none do.
    pub(super) new_rows_wanted: u64,
    /// Listings stored since the last.
    pub(super) new_rows: u64,
    /// Seconds until a training that failed is retried.
    pub(super) retry_in_s: Option<f64>,
    /// The champion's median error where it answers, as far as it is known.
    pub(super) live_mdape: Option<f64>,
    /// Beyond it a training is started, once a champion.
    pub(super) live_mdape_bound: Option<f64>,
    /// The champion's answers beside those of the one before it.
    pub(super) live_compared: Option<Compared>,
}

/// A training under way.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RunningStatus {
    pub(super) since: String,
    /// `features`, `fitting` (which reads, saves and judges too), or `tidying`. How far the fit is, the key `fit`
    /// says, which the control adds.
    pub(super) stage: &'static str,
    /// Who requested it and why; none where the schedule or the watch did.
    pub(super) why: Option<String>,
    /// Duration of the training before.
    pub(super) last_seconds: Option<f64>,
}

/// A champion that was rolled back.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Rollback {
    pub(super) at: String,
    /// The champion since.
    pub(super) to: String,
    pub(super) why: String,
}

/// A training that saved a version.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TrainingStatus {
    pub(super) version: String,
    pub(super) path: String,
    /// Id of its run.
    pub(super) run: String,
    pub(super) promoted: bool,
    /// Why, or why not.
    pub(super) verdict: Option<String>,
    /// Who requested it and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
    pub(super) finished_at: String,
    pub(super) seconds: f64,
    pub(super) rows: usize,
    pub(super) rows_rejected: usize,
    /// Rows not learned from, by rule.
    pub(super) removed: BTreeMap<String, usize>,
    /// Of prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mdape: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) baseline_mdape: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) coverage: Option<f64>,
    /// Of a class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) auc: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) log_loss: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) baseline_log_loss: Option<f64>,
    /// Of several classes, beside the log loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) accuracy: Option<f64>,
    /// Of a clustering.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) clusters: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) silhouette: Option<f64>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Failure {
    pub(super) at: String,
    pub(super) error: String,
}

impl TrainingStatus {
    pub(super) fn of(trained: &Trained, finished_at: String, seconds: f64) -> TrainingStatus {
        let report = &trained.report;
        let (price, class) = (report.price(), report.class());
        let levels = report.multiclass();
        TrainingStatus {
            version: trained.name(),
            path: trained
                .saved
                .as_ref()
                .map_or_else(String::new, |file| file.path.display().to_string()),
            run: trained.run.clone(),
            promoted: trained.decision.as_ref().is_some_and(|decision| decision.1),
            verdict: trained
                .decision
                .as_ref()
                .map(|decision| decision.0.message.clone()),
            why: None,
            finished_at,
            seconds,
            rows: report.rows(),
            rows_rejected: trained.rows_rejected,
            removed: report.removed().clone(),
            mdape: price.map(|price| price.model.mdape),
            baseline_mdape: price.map(|price| price.baseline.mdape),
            coverage: price.map(|price| price.coverage),
            auc: class.map(|class| class.model.auc.value),
            log_loss: (class.map(|class| class.model.log_loss))
                .or(levels.map(|levels| levels.model.log_loss)),
            baseline_log_loss: (class.map(|class| class.baseline.log_loss))
                .or(levels.map(|levels| levels.baseline.log_loss)),
            accuracy: levels.map(|levels| levels.model.accuracy),
            clusters: report.clusters().map(|cluster| cluster.clusters),
            silhouette: report.clusters().map(|cluster| cluster.silhouette),
        }
    }
}
