//! A fit as people see it who wait for it: a line that moves, and an estimate before a long one.

use std::sync::atomic::{AtomicBool, Ordering};

use common::progress::Stage;
use valuation::{Effort, FitProgress, FitStage, Measure, MemberProgress, Observer};

/// A fit that takes longer is announced, in seconds.
const LONG_S: f64 = 10.0;

/// Shows a fit of this effort until the stage is dropped; the observer tells the stage, and `next`.
pub(crate) fn shown(what: String, effort: Effort, next: Observer) -> (Stage, Observer) {
    let stage = Stage::start(what);
    let (stage_progress, is_announced) = (stage.stage_progress(), AtomicBool::new(false));
    let observer = Observer::new(move |progress: &FitProgress| {
        next.observe(progress);
        stage_progress.part(progress.fraction, words(progress));
        if let Some(seconds) = progress.estimated_s.filter(|seconds| *seconds >= LONG_S)
            && !is_announced.swap(true, Ordering::Relaxed)
        {
            tracing::info!("{}", announced(progress, effort, seconds));
        }
    });
    (stage, observer)
}

/// The estimate of a long fit, and what would take less.
fn announced(progress: &FitProgress, effort: Effort, seconds: f64) -> String {
    let less = match effort {
        Effort::Standard => "; --effort fast takes less than half of it",
        Effort::Quick | Effort::Fast => "",
    };
    format!(
        "the fit will take about {}: {} rows of {} fields with effort {}, at what the first folds have cost{less}",
        span(seconds),
        progress.rows,
        progress.fields,
        format!("{effort:?}").to_lowercase()
    )
}

/// What a fit is doing, how long it takes yet, and the best so far.
pub(crate) fn words(progress: &FitProgress) -> String {
    let mut words = match progress.stage {
        FitStage::Binding => "rows are cleaned and split".to_owned(),
        FitStage::Folds | FitStage::Refit | FitStage::Clusters => in_work(progress),
        FitStage::Weights => "weights of the members".to_owned(),
        FitStage::Intervals => "prediction intervals".to_owned(),
        FitStage::Judging => "the hold-out is predicted".to_owned(),
        FitStage::Explaining => "profiles and golden rows".to_owned(),
        FitStage::Done => "fitted".to_owned(),
    };
    if let Some(left) = progress.left_s.filter(|left| *left > 0.0) {
        words += &format!(", about {} left", span(left));
    }
    let best = progress.best.as_ref().and_then(|best| {
        let members = progress.members.iter();
        members.clone().find(|member| member.name == *best)
    });
    if let Some(MemberProgress {
        name,
        value: Some(value),
        ..
    }) = best
    {
        words += &match progress.measure {
            Measure::RmseLog => format!(", best so far {name} (log error {value:.4})"),
            Measure::LogLoss => format!(", best so far {name} (log loss {value:.4})"),
            Measure::Silhouette => format!(", best so far {name} (silhouette {value:.4})"),
        };
    }
    words
}

/// The member in work, and its fold.
fn in_work(progress: &FitProgress) -> String {
    match (progress.stage, &progress.member, progress.fold) {
        (FitStage::Clusters, Some(clusters), _) => format!("{clusters} clusters"),
        (FitStage::Refit, Some(member), _) => format!("{member} on all rows"),
        (_, Some(member), Some(fold)) => format!("{member} fold {fold} of {}", progress.folds),
        (_, Some(member), None) => format!("{member} on all training rows"),
        (_, None, _) => "columns of the members".to_owned(),
    }
}

/// A length of time in words.
fn span(seconds: f64) -> String {
    match seconds {
        seconds if seconds >= 5400.0 => format!("{:.1} h", seconds / 3600.0),
        seconds if seconds >= 90.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.0} s", seconds.max(1.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> FitProgress {
        let member = |name: &str, value| MemberProgress {
            name: name.to_owned(),
            folds_done: 2,
            folds: 5,
            value,
        };
        FitProgress {
            stage: FitStage::Folds,
            member: Some("leaf-wise".to_owned()),
            fold: Some(3),
            folds: 5,
            rows: 1_000_000,
            fields: 14,
            fraction: 0.42,
            elapsed_s: 70.0,
            left_s: Some(100.0),
            estimated_s: Some(200.0),
            measure: Measure::RmseLog,
            members: vec![member("linear", Some(0.2)), member("leaf-wise", None)],
            best: Some("linear".to_owned()),
        }
    }

    #[test]
    fn a_line_says_what_is_done_how_long_it_takes_yet_and_the_best_so_far() {
        let mut progress = progress();
        assert_eq!(
            words(&progress),
            "leaf-wise fold 3 of 5, about 2 min left, best so far linear (log error 0.2000)"
        );
        (progress.fold, progress.left_s) = (None, None);
        assert_eq!(
            words(&progress),
            "leaf-wise on all training rows, best so far linear (log error 0.2000)"
        );
        (progress.stage, progress.best) = (FitStage::Refit, None);
        assert_eq!(words(&progress), "leaf-wise on all rows");
        (progress.stage, progress.member) = (FitStage::Clusters, Some("7".to_owned()));
        assert_eq!(words(&progress), "7 clusters");
    }

    #[test]
    fn an_estimate_names_what_it_was_derived_from() {
        assert_eq!(
            announced(&progress(), Effort::Standard, 200.0),
            "the fit will take about 3 min: 1000000 rows of 14 fields with effort standard, at what the first \
             folds have cost; --effort fast takes less than half of it"
        );
        assert_eq!(
            announced(&progress(), Effort::Fast, 80.0),
            "the fit will take about 80 s: 1000000 rows of 14 fields with effort fast, at what the first folds \
             have cost"
        );
        let spans = [0.2, 89.0, 90.0, 5400.0].map(span);
        assert_eq!(spans, ["1 s", "89 s", "2 min", "1.5 h"]);
    }
}
