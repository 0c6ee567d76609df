//! A sweep as people see it who wait for it: how many trials are over, and how far those under way are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::progress::{Stage, StageProgress};
use report::{Trial, TrialOutcome, are_alike, best as best_of};
use valuation::{FitProgress, Observer};

use crate::training::shown::words;

/// Shows a sweep until it is dropped.
pub(super) struct Shown {
    _stage: Stage,
    stage_progress: StageProgress,
    /// How many trials there are to be.
    trials: usize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Trials that are over.
    over: usize,
    /// The share of each that is under way.
    under_way: BTreeMap<usize, f64>,
}

impl Known {
    /// The share of the sweep that is over.
    fn share(&self, trials: usize) -> f64 {
        let under_way: f64 = self.under_way.values().sum();
        ((self.over as f64 + under_way) / trials.max(1) as f64).min(1.0)
    }
}

impl Shown {
    /// Begins to show a sweep of so many trials.
    pub(super) fn start(name: &str, trials: usize) -> Arc<Shown> {
        let stage = Stage::start(format!("sweep {name}"));
        Arc::new(Shown {
            stage_progress: stage.stage_progress(),
            _stage: stage,
            trials,
            known: Mutex::default(),
        })
    }

    /// So many trials are over; none is under way.
    pub(super) fn over(&self, trials: usize) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        (known.over, known.under_way) = (trials, BTreeMap::new());
        let share = known.share(self.trials);
        self.stage_progress.part(
            share,
            format!("{trials} of {} trials are over", self.trials),
        );
    }

    /// Watches the fit of a trial, which are numbered from 0.
    pub(super) fn observer(self: &Arc<Self>, trial: usize) -> Observer {
        let shown = Arc::clone(self);
        Observer::new(move |progress: &FitProgress| shown.progressed(trial, progress))
    }

    fn progressed(&self, trial: usize, progress: &FitProgress) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.under_way.insert(trial, progress.fraction);
        let share = known.share(self.trials);
        let (number, trials) = (trial + 1, self.trials);
        let text = format!("trial {number} of {trials}, {}", words(progress));
        self.stage_progress.part(share, text);
    }
}

/// What a trial came to.
pub(super) fn result_words(trial: &Trial) -> String {
    match &trial.outcome {
        TrialOutcome::Finished { objective, .. } => format!("{objective:.5}"),
        TrialOutcome::GivenUp { first } => format!("stopped at {first:.5}"),
        TrialOutcome::Failed { error } => format!("failed: {error}"),
    }
}

/// Logs the last of the trials and the best so far.
pub(super) fn log_progress(done: &[Trial], trials: usize, took: Duration) {
    let Some(last) = done.last() else { return };
    let best = best_of(done);
    let best = best.map_or_else(
        || "none is finished yet".to_owned(),
        |trial| {
            let error = trial.objective().unwrap_or(f64::NAN);
            match are_alike(done) {
                true => format!("all have {error:.5}"),
                false => format!("best {error:.5}, trial {}", trial.number),
            }
        },
    );
    tracing::info!(
        "trial {} of {trials}: {} ({best}); {:.0} s",
        done.len(),
        result_words(last),
        took.as_secs_f64()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trials_under_way_count_by_their_share() {
        let mut known = Known {
            over: 3,
            under_way: BTreeMap::from([(3, 0.5), (4, 0.5)]),
        };
        assert_eq!(known.share(8), 0.5);
        (known.over, known.under_way) = (8, BTreeMap::new());
        assert_eq!(known.share(8), 1.0);
    }
}
