//! Keeps what a fit has done, and tells its observer. Where nobody watches, every call is one comparison.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::estimate::{Estimate, MemberWork, Piece};
use super::observer::{FitObserver, Observer};
use super::told::{FitProgress, FitStage, Measure, MemberProgress};

/// Single trees are told of no more often. Folds, members and stages are always told.
const PAUSE: Duration = Duration::from_millis(100);
/// A fit is over when it has returned, not before.
const NEARLY: f64 = 0.999;

/// The loss of a prediction beside its target.
type Loss = fn(f64, f64) -> f64;

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
}

/// A piece that is under way.
struct UnderWay {
    member: usize,
    piece: Piece,
    /// When it was last heard of.
    heard: Instant,
    steps: f64,
    units: f64,
}

struct State {
    told: FitProgress,
    estimate: Estimate,
    /// By member the losses of what was predicted, and how many they are.
    losses: Vec<(f64, usize)>,
    /// By the number that its [`Running`] has.
    pieces: Vec<Option<UnderWay>>,
    /// When anything was last heard of.
    heard: Instant,
    /// When the observer was last told.
    said: Option<Instant>,
}

/// A fit that is watched.
pub(crate) struct Watched {
    observer: Arc<dyn FitObserver>,
    loss: Loss,
    began: Instant,
    state: Mutex<State>,
}

impl Watched {
    /// Something has happened: notes it, and tells the observer, of what is not urgent now and then.
    fn note(&self, is_urgent: bool, change: impl FnOnce(&mut State, Instant)) {
        // A panic of the observer leaves a state that can be told.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        let now = Instant::now();
        if state.pieces.iter().any(Option::is_some) {
            state.estimate.worked_s += (now - state.heard).as_secs_f64();
        }
        state.heard = now;
        change(state, now);
        if !is_urgent && state.said.is_some_and(|said| now - said < PAUSE) {
            return;
        }
        state.said = Some(now);
        let told = &mut state.told;
        let elapsed = (now - self.began).as_secs_f64();
        told.elapsed_s = elapsed;
        match told.stage {
            FitStage::Binding => {}
            FitStage::Done => (told.fraction, told.left_s) = (1.0, Some(0.0)),
            _ => {
                told.left_s = state.estimate.left_s();
                if let Some(left) = told.left_s {
                    told.estimated_s.get_or_insert(elapsed + left);
                    let share = elapsed / (elapsed + left).max(f64::MIN_POSITIVE);
                    told.fraction = told.fraction.max(share.min(NEARLY));
                }
            }
        }
        self.observer.told(told);
    }
}

impl State {
    /// The member that is heard of now.
    fn heard_of(&mut self, member: usize, piece: Piece) {
        self.told.member = Some(self.told.members[member].name.clone());
        self.told.fold = match piece {
            Piece::Fold(number) => Some(number),
            Piece::Whole | Piece::Refit => None,
        };
    }

    /// One more step of a piece is done.
    fn step(&mut self, number: usize, now: Instant) {
        let Some(piece) = &mut self.pieces[number] else {
            return;
        };
        let units = self.estimate.cells_of(piece.piece);
        let work = &mut self.estimate.members[piece.member];
        work.steps += 1.0;
        work.units += units;
        work.under_way += units;
        work.seconds += (now - piece.heard).as_secs_f64();
        (piece.steps, piece.units) = (piece.steps + 1.0, piece.units + units);
        piece.heard = now;
        let (member, piece) = (piece.member, piece.piece);
        self.heard_of(member, piece);
    }

    /// A piece has ended.
    fn end(&mut self, number: usize, now: Instant) {
        let is_whole = self.pieces[number]
            .as_ref()
            .is_some_and(|piece| piece.steps == 0.0);
        if is_whole {
            self.step(number, now);
        }
        let Some(ended) = self.pieces[number].take() else {
            return;
        };
        let work = &mut self.estimate.members[ended.member];
        work.under_way = (work.under_way - ended.units).max(0.0);
        match ended.piece {
            Piece::Fold(_) => {
                work.folds = work.folds.saturating_sub(1);
                work.ended = (work.ended.0 + ended.steps, work.ended.1 + 1.0);
                self.told.members[ended.member].folds_done += 1;
            }
            Piece::Whole => work.is_whole_left = false,
            Piece::Refit => work.is_refit_left = false,
        }
        self.heard_of(ended.member, ended.piece);
    }

