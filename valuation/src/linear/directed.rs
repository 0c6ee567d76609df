//! Weights of given signs: a column whose weight would have the wrong one is left out, and the rest are
//! weighed again, until none is left that has (the first half of Lawson & Hanson 1974, Solving Least Squares
//! Problems, chapter 23: what is left out does not come back).

use ndarray::{Array1, Array2};

use super::Linear;
use super::triangle::{Triangle, reduced};
use crate::boosted::Direction;
use crate::solver_error::SolverError;

impl Triangle {
    /// The same where weights have signs: `directions` are by column of the design, empty for none.
    ///
    /// # Errors
    /// When what is left is singular.
    pub(crate) fn along(self, directions: &[Direction]) -> Result<Triangle, SolverError> {
        if directions.is_empty() {
            return Ok(self);
        }
        let triangle = Triangle {
            directions: directions.to_vec(),
            ..self
        };
        let usable = |column: &usize| directions[*column] != Direction::Unusable;
        let kept: Vec<bool> = triangle.active.iter().map(usable).collect();
        triangle.only(&kept)
    }

    /// The line that `solve` finds where every weight has its sign.
    ///
    /// # Errors
    /// What `solve` says.
    pub(super) fn signed(
        &self,
        solve: impl Fn(&Triangle) -> Result<Linear, SolverError>,
    ) -> Result<Linear, SolverError> {
        let line = solve(self)?;
        if self.directions.is_empty() {
            return Ok(line);
        }
        let has_sign = |line: &Linear, column: &usize| match self.directions[*column] {
            Direction::Increasing => line.weights[*column] >= 0.0,
            Direction::Decreasing => line.weights[*column] <= 0.0,
            Direction::Free | Direction::Unusable => true,
        };
        let (mut line, mut rest) = (line, None);
        loop {
            let triangle: &Triangle = rest.as_ref().unwrap_or(self);
            let columns = triangle.active.iter();
            let kept: Vec<bool> = columns.map(|column| has_sign(&line, column)).collect();
            // At least one column less each time.
            if kept.iter().all(|kept| *kept) {
                return Ok(line);
            }
            let next = triangle.only(&kept)?;
            line = solve(&next)?;
            rest = Some(next);
        }
    }

    /// Of some of the columns that vary.
    fn only(&self, kept: &[bool]) -> Result<Triangle, SolverError> {
        let places: Vec<usize> = (0..kept.len()).filter(|place| kept[*place]).collect();
        let size = places.len();
        let mut covariances = Array2::<f64>::zeros((size, size));
        for (i, from) in places.iter().enumerate() {
            for (j, other) in places[..=i].iter().enumerate() {
                covariances[[i, j]] = self.covariances[[*from, *other]];
            }
        }
        let of_kept =
            |values: &[f64]| -> Vec<f64> { places.iter().map(|at| values[*at]).collect() };
        let active: Vec<usize> = places.iter().map(|place| self.active[*place]).collect();
        let moments = of_kept(&self.moments);
        let (lower, right): (Array2<f64>, Array1<f64>) =
            reduced(&covariances, &moments, self.count, &active)?;
        Ok(Triangle {
            lower,
            right,
            covariances,
            deviations: of_kept(&self.deviations),
            moments,
            active,
            means: self.means.clone(),
            directions: self.directions.clone(),
            target_mean: self.target_mean,
            count: self.count,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::{Shrinkage, SparseRow, ridges};

    /// The target rises with the first column and falls with the second; the third is next to the first.
    fn triangle(directions: &[Direction]) -> Triangle {
        let value = |i: usize, step: usize, turn: usize| (i * step % turn) as f64;
        let row = |i: usize| {
            let first = value(i, 7, 11);
            vec![
                (0, first),
                (1, value(i, 5, 13)),
                (2, first + value(i, 3, 2)),
            ]
        };
        let rows: Vec<SparseRow> = (0..80).map(row).collect();
        let target = |i: usize| 2.0 * rows[i][0].1 - 0.5 * rows[i][1].1 + value(i, 17, 19) / 5.0;
        let targets: Vec<f64> = (0..80).map(target).collect();
        let triangle = Triangle::of(&rows, &targets, 3).expect("not singular");
        triangle.along(directions).expect("not singular")
    }

    #[test]
    fn a_weight_of_the_wrong_sign_is_left_out_and_the_others_take_over() {
        use Direction::{Decreasing, Free, Increasing, Unusable};
        let plain = triangle(&[]).least_squares().expect("solves");
        assert!(plain.weights[0] > 1.0 && plain.weights[1] < -0.3);
        // What holds already changes nothing that rounding does not.
        let held = triangle(&[Increasing, Decreasing, Free]);
        let held = held.least_squares().expect("solves");
        for (one, other) in plain.weights.iter().zip(&held.weights) {
            assert!((one - other).abs() < 1e-6, "{one} {other}");
        }
        let rising = triangle(&[Free, Increasing, Free]);
        let fitted = |ridge: Option<Shrinkage>| match ridge {
            Some(ridge) => rising.elastic_net(ridge),
            None => rising.least_squares(),
        };
        let enet = Shrinkage {
            l1_ratio: 0.5,
            penalty: 0.01,
        };
        for ridge in ridges().into_iter().chain([Some(enet)]) {
            let line = fitted(ridge).expect("solves");
            assert_eq!(line.weights[1], 0.0);
            assert!(line.weights[0] + line.weights[2] > 0.0, "{ridge:?}");
        }
        let without = triangle(&[Unusable, Free, Increasing]);
        let without = without.least_squares().expect("solves");
        assert_eq!(without.weights[0], 0.0);
        assert!(without.weights[2] > 1.0);
        // Nothing is left at all: the mean.
        let none = triangle(&[Decreasing, Increasing, Decreasing]);
        let none = none.least_squares().expect("solves");
        assert_eq!(none.weights, [0.0; 3]);
    }
}
