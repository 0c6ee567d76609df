//! A line through the log odds: logistic regression on the linear design, by `linfa-logistic`.
//!
//! The least of −Σ log p(class)/n + penalty/2·Σw² over standardised columns: the ridge of
//! le Cessie & van Houwelingen 1992 (Ridge Estimators in Logistic Regression).

use linfa::DatasetBase;
use linfa::prelude::Fit;
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, Array2};
use records::Task;
use serde::{Deserialize, Serialize};

use super::context::FitContext;
use super::fitted::Settled;
use super::learner::{Learner, OutOfFold, OutOfRange};
use crate::fit_error::FitError;
use crate::linear::{Linear, SparseRow};
use crate::progress::Work;
use crate::solver_error::SolverError;

/// Steps of the solver at most: it settles in some tens.
const MOST_STEPS: u64 = 300;
/// The solver has arrived where no weight's slope, a row, is greater.
const FLAT: f64 = 1e-6;

/// How a logistic member is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogisticOptions {
    /// How much squares of weights cost, a row, in standard deviations of their columns.
    pub penalty: f64,
}

impl LogisticOptions {
    /// The line on all rows.
    fn of_all(&self, context: &FitContext) -> Result<Linear, FitError> {
        let (design, classes) = (context.design(), classes(context));
        Ok(fit(
            design.written(),
            &classes,
            design.linear_design.width(),
            *self,
        )?)
    }
}

/// By position, whether the row is of the class.
fn classes(context: &FitContext) -> Vec<bool> {
    context.targets.iter().map(|class| *class > 0.0).collect()
}

impl Learner for LogisticOptions {
    type Fitted = Linear;

    const TASKS: &'static [Task] = &[Task::Classification];
    const NEEDS_DESIGN: bool = true;
    const NEEDS_TREE_INPUTS: bool = false;

    fn check(&self) -> Result<(), OutOfRange> {
        match self.penalty.is_finite() && self.penalty >= 0.0 {
            true => Ok(()),
            false => Err(OutOfRange {
                option: "penalty",
                expected: "0 or above",
                found: self.penalty,
            }),
        }
    }

    fn out_of_fold(
        &self,
        context: &FitContext,
        _seed: u64,
        work: Work,
    ) -> Result<Option<OutOfFold<Linear>>, FitError> {
        let (design, classes) = (context.design(), classes(context));
        // Nothing in there runs on other threads, which could wait for this one.
        let written = design.written();
        let predicted = context.by_fold(work, |fold| {
            let rows = fold.train.iter().map(|row| *row as usize);
            let (train, of_class): (Vec<_>, Vec<bool>) =
                rows.map(|row| (written[row].clone(), classes[row])).unzip();
            let line = fit(&train, &of_class, design.linear_design.width(), *self)?;
            let judged = fold.judge.iter().map(|row| &written[*row as usize]);
            Ok(judged.map(|row| line.predict(row)).collect())
        })?;
        let _running = work.whole(None);
        Ok(Some(OutOfFold::new(self.of_all(context)?, predicted)))
    }

    fn refit(
        &self,
        context: &FitContext,
        _seed: u64,
        _settled: Settled,
        work: Work,
    ) -> Result<Linear, FitError> {
        let _running = work.refit(None);
        self.of_all(context)
    }
}

/// Fits log odds of `classes` on `rows` of a design of `width` columns.
///
/// # Errors
/// When the solver fails.
fn fit(
    rows: &[SparseRow],
    classes: &[bool],
    width: usize,
    options: LogisticOptions,
) -> Result<Linear, SolverError> {
    let of_class = classes.iter().filter(|class| **class).count();
    if of_class == 0 || of_class == classes.len() {
        return Ok(of_one_class(of_class > 0, classes.len(), width));
    }
    let count = rows.len() as f64;
    let mut means = vec![0.0; width];
    let mut squares = vec![0.0; width];
    for (column, value) in rows.iter().flatten() {
        means[*column] += value / count;
    }
    for row in rows {
        let mut deviations: Vec<f64> = means.iter().map(|mean| -mean).collect();
        for (column, value) in row {
            deviations[*column] += value;
        }
        for (square, deviation) in squares.iter_mut().zip(&deviations) {
            *square += deviation * deviation / count;
        }
    }
    let active: Vec<usize> = (0..width)
        .filter(|column| squares[*column] > 1e-12)
        .collect();
    let scales: Vec<f64> = active
        .iter()
        .map(|column| squares[*column].sqrt())
        .collect();
    let mut records = Array2::zeros((rows.len(), active.len()));
    let mut place = vec![None; width];
    for (at, column) in active.iter().enumerate() {
        place[*column] = Some(at);
        records.column_mut(at).fill(-means[*column] / scales[at]);
    }
    for (row, own) in rows.iter().enumerate() {
        for (column, value) in own {
            if let Some(at) = place[*column] {
                records[(row, at)] += value / scales[at];
            }
        }
    }
    let found = LogisticRegression::default()
        .alpha(options.penalty * count)
        .max_iterations(MOST_STEPS)
        .gradient_tolerance(FLAT * count)
        .fit(&DatasetBase::new(records, Array1::from(classes.to_vec())))
        .map_err(|error| SolverError::Library(error.to_string()))?;
    // The library says how likely the more frequent class is.
    let sign = if found.labels().pos.class { 1.0 } else { -1.0 };
    let mut line = Linear {
        intercept: sign * found.intercept(),
        weights: vec![0.0; width],
        active: active.len(),
        means,
        shrinkage: None,
    };
    for ((column, scale), weight) in active.iter().zip(&scales).zip(found.params()) {
        let weight = sign * weight / scale;
        line.weights[*column] = weight;
        line.intercept -= weight * line.means[*column];
    }
    match line.intercept.is_finite() && line.weights.iter().all(|weight| weight.is_finite()) {
        true => Ok(line),
        false => Err(SolverError::Diverged),
    }
}

