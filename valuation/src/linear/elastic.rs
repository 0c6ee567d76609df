//! Weights drawn to 0 by their sizes and their squares (Zou & Hastie 2005, Regularization and
//! Variable Selection via the Elastic Net), on standardised columns as Friedman et al. 2010
//! (Regularization Paths for Generalized Linear Models via Coordinate Descent) do: the least
//!
//! ```text
//! Σ(y − Xw)²/(2n) + λ·(α·Σ|w| + (1 − α)/2·Σw²)
//! ```

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_elasticnet::ElasticNet;
use ndarray::Axis;

use super::triangle::Triangle;
use super::{Linear, Shrinkage};
use crate::solver_error::SolverError;

/// Penalties tried: from this share of the greatest that leaves any weight, each a third of the last.
const FIRST: f64 = 0.1;
const STEP: f64 = 1.0 / 3.0;
const STEPS: usize = 9;
/// Sweeps of the coordinate descent at most.
const MOST_SWEEPS: u32 = 500;

/// The penalties to try, the greatest first.
pub(crate) fn penalties(triangle: &Triangle, l1_ratio: f64) -> Vec<Shrinkage> {
    let greatest = triangle.greatest() / l1_ratio;
    let shares = (0..STEPS).map(|step| FIRST * STEP.powi(step as i32));
    let shrinkage = |share| Shrinkage {
        l1_ratio,
        penalty: share * greatest,
    };
    shares.map(shrinkage).collect()
}

impl Triangle {
    /// The line of shrunken weights.
    ///
    /// # Errors
    /// When the solver fails.
    pub(crate) fn elastic_net(&self, shrinkage: Shrinkage) -> Result<Linear, SolverError> {
        self.signed(|triangle| triangle.unsigned_net(shrinkage))
    }

    fn unsigned_net(&self, shrinkage: Shrinkage) -> Result<Linear, SolverError> {
        if self.deviations.is_empty() {
            return self.line(&[], Some(shrinkage));
        }
        // Without sizes there is nothing to search for.
        if shrinkage.l1_ratio == 0.0 {
            return self.ridge(shrinkage);
        }
        // Columns of R are read one by one: Rᵀ turned round has each in one piece.
        let mut triangle = self.lower.clone().reversed_axes();
        for (mut column, deviation) in triangle.axis_iter_mut(Axis(1)).zip(&self.deviations) {
            column /= *deviation;
        }
        // The library divides the squares by its own number of rows, which are the triangle's.
        let scale = self.count / self.deviations.len() as f64;
        let fitted = ElasticNet::params()
            .with_intercept(false)
            .l1_ratio(shrinkage.l1_ratio)
            .penalty(shrinkage.penalty * scale)
            .max_iterations(MOST_SWEEPS)
            .fit(&DatasetBase::new(triangle, self.right.clone()))
            .map_err(|error| SolverError::Library(error.to_string()))?;
        let weights = fitted.hyperplane().iter().zip(&self.deviations);
        let weights: Vec<f64> = weights
            .map(|(weight, deviation)| weight / deviation)
            .collect();
        self.line(&weights, Some(shrinkage))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::SparseRow;

    #[test]
    fn weights_are_those_of_scikit_learn() {
        let columns = |i: usize| {
            let of = |step: usize, turn: usize| (i * step % turn) as f64;
            [of(7, 11) / 3.0, of(5, 13), of(1, 2), 10.0 * of(3, 7)]
        };
        let rows: Vec<SparseRow> = (0..60)
            .map(|i| columns(i).into_iter().enumerate().collect())
            .collect();
        let targets: Vec<f64> = (0..60)
            .map(|i| {
                let [a, b, c, _] = columns(i);
                2.0 * a - 0.3 * b + 0.5 * c + (i * 17 % 19) as f64 / 10.0
            })
            .collect();
        let triangle = Triangle::of(&rows, &targets, 4).unwrap();
        // scikit-learn 1.9.1 ElasticNet(tol=1e-12) on standardised columns, weights divided by the
        // columns' deviations.
        for (l1_ratio, penalty, weights, intercept) in [
            (
                0.5,
                0.2,
                [1.773_164_980, -0.250_077_962, 0.255_338_103, 0.0],
                1.109_618_578,
            ),
            (
                1.0,
                0.1,
                [1.947_957_846, -0.273_760_337, 0.284_455_658, 0.0],
                0.945_256_243,
            ),
            (
                0.2,
                1.0,
                [1.037_866_472, -0.140_912_573, 0.035_316_652, 0.0],
                1.792_400_056,
            ),
        ] {
            let shrinkage = Shrinkage { l1_ratio, penalty };
            let found = triangle.elastic_net(shrinkage).unwrap();
            let found: Vec<f64> = found.weights.into_iter().chain([found.intercept]).collect();
            for (found, expected) in found.iter().zip(weights.into_iter().chain([intercept])) {
                assert!((found - expected).abs() < 1e-3, "{found} {expected}");
            }
        }
    }
}
