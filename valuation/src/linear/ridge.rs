//! Weights drawn to 0 by their squares (Hoerl & Kennard 1970, Ridge Regression), on standardised columns:
//! the least
//!
//! ```text
//! Σ(y − Xw)²/n + λ·Σw²
//! ```
//!
//! which is the elastic net's formula without sizes.

use super::triangle::Triangle;
use super::{Linear, Shrinkage};
use crate::solver_error::SolverError;

/// Penalties tried beside next to none, the greatest first: standardised columns explain a variance of 1
/// each, so that the same ones serve all data.
const PENALTIES: [f64; 9] = [1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4];

/// The ridges to try, the greatest first; the last is next to none.
pub(crate) fn ridges() -> Vec<Option<Shrinkage>> {
    let shrinkage = |penalty| {
        Some(Shrinkage {
            l1_ratio: 0.0,
            penalty,
        })
    };
    PENALTIES.into_iter().map(shrinkage).chain([None]).collect()
}

impl Triangle {
    /// The line of weights drawn to 0 by their squares: the normal equations, by Cholesky.
    ///
    /// # Errors
    /// When the columns are singular all the same.
    pub(super) fn ridge(&self, shrinkage: Shrinkage) -> Result<Linear, SolverError> {
        let size = self.deviations.len();
        let scaled = |i: usize, j: usize| {
            self.covariances[[i, j]] / (self.deviations[i] * self.deviations[j])
        };
        // Row-major: row i of the lower triangle, and the solution of its equation on the way.
        let mut lower = vec![0.0; size * size];
        let mut solved = vec![0.0; size];
        for i in 0..size {
            let (above, own) = lower.split_at_mut(i * size);
            for j in 0..i {
                let row = &above[j * size..j * size + j];
                let sum = dot(row, &own[..j]);
                own[j] = (scaled(i, j) - sum) / above[j * size + j];
            }
            let left = scaled(i, i) + shrinkage.penalty - dot(&own[..i], &own[..i]);
            if left.is_nan() || left <= 0.0 {
                return Err(SolverError::Singular { column: i });
            }
            own[i] = left.sqrt();
            let moment = self.moments[i] / self.deviations[i];
            solved[i] = (moment - dot(&own[..i], &solved[..i])) / own[i];
        }
        for i in (0..size).rev() {
            let below = (i + 1..size).map(|j| lower[j * size + i] * solved[j]);
            let below: f64 = below.sum();
            solved[i] = (solved[i] - below) / lower[i * size + i];
        }
        let weights = solved.iter().zip(&self.deviations);
        let weights: Vec<f64> = weights
            .map(|(weight, deviation)| weight / deviation)
            .collect();
        self.line(&weights, Some(shrinkage))
    }
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::SparseRow;

    #[test]
    fn weights_solve_the_penalised_equations() {
        let columns = |i: usize| {
            let of = |step: usize, turn: usize| (i * step % turn) as f64;
            [of(7, 11) / 3.0, of(5, 13), of(1, 2), 10.0 * of(3, 7)]
        };
        let rows: Vec<SparseRow> = (0..60)
            .map(|i| columns(i).into_iter().enumerate().collect())
            .collect();
        let target = |i: usize| 2.0 * columns(i)[0] - 0.3 * columns(i)[1] + (i * 17 % 19) as f64;
        let targets: Vec<f64> = (0..60).map(target).collect();
        let triangle = Triangle::of(&rows, &targets, 4).unwrap();
        let fitted = |penalty| {
            let shrinkage = Shrinkage {
                l1_ratio: 0.0,
                penalty,
            };
            triangle.elastic_net(shrinkage).unwrap()
        };
        for penalty in [1.0, 0.01] {
            let found = fitted(penalty);
            // At the least, what is left is as correlated with a column as its weight is penalised:
            // Σ(x − x̄)(y − Xw)/n = λ·s²·w.
            for column in 0..4 {
                let values: Vec<f64> = (0..60).map(|i| columns(i)[column]).collect();
                let mean = values.iter().sum::<f64>() / 60.0;
                let square: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
                let left = |i: usize| targets[i] - found.predict(&rows[i]);
                let product: f64 = (0..60).map(|i| (values[i] - mean) * left(i)).sum();
                let expected = penalty * square * found.weights[column];
                assert!((product - expected).abs() < 1e-6 * square.max(1.0));
            }
        }
        // Nearer and nearer to least squares.
        let plain = triangle.least_squares().unwrap();
        let near = fitted(1e-9);
        for (one, other) in plain.weights.iter().zip(&near.weights) {
            assert!((one - other).abs() < 1e-4, "{one} {other}");
        }
        let most = fitted(100.0);
        assert!(most.weights.iter().all(|weight| weight.abs() < 0.1));
    }

    #[test]
    fn more_columns_than_rows_are_no_trouble() {
        let value = |i: usize, j: usize| ((i * 31 + j * 17) % 23) as f64 - 11.0;
        let rows: Vec<SparseRow> = (0..20)
            .map(|i| (0..60).map(|j| (j, value(i, j))).collect())
            .collect();
        let targets: Vec<f64> = (0..20).map(|i| value(i, 3)).collect();
        let triangle = Triangle::of(&rows, &targets, 60).unwrap();
        for shrinkage in ridges().into_iter().flatten() {
            let line = triangle.elastic_net(shrinkage).unwrap();
            assert!(rows.iter().all(|row| line.predict(row).is_finite()));
        }
    }
}
