//! What `/status` and the metrics say of a follower.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use common::http::Status;
use common::kafka::Lag;
use ledger::rejects::Reject;
use serde::Serialize;
use valuation::online::Coefficient;

use super::base::Standing;
use super::counts::Counts;

use crate::metrics::{
    FOLLOW_DISTANCE, FOLLOW_ERROR, FOLLOW_LEARNED, FOLLOW_PUBLISHED, FOLLOW_REJECTED,
};

/// The state that /status shows.
#[derive(Debug, Default, Serialize)]
struct Account {
    #[serde(flatten)]
    counts: Counts,
    steps: u64,
    /// Residuals that were cut as too large.
    clipped: u64,
    /// From the base, in log price over the scaled columns.
    distance: f64,
    /// Root mean square of ln(estimate/price) (of counts plus 1) over the newest records, predicted before the update.
    error: Option<f64>,
    /// The same of the base.
    base_error: Option<f64>,
    /// The same over all records.
    error_in_all: Option<f64>,
    base_error_in_all: Option<f64>,
    coefficients: Vec<Coefficient>,
    positions: BTreeMap<String, Option<i64>>,
    /// What became of the version published last.
    last_publication: Option<String>,
    /// The newest reject: where it was, and why.
    last_reject: Option<String>,
    last_error: Option<String>,
}

/// Shared between the following thread and the HTTP interface.
#[derive(Debug, Default)]
pub(super) struct Control {
    account: Mutex<Account>,
    /// Of the consumer, once there is one.
    lag: OnceLock<Arc<Lag>>,
}

impl Control {
    pub(super) fn watch(&self, lag: Arc<Lag>) {
        // There is one consumer.
        let _ = self.lag.set(lag);
    }

    /// It is there, and that is in the database.
    pub(super) fn stands(&self, standing: &Standing) {
        let online = &standing.online;
        let (recent, all) = (
            standing.recent.errors(online.base().link()),
            online.totals().errors(),
        );
        let coefficients = online.coefficients();
        metrics::gauge!(FOLLOW_DISTANCE.name()).set(online.distance());
        if let Some((error, base)) = recent {
            metrics::gauge!(FOLLOW_ERROR.name(), "of" => "follower").set(error);
            metrics::gauge!(FOLLOW_ERROR.name(), "of" => "base").set(base);
        }
        let mut account = self.account();
        let before = &account.counts;
        let more = |now: u64, before: u64| now.saturating_sub(before);
        metrics::counter!(FOLLOW_LEARNED.name())
            .increment(more(standing.counts.learned, before.learned));
        for (code, now) in &standing.counts.rejected {
            let before = before.rejected.get(code).copied().unwrap_or(0);
            metrics::counter!(FOLLOW_REJECTED.name(), "code" => code.clone())
                .increment(more(*now, before));
        }
        account.counts = standing.counts.clone();
        account.steps = online.steps();
        account.clipped = online.clipped();
        account.distance = online.distance();
        (account.error, account.base_error) = recent.unzip();
        (account.error_in_all, account.base_error_in_all) = all.unzip();
        account.coefficients = coefficients;
    }

    /// It begins to count there: what was counted before a restart is not counted again.
    pub(super) fn begins(&self, counts: &Counts) {
        self.account().counts = counts.clone();
    }

    pub(super) fn positioned(&self, positions: BTreeMap<String, Option<i64>>) {
        self.account().positions = positions;
    }

    /// Says the first reject of each code, and keeps the newest for `/status`.
    pub(super) fn rejected(&self, rejects: &[Reject], known: &BTreeMap<String, u64>) {
        let Some(last) = rejects.last() else {
            return;
        };
        let mut logged: Vec<&str> = Vec::new();
        for reject in rejects {
            if !known.contains_key(reject.code) && !logged.contains(&reject.code) {
                logged.push(reject.code);
                tracing::warn!(
                    "{} is not a valid record and is skipped ({}): {}; others of this kind are only \
                     counted",
                    reject.place(),
                    reject.code,
                    reject.reason
                );
            }
        }
        self.account().last_reject = Some(format!("{}: {}", last.place(), last.reason));
    }

    pub(super) fn published(&self, became: &str) {
        metrics::counter!(FOLLOW_PUBLISHED.name()).increment(1);
        tracing::info!("published {became}");
        self.account().last_publication = Some(became.to_owned());
    }

    pub(super) fn failed(&self, error: String) {
        self.account().last_error = Some(error);
    }

    pub(super) fn status(self: &Arc<Self>) -> Status {
        let control = Arc::clone(self);
        Arc::new(move || {
            let mut status = serde_json::json!(*control.account());
            status["service"] = "model-prepare follow".into();
            let lag = control.lag.get().map(|lag| lag.status());
            let lag = lag.unwrap_or_default();
            for key in ["lag_records", "lag_seconds", "partitions"] {
                status[key] = lag[key].clone();
            }
            status
        })
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        // A panic leaves at worst counts of two moments.
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
