//! What trees are to make small: where it falls (its gradient), and how far to go (its hessian).
//!
//! A tree is grown on the negative gradients by least squares, and its leaves say one step of
//! Newton's method each: for squares the mean of what is left, for the logistic loss as in Friedman
//! 2001 (Greedy Function Approximation, algorithm 5, L2_TreeBoost) the sum of gradients over the sum
//! of hessians. So the search for splits is the same, and squares pay nothing for other losses.

use super::grow::Grower;
use super::tree::Tree;

/// Odds beyond these are as good as certain, and hessians are kept from 0.
const MOST_LOG_ODDS: f64 = 30.0;
/// Hessians of a leaf at least: a leaf of rows that are certain takes no step without bound.
const LEAST_HESSIAN: f64 = 1e-9;

/// A loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Loss {
    /// (y − f)²/2 of numbers.
    #[default]
    Squared,
    /// −y·log p − (1 − y)·log(1 − p) of classes 0 and 1, f being the log odds of p.
    Logistic,
}

/// The probability of these log odds.
pub(crate) fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

impl Loss {
    /// The best constant prediction.
    pub(super) fn base(self, targets: impl Iterator<Item = f64>) -> f64 {
        let (mut sum, mut count) = (0.0, 0_usize);
        for target in targets {
            sum += target;
            count += 1;
        }
        let mean = sum / count.max(1) as f64;
        match self {
            Loss::Squared => mean,
            Loss::Logistic => (mean / (1.0 - mean))
                .ln()
                .clamp(-MOST_LOG_ODDS, MOST_LOG_ODDS),
        }
    }
}

/// How far an ensemble under way has come.
pub(super) struct Progress<'a> {
    loss: Loss,
    targets: &'a [f64],
    /// By row, what the next tree is to learn: negative gradients. Of squares it is what is left.
    pub(super) gradients: Vec<f64>,
    /// By row, the prediction; empty for squares, whose gradients are enough.
    scores: Vec<f64>,
}

impl<'a> Progress<'a> {
    /// The prediction is `base` alone.
    pub(super) fn new(loss: Loss, targets: &'a [f64], base: f64) -> Progress<'a> {
        let mut progress = Progress {
            loss,
            targets,
            gradients: targets.iter().map(|target| target - base).collect(),
            scores: Vec::new(),
        };
        if loss == Loss::Logistic {
            progress.scores = vec![base; targets.len()];
            progress.follow();
        }
        progress
    }

    /// Gradients of the predictions.
    fn follow(&mut self) {
        let predicted = self.targets.iter().zip(&self.scores);
        for (gradient, (target, score)) in self.gradients.iter_mut().zip(predicted) {
            *gradient = target - probability(*score);
        }
    }

    /// Takes in the tree that `grower` has just grown; its leaves become steps of this loss.
    pub(super) fn take(&mut self, grower: &mut Grower, tree: &mut Tree, rate: f64, penalty: f64) {
        if self.loss == Loss::Squared {
            grower.take(&mut self.gradients);
            return;
        }
        grower.step(tree, |rows| {
            let (mut gradients, mut hessians) = (0.0, 0.0);
            for row in rows {
                let probability_of_row = probability(self.scores[*row as usize]);
                gradients += self.gradients[*row as usize];
                hessians += probability_of_row * (1.0 - probability_of_row);
            }
            rate * gradients / (hessians + penalty).max(LEAST_HESSIAN)
        });
        grower.add(&mut self.scores);
        for score in &mut self.scores {
            *score = score.clamp(-2.0 * MOST_LOG_ODDS, 2.0 * MOST_LOG_ODDS);
        }
        self.follow();
    }

    /// What is predicted for a row.
    pub(super) fn predicted(&self, row: u32) -> f64 {
        match self.loss {
            Loss::Squared => self.targets[row as usize] - self.gradients[row as usize],
            Loss::Logistic => self.scores[row as usize],
        }
    }

    /// How bad what is predicted for `rows` is; by sizes, not squares, where the greatest residuals are
    /// not `trusted`.
    pub(super) fn error(&self, rows: &[u32], trusted: f64) -> f64 {
        let left = rows.iter().map(|row| self.gradients[*row as usize]);
        match self.loss {
            Loss::Squared if trusted < 1.0 => left.map(f64::abs).sum(),
            Loss::Squared => left.map(|left| left * left).sum(),
            Loss::Logistic => rows
                .iter()
                .map(|row| {
                    let (target, score) = (self.targets[*row as usize], self.scores[*row as usize]);
                    // log(1 + e^f) − y·f, where e^f cannot overflow.
                    score.max(0.0) + (-score.abs()).exp().ln_1p() - target * score
                })
                .sum(),
        }
    }
}
