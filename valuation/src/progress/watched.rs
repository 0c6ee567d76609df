//! The state of a fit that is observed, and when it is reported.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::estimate::{Estimate, Piece};
use super::fit_progress::{FitProgress, FitStage, Measure, MemberProgress};
use super::observer::FitObserver;

/// Shortest time between two reports of single trees. Folds, members and stages are always reported.
const PAUSE: Duration = Duration::from_millis(100);
/// A fit is over when it has returned, not before.
const NEARLY: f64 = 0.999;

/// The loss of a prediction beside its target.
pub(super) type Loss = fn(f64, f64) -> f64;

/// A piece that is under way.
pub(super) struct UnderWay {
    pub(super) member: usize,
    pub(super) piece: Piece,
    /// When it was last heard of.
    pub(super) heard: Instant,
    pub(super) steps: f64,
    pub(super) units: f64,
}

/// What the fit has done.
pub(super) struct State {
    /// How far it is, as the observer sees it.
    pub(super) progress: FitProgress,
    pub(super) estimate: Estimate,
    /// By member the losses of what was predicted, and how many they are.
    pub(super) losses: Vec<(f64, usize)>,
    /// Whether the members are compared.
    pub(super) has_best: bool,
    /// By the number that its [`Running`] has.
    pub(super) pieces: Vec<Option<UnderWay>>,
    /// When anything was last heard of.
    pub(super) heard: Instant,
    /// When it was last reported.
    pub(super) reported_at: Option<Instant>,
}

/// A fit that is watched.
pub(super) struct Watched {
    pub(super) observer: Arc<dyn FitObserver>,
    pub(super) loss: Loss,
    pub(super) began: Instant,
    pub(super) state: Mutex<State>,
}

impl Watched {
    /// Something has happened: notes it, and tells the observer, of what is not urgent now and then.
    pub(super) fn note(&self, is_urgent: bool, change: impl FnOnce(&mut State, Instant)) {
        // A panic of the observer leaves a state that can be reported.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        let now = Instant::now();
        if state.pieces.iter().any(Option::is_some) {
            state.estimate.worked_s += (now - state.heard).as_secs_f64();
        }
        state.heard = now;
        change(state, now);
        if !is_urgent && state.reported_at.is_some_and(|at| now - at < PAUSE) {
            return;
        }
        state.reported_at = Some(now);
        let progress = &mut state.progress;
        let elapsed = (now - self.began).as_secs_f64();
        progress.elapsed_s = elapsed;
        match progress.stage {
            FitStage::Binding => {}
            FitStage::Done => (progress.fraction, progress.left_s) = (1.0, Some(0.0)),
            _ => {
                progress.left_s = state.estimate.left_s();
                if let Some(left) = progress.left_s {
                    progress.estimated_s.get_or_insert(elapsed + left);
                    let share = elapsed / (elapsed + left).max(f64::MIN_POSITIVE);
                    progress.fraction = progress.fraction.max(share.min(NEARLY));
                }
            }
        }
        self.observer.observe(progress);
    }
}

impl State {
    /// A piece begins; gives its number.
    pub(super) fn begin(&mut self, member: usize, piece: Piece, now: Instant) -> usize {
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

    /// The member that is heard of now.
    pub(super) fn heard_of(&mut self, member: usize, piece: Piece) {
        self.progress.member = Some(self.progress.members[member].name.clone());
        self.progress.fold = match piece {
            Piece::Fold(number) => Some(number),
            Piece::Whole | Piece::Refit => None,
        };
    }

    /// One more step of a piece is done.
    pub(super) fn step(&mut self, number: usize, now: Instant) {
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
    pub(super) fn end(&mut self, number: usize, now: Instant) {
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
                self.progress.members[ended.member].folds_done += 1;
            }
            Piece::Whole => work.is_whole_left = false,
            Piece::Refit => work.is_refit_left = false,
        }
        self.heard_of(ended.member, ended.piece);
    }

    /// The losses of a member give its value, and the values the best member.
    pub(super) fn value(&mut self, member: usize) {
        let (sum, count) = self.losses[member];
        let measure = self.progress.measure;
        let mean = sum / count.max(1) as f64;
        self.progress.members[member].value = Some(match measure {
            Measure::RmseLog => mean.sqrt(),
            Measure::LogLoss | Measure::Silhouette => mean,
        });
        if !self.has_best {
            return;
        }
        let mut best: Option<&MemberProgress> = None;
        for member in &self.progress.members {
            let is_best = match (best.and_then(|best| best.value), member.value) {
                (_, None) => false,
                (None, Some(_)) => true,
                (Some(best), Some(value)) => measure.is_better(value, best),
            };
            if is_best {
                best = Some(member);
            }
        }
        self.progress.best = best.map(|best| best.name.clone());
    }
}