    /// The losses of a member give its value, and the values the best member.
    fn value(&mut self, member: usize) {
        let (sum, count) = self.losses[member];
        let measure = self.told.measure;
        let mean = sum / count.max(1) as f64;
        self.told.members[member].value = Some(match measure {
            Measure::RmseLog => mean.sqrt(),
            Measure::LogLoss | Measure::Silhouette => mean,
        });
        let mut best: Option<&MemberProgress> = None;
        for member in &self.told.members {
            let is_best = match (best.and_then(|best| best.value), member.value) {
                (_, None) => false,
                (None, Some(_)) => true,
                (Some(best), Some(value)) => measure.is_better(value, best),
            };
            if is_best {
                best = Some(member);
            }
        }
        self.told.best = best.map(|best| best.name.clone());
    }
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
                told: FitProgress {
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
                pieces: Vec::new(),
                heard: now,
                said: None,
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
            let told = &mut state.told;
            (told.rows, told.fields, told.folds) = (plan.rows, plan.fields, plan.folds);
            let members = plan.members.iter().map(|member| MemberProgress {
                name: member.name.clone(),
                folds_done: 0,
                folds: plan.folds,
                value: None,
            });
            told.members = members.collect();
            state.losses = vec![(0.0, 0); plan.members.len()];
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
            (state.told.folds, state.estimate.folds) = (folds, folds);
            for member in &mut state.told.members {
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
            if stage <= state.told.stage {
                return;
            }
            if state.told.stage == FitStage::Binding {
                state.estimate.pass_s = (now - watched.began).as_secs_f64();
            }
            let told = &mut state.told;
            (told.stage, told.member, told.fold) = (stage, None, None);
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
        self.note(|state, _| (state.told.member, state.told.fold) = (None, None));
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
        });
        self.enter(FitStage::Clusters);
        self.note(|state, now| {
            state.estimate.passes = 1;
            // Each centre is a distance more.
            for (work, number) in state.estimate.members.iter_mut().zip(numbers) {
                (work.trees, work.is_whole_left) = (number as f64, false);
            }
            if !state.told.members.is_empty() {
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
            if place + 1 < state.told.members.len() {
                state.begin(place + 1, Piece::Fold(1), now);
            }
        });
    }

    /// The model is fitted.
    pub(crate) fn done(&self) {
        self.enter(FitStage::Done);
    }
}

impl State {
    /// A piece begins; gives its number.
    fn begin(&mut self, member: usize, piece: Piece, now: Instant) -> usize {
        self.pieces.push(Some(UnderWay {
            member,
            piece,
            heard: now,
            steps: 0.0,
            units: 0.0,
        }));
        self.heard_of(member, piece);
        self.pieces.len() - 1
    }
}

/// The work of one member of a fit; of one that nobody watches it keeps nothing.
#[derive(Clone, Copy)]
pub(crate) struct Work<'a>(Option<(&'a Watched, usize)>);

impl<'a> Work<'a> {
    /// The work of whatever is not told of.
    pub(crate) const fn none() -> Work<'static> {
        Work(None)
    }

    fn begin(&self, piece: Piece, trees: Option<usize>) -> Running<'a> {
        Running(self.0.map(|(watched, member)| {
            let mut number = 0;
            watched.note(true, |state, now| {
                let work = &mut state.estimate.members[member];
                if let Some(trees) = trees {
                    // The folds have settled how many trees there are.
                    work.settle(trees);
                }
                number = state.begin(member, piece, now);
            });
            (watched, number)
        }))
    }

    /// The fit without a fold begins; the folds are numbered from 0.
    pub(crate) fn fold(&self, index: usize) -> Running<'a> {
        self.begin(Piece::Fold(index + 1), None)
    }

    /// The fit on all training rows begins, of so many trees.
    pub(crate) fn whole(&self, trees: Option<usize>) -> Running<'a> {
        self.begin(Piece::Whole, trees)
    }

    /// The fit on all rows begins, of so many trees.
    pub(crate) fn refit(&self, trees: Option<usize>) -> Running<'a> {
        self.begin(Piece::Refit, trees)
    }

    /// What the member predicts for all rows that folds judge: it is fitted.
    pub(crate) fn judged(&self, predicted: &[f64], targets: impl FnOnce() -> Vec<f64>) {
        if let Some((watched, member)) = self.0 {
            let targets = targets();
            let losses = predicted.iter().zip(&targets);
            let sum = losses.map(|(value, target)| (watched.loss)(*value, *target));
            let sum: f64 = sum.sum();
            watched.note(true, |state, _| {
                let work = &mut state.estimate.members[member];
                (work.folds, work.is_whole_left) = (0, false);
                let told = &mut state.told.members[member];
                told.folds_done = told.folds;
                state.losses[member] = (sum, predicted.len());
                state.value(member);
            });
        }
    }

    /// The member cannot be fitted on these rows.
    pub(crate) fn left_out(&self) {
        if let Some((watched, member)) = self.0 {
            watched.note(true, |state, _| {
                let work = &mut state.estimate.members[member];
                (work.folds, work.is_whole_left, work.is_refit_left) = (0, false, false);
            });
        }
    }
}

/// One fit of a member; over when dropped.
pub(crate) struct Running<'a>(Option<(&'a Watched, usize)>);

impl Running<'_> {
    /// A fit that is not told of.
    pub(crate) const fn none() -> Running<'static> {
        Running(None)
    }

    /// One more tree has grown.
    pub(crate) fn step(&self) {
        if let Some((watched, number)) = self.0 {
            watched.note(false, |state, now| state.step(number, now));
        }
    }

    /// What it predicts for rows that it has not seen, and their targets.
    pub(crate) fn judged(&self, pairs: impl Iterator<Item = (f64, f64)>) {
        let Some((watched, number)) = self.0 else {
            return;
        };
        let (mut sum, mut count) = (0.0, 0);
        for (value, target) in pairs {
            sum += (watched.loss)(value, target);
            count += 1;
        }
        watched.note(false, |state, _| {
            let Some(member) = state.pieces[number].as_ref().map(|piece| piece.member) else {
                return;
            };
            let losses = &mut state.losses[member];
            *losses = (losses.0 + sum, losses.1 + count);
            state.value(member);
        });
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some((watched, number)) = self.0 {
            watched.note(true, |state, now| state.end(number, now));
        }
    }
}
