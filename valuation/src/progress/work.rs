//! The work of one member of a fit, and one fit of it.

use super::estimate::Piece;
use super::watched::Watched;

/// The work of one member of a fit; of one that nobody watches it keeps nothing.
#[derive(Clone, Copy)]
pub(crate) struct Work<'a>(pub(super) Option<(&'a Watched, usize)>);

impl<'a> Work<'a> {
    /// Work that is not observed.
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
                let progress = &mut state.progress.members[member];
                progress.folds_done = progress.folds;
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
    /// A fit that is not observed.
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
