//! Follows a fit, and tells its observer. Where nobody watches, every call is one comparison.

use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::time::Instant;

use super::estimate::{Estimate, MemberWork, Piece};
use super::fit_progress::{FitProgress, FitStage, Measure, MemberProgress};
use super::observer::Observer;
use super::watched::{Loss, State, Watched};
use super::work::Work;

/// What a member is expected to do.
pub(crate) struct Planned {
    /// Its name.
    pub(crate) name: String,
    /// Trees that a fold's fit grows at most; none where it grows none.
    pub(crate) trees: Option<usize>,
}

/// What a fit is expected to do.
pub(crate) struct PlannedFit {
    /// Rows of the training side.
    pub(crate) rows: usize,
    /// Rows of the refit; 0 without one.
    pub(crate) refit_rows: usize,
    /// Fields that are learned from.
    pub(crate) fields: usize,
    /// How many folds.
    pub(crate) folds: usize,
    /// The members, by place.
    pub(crate) members: Vec<Planned>,
    /// Whether the prediction intervals have trees of their own.
    pub(crate) has_spread: bool,
    /// Whether the members are for the same: those of different levels have no best.
    pub(crate) has_best: bool,
}

/// Follows a fit.
pub(crate) struct Tracker(Option<Watched>);

impl Tracker {
    /// The tracker of a fit that begins now.
    pub(crate) fn new(observer: &Observer, measure: Measure, loss: Loss) -> Tracker {
        let now = Instant::now();
        let watched = observer.get().map(|observer| Watched {
            observer,
            loss,
            began: now,
            state: Mutex::new(State {
                progress: FitProgress {
                    stage: FitStage::Binding,
                    member: None,
                    fold: None,
                    folds: 0,
                    rows: 0,
                    fields: 0,
                    fraction: 0.0,
                    elapsed_s: 0.0,
                    left_s: None,
                    estimated_s: None,
                    measure,
                    members: Vec::new(),
                    best: None,
                },
                estimate: Estimate::default(),
                losses: Vec::new(),
                has_best: true,
                pieces: Vec::new(),
                heard: now,
                reported_at: None,
            }),
        });
        let tracker = Tracker(watched);
        tracker.note(|_, _| ());
        tracker
    }

    fn note(&self, change: impl FnOnce(&mut State, Instant)) {
        if let Some(watched) = &self.0 {
            watched.note(true, change);
        }
    }

    /// What the fit is expected to do is known now.
    pub(crate) fn plan(&self, plan: impl FnOnce() -> PlannedFit) {
        self.note(|state, _| {
            let plan = plan();
            let progress = &mut state.progress;
            (progress.rows, progress.fields, progress.folds) = (plan.rows, plan.fields, plan.folds);
            let members = plan.members.iter().map(|member| MemberProgress {
                name: member.name.clone(),
                folds_done: 0,
                folds: plan.folds,
                value: None,
            });
            progress.members = members.collect();
            state.losses = vec![(0.0, 0); plan.members.len()];
            state.has_best = plan.has_best;
            let is_refitted = plan.refit_rows > 0;
            let works = plan.members.iter().map(|member| MemberWork {
                trees: member.trees.unwrap_or(1) as f64,
                more: 1.0,
                grows: member.trees.is_some(),
                folds: plan.folds,
                is_whole_left: true,
                is_refit_left: is_refitted,
                ended: (0.0, 0.0),
                under_way: 0.0,
                steps: 0.0,
                units: 0.0,
                seconds: 0.0,
            });
            let grows = plan.members.iter().any(|member| member.trees.is_some());
            state.estimate = Estimate {
                cells: plan.rows as f64 * plan.fields as f64,
                refit_cells: plan.refit_rows as f64 * plan.fields as f64,
                folds: plan.folds,
                members: works.collect(),
                passes: 2,
                columns: usize::from(grows) * (1 + usize::from(is_refitted)),
                is_spread_left: plan.has_spread && grows,
                ..Estimate::default()
            };
        });
    }