/// The line of rows that are all of the class, or all not: the log odds of a share that half a row more of each has,
/// whatever the columns say. A fold of few rows of the class may hold none of them.
fn of_one_class(is_of_class: bool, rows: usize, width: usize) -> Linear {
    let log_odds = (2.0 * rows as f64 + 1.0).ln();
    Linear {
        intercept: if is_of_class { log_odds } else { -log_odds },
        weights: vec![0.0; width],
        active: 0,
        means: vec![0.0; width],
        shrinkage: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sixty rows of two columns on different scales.
    pub(crate) fn made() -> (Vec<SparseRow>, Vec<bool>) {
        let row = |i: usize| {
            let (one, two) = ((i * 37 % 23) as f64 / 5.0, (i * 11 % 17) as f64 * 20.0);
            let class = one * 0.8 + two * 0.01 + (i * 7 % 5) as f64 * 0.6 > 4.2;
            (vec![(0, one), (1, two)], class)
        };
        (0..60).map(row).unzip()
    }

    #[test]
    fn the_class_is_told_whichever_is_more_frequent() {
        let (rows, classes) = made();
        let options = LogisticOptions { penalty: 0.01 };
        let line = fit(&rows, &classes, 2, options).expect("fits");
        let others: Vec<bool> = classes.iter().map(|class| !class).collect();
        let other = fit(&rows, &others, 2, options).expect("fits");
        assert!((line.predict(&rows[1]) + other.predict(&rows[1])).abs() < 1e-4);
        // As many of the one as of the other.
        let half: Vec<usize> = [true, false]
            .iter()
            .flat_map(|class| {
                let of = (0..60).filter(|row| classes[*row] == *class);
                of.take(20).collect::<Vec<_>>()
            })
            .collect();
        for order in [half.clone(), half.into_iter().rev().collect()] {
            let (some, own): (Vec<SparseRow>, Vec<bool>) = order
                .iter()
                .map(|row| (rows[*row].clone(), classes[*row]))
                .unzip();
            let line = fit(&some, &own, 2, options).expect("fits");
            assert!(line.predict(&rows[1]) > 0.5);
        }
    }

    #[test]
    fn rows_of_one_class_alone_have_its_log_odds() {
        let (rows, _) = made();
        let options = LogisticOptions { penalty: 0.01 };
        let line = fit(&rows, &[false; 60], 2, options).expect("fits");
        assert_eq!((line.predict(&rows[1]), line.active), (-121_f64.ln(), 0));
        let line = fit(&rows, &[true; 60], 2, options).expect("fits");
        assert_eq!(line.predict(&rows[1]), 121_f64.ln());
    }

    #[test]
    fn agrees_with_scikit_learn() {
        let (rows, classes) = made();
        let line = fit(&rows, &classes, 3, LogisticOptions { penalty: 0.01 }).expect("fits");
        assert_eq!((line.active, line.weights[2]), (2, 0.0));
        // scikit-learn 1.9.1, StandardScaler and LogisticRegression(C=1/(0.01*60), tol=1e-10):
        // decision_function of the first rows.
        for (row, expected) in SKLEARN {
            let found = line.predict(&rows[row]);
            assert!((found - expected).abs() < 1e-3, "{row}: {found} {expected}");
        }
    }

    const SKLEARN: [(usize, f64); 4] = [
        (0, -5.319_655_579),
        (1, 2.464_219_556),
        (2, -2.324_242_337),
        (33, -3.317_114_362),
    ];
}
