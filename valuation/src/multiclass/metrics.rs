//! How well levels are predicted.

use serde::{Deserialize, Serialize};

use super::errors::{MulticlassErrors, ScoredRow};
use super::normalised::predicted_level;
use crate::classification::{Interval, area, auc, calibration, calibration_error};

/// How well the probabilities of levels distinguish them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MulticlassMetrics {
    /// Mean of −log of the probability of the level that it is (scikit-learn's `log_loss`).
    pub log_loss: f64,
    /// Mean sum of squares of probability less level, over all levels (Brier 1950; scikit-learn's `brier_score_loss`).
    pub brier: f64,
    /// Share of rows that have the predicted level.
    pub accuracy: f64,
    /// Mean recall of the levels: of rare ones as much as of frequent ones (scikit-learn's `balanced_accuracy_score`).
    pub balanced_accuracy: f64,
    /// Mean F1 of the levels (scikit-learn's `f1_score` with `average="macro"`).
    pub macro_f1: f64,
    /// Mean area under the ROC curve of each level against the rest (scikit-learn's `roc_auc_score` with
    /// `multi_class="ovr"`); none where a level is in no row, or in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc: Option<f64>,
    /// Rows by the level that they have, and among those by the one that is predicted.
    pub confusion: Vec<Vec<usize>>,
    /// How many rows these rest on.
    pub rows: usize,
}

/// How well one level is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LevelMetrics {
    /// Share of the level among the rows it is predicted for; 0 where there are none.
    pub precision: f64,
    /// Share of its rows that it is predicted for; 0 where there are none.
    pub recall: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
    /// As [`crate::ClassMetrics::auc`], of the level against the rest; none where it is in no row, or in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc: Option<Interval>,
    /// As [`crate::ClassReport::calibration_error`], of the level's probability.
    pub calibration_error: f64,
    /// How many rows have it.
    pub rows: usize,
}

impl MulticlassMetrics {
    /// Of probabilities by level and the number of the level that it is, row by row; `None` for nothing.
    pub fn of(probabilities: &[Vec<f64>], actual: &[usize]) -> Option<MulticlassMetrics> {
        let levels = probabilities.first()?.len();
        let rows = || probabilities.iter().zip(actual);
        let scored: Vec<ScoredRow> = rows()
            .map(|(row, level)| ScoredRow::of(row, Some(*level)))
            .collect();
        let errors = MulticlassErrors::of(&scored)?;
        let mut confusion = vec![vec![0; levels]; levels];
        for (row, level) in rows() {
            confusion[*level][predicted_level(row)] += 1;
        }
        let counts = || (0..levels).map(|level| Counts::of(&confusion, level));
        let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / levels as f64;
        Some(MulticlassMetrics {
            log_loss: errors.log_loss,
            brier: errors.brier,
            accuracy: errors.accuracy,
            balanced_accuracy: mean(&mut counts().map(|counts| counts.recall())),
            macro_f1: mean(&mut counts().map(|counts| counts.f1())),
            auc: mean_area(probabilities, actual),
            confusion,
            rows: scored.len(),
        })
    }
}

/// The mean area of the levels against the rest; `None` where a level is in no row, or in all.
pub(super) fn mean_area(probabilities: &[Vec<f64>], actual: &[usize]) -> Option<f64> {
    let levels = probabilities.first()?.len();
    let areas = (0..levels).map(|level| {
        let (predicted, is_level) = against_rest(probabilities, actual, level);
        area(&predicted, &is_level)
    });
    Some(areas.sum::<Option<f64>>()? / levels as f64)
}

/// The metrics of each level, in their order.
pub(super) fn by_level(
    probabilities: &[Vec<f64>],
    actual: &[usize],
    confusion: &[Vec<usize>],
) -> Vec<LevelMetrics> {
    let of = |level: usize| {
        let (predicted, is_level) = against_rest(probabilities, actual, level);
        let counts = Counts::of(confusion, level);
        LevelMetrics {
            precision: counts.precision(),
            recall: counts.recall(),
            f1: counts.f1(),
            auc: auc(&predicted, &is_level),
            calibration_error: calibration_error(&calibration(&predicted, &is_level)),
            rows: counts.rows,
        }
    };
    (0..confusion.len()).map(of).collect()
}

/// The probabilities of a level, and which rows have it.
fn against_rest(
    probabilities: &[Vec<f64>],
    actual: &[usize],
    level: usize,
) -> (Vec<f64>, Vec<bool>) {
    let rows = probabilities.iter().zip(actual);
    rows.map(|(row, actual)| (row[level], *actual == level))
        .unzip()
}

/// Rows of a level.
struct Counts {
    /// That have it.
    rows: usize,
    /// That it is predicted for.
    predicted: usize,
    /// Both.
    hits: usize,
}

impl Counts {
    fn of(confusion: &[Vec<usize>], level: usize) -> Counts {
        Counts {
            rows: confusion[level].iter().sum(),
            predicted: confusion.iter().map(|row| row[level]).sum(),
            hits: confusion[level][level],
        }
    }

    fn precision(&self) -> f64 {
        self.hits as f64 / self.predicted.max(1) as f64
    }

    fn recall(&self) -> f64 {
        self.hits as f64 / self.rows.max(1) as f64
    }

    fn f1(&self) -> f64 {
        2.0 * self.hits as f64 / (self.rows + self.predicted).max(1) as f64
    }
}