    /// The rows come into so many folds.
    pub(crate) fn folds(&self, folds: usize) {
        self.note(|state, _| {
            (state.progress.folds, state.estimate.folds) = (folds, folds);
            for member in &mut state.progress.members {
                member.folds = folds;
            }
            for work in &mut state.estimate.members {
                work.folds = folds;
            }
        });
    }

    /// A stage begins; one that is behind does not begin again.
    pub(crate) fn enter(&self, stage: FitStage) {
        let Some(watched) = &self.0 else {
            return;
        };
        watched.note(true, |state, now| {
            if stage <= state.progress.stage {
                return;
            }
            if state.progress.stage == FitStage::Binding {
                state.estimate.pass_s = (now - watched.began).as_secs_f64();
            }
            let progress = &mut state.progress;
            (progress.stage, progress.member, progress.fold) = (stage, None, None);
            let estimate = &mut state.estimate;
            if stage >= FitStage::Weights {
                // A member that has no columns is left out.
                for work in &mut estimate.members {
                    (work.folds, work.is_whole_left) = (0, false);
                }
            }
            if stage >= FitStage::Judging {
                estimate.is_spread_left = false;
            }
            if stage >= FitStage::Refit {
                estimate.passes = 1;
            }
            if stage >= FitStage::Explaining {
                estimate.columns = 0;
                for work in &mut estimate.members {
                    work.is_refit_left = false;
                }
            }
        });
    }

    /// Makes the columns of the trees.
    pub(crate) fn columns<T>(&self, make: impl FnOnce() -> T) -> T {
        self.note(|state, _| (state.progress.member, state.progress.fold) = (None, None));
        let began = Instant::now();
        let made = make();
        self.note(|state, now| {
            state.estimate.columns = state.estimate.columns.saturating_sub(1);
            state.estimate.columns_s = Some((now - began).as_secs_f64());
        });
        made
    }

    /// The work of the member at a place.
    pub(crate) fn member(&self, place: usize) -> Work<'_> {
        Work(self.0.as_ref().map(|watched| (watched, place)))
    }

    /// Members at these places are fitted on all rows; the others are not.
    pub(crate) fn refits(&self, places: impl Fn(usize) -> bool) {
        self.enter(FitStage::Refit);
        self.note(|state, _| {
            for (place, work) in state.estimate.members.iter_mut().enumerate() {
                work.is_refit_left &= places(place);
            }
        });
    }

    /// So many clusters each are tried.
    pub(crate) fn clusters(&self, numbers: RangeInclusive<usize>, rows: usize, fields: usize) {
        self.plan(|| PlannedFit {
            rows,
            refit_rows: 0,
            fields,
            folds: 1,
            members: numbers
                .clone()
                .map(|number| Planned {
                    name: number.to_string(),
                    trees: None,
                })
                .collect(),
            has_spread: false,
            has_best: true,
        });
        self.enter(FitStage::Clusters);
        self.note(|state, now| {
            state.estimate.passes = 1;
            // Each centre is a distance more.
            for (work, number) in state.estimate.members.iter_mut().zip(numbers) {
                (work.trees, work.is_whole_left) = (number as f64, false);
            }
            if !state.progress.members.is_empty() {
                state.begin(0, Piece::Fold(1), now);
            }
        });
    }

    /// The next number of clusters has been tried: its silhouette.
    pub(crate) fn tried(&self, silhouette: f64) {
        self.note(|state, now| {
            let Some(place) = state.pieces.len().checked_sub(1) else {
                return;
            };
            state.losses[place] = (silhouette, 1);
            state.end(place, now);
            // One step of that many centres.
            let work = &mut state.estimate.members[place];
            work.units *= work.trees;
            state.value(place);
            if place + 1 < state.progress.members.len() {
                state.begin(place + 1, Piece::Fold(1), now);
            }
        });
    }

    /// The model is fitted.
    pub(crate) fn done(&self) {
        self.enter(FitStage::Done);
    }
}
