//! The plane in which rows differ most: their first two principal components.
//!
//! Eigenvectors of the covariance by Jacobi's rotations (Golub & Van Loan, Matrix Computations, 8.5):
//! slow for hundreds of columns, exact and short for the tens there are.

use ndarray::{Array1, Array2, Axis};

/// Rounds over all pairs of columns at most; some ten are needed.
const MOST_ROUNDS: usize = 60;

/// A plane through the mean of rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plane {
    /// What is taken off a row.
    mean: Array1<f64>,
    /// (columns, 2): how much of each column is in the two directions, of length 1.
    pub(super) directions: Array2<f64>,
    /// Share of the rows' variance in each direction.
    pub(super) explained: [f64; 2],
}

impl Plane {
    /// The plane of the greatest variance; the second direction is zero for a single column.
    pub(super) fn of(rows: &Array2<f64>) -> Plane {
        let columns = rows.ncols();
        let mean = rows
            .mean_axis(Axis(0))
            .unwrap_or_else(|| Array1::zeros(columns));
        let centred = rows - &mean;
        let covariance = centred.t().dot(&centred) / rows.nrows().max(1) as f64;
        let all: f64 = covariance.diag().sum();
        let (variances, vectors) = eigen(covariance);
        let mut order: Vec<usize> = (0..columns).collect();
        order.sort_by(|one, other| variances[*other].total_cmp(&variances[*one]));
        let mut directions = Array2::zeros((columns, 2));
        let mut explained = [0.0; 2];
        for (axis, column) in order.into_iter().take(2).enumerate() {
            let vector = vectors.column(column);
            let greatest = vector.iter().copied().fold(0.0_f64, |most, element| {
                match element.abs() > most.abs() {
                    true => element,
                    false => most,
                }
            });
            // A direction has no sign of its own: the greatest part is positive.
            let sign = if greatest < 0.0 { -1.0 } else { 1.0 };
            directions.column_mut(axis).assign(&(&vector * sign));
            explained[axis] = match all > 0.0 {
                true => (variances[column] / all).clamp(0.0, 1.0),
                false => 0.0,
            };
        }
        Plane {
            mean,
            directions,
            explained,
        }
    }

    /// Where rows are in the plane: (rows, 2).
    pub(super) fn place(&self, rows: &Array2<f64>) -> Array2<f64> {
        (rows - &self.mean).dot(&self.directions)
    }
}

/// Eigenvalues of a symmetric matrix, and its eigenvectors as columns.
fn eigen(mut matrix: Array2<f64>) -> (Array1<f64>, Array2<f64>) {
    let size = matrix.nrows();
    let mut vectors = Array2::eye(size);
    for _ in 0..MOST_ROUNDS {
        let off: f64 = (0..size)
            .flat_map(|row| (row + 1..size).map(move |column| (row, column)))
            .map(|at| matrix[at].powi(2))
            .sum();
        if off <= f64::EPSILON.powi(2) * matrix.diag().mapv(|element| element * element).sum() {
            break;
        }
        for p in 0..size {
            for q in p + 1..size {
                let between = matrix[(p, q)];
                if between == 0.0 {
                    continue;
                }
                let theta = (matrix[(q, q)] - matrix[(p, p)]) / (2.0 * between);
                let sign = if theta < 0.0 { -1.0 } else { 1.0 };
                let tangent = sign / (theta.abs() + (theta * theta + 1.0).sqrt());
                let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
                let sine = tangent * cosine;
                let turn = |one: f64, other: f64| {
                    (cosine * one - sine * other, sine * one + cosine * other)
                };
                for k in 0..size {
                    let turned = turn(matrix[(k, p)], matrix[(k, q)]);
                    (matrix[(k, p)], matrix[(k, q)]) = turned;
                }
                for k in 0..size {
                    let turned = turn(matrix[(p, k)], matrix[(q, k)]);
                    (matrix[(p, k)], matrix[(q, k)]) = turned;
                    let turned = turn(vectors[(k, p)], vectors[(k, q)]);
                    (vectors[(k, p)], vectors[(k, q)]) = turned;
                }
            }
        }
    }
    (matrix.diag().to_owned(), vectors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn eigenvectors_make_the_matrix_diagonal() {
        let mut rng = Rng::new(5);
        let rows = Array2::from_shape_fn((50, 6), |_| rng.below(1000) as f64 / 100.0);
        let matrix = rows.t().dot(&rows);
        let (values, vectors) = eigen(matrix.clone());
        let again = vectors.dot(&Array2::from_diag(&values)).dot(&vectors.t());
        assert!((&again - &matrix).iter().all(|off| off.abs() < 1e-8));
        let unit = vectors.t().dot(&vectors);
        assert!(
            (&unit - &Array2::<f64>::eye(6))
                .iter()
                .all(|off| off.abs() < 1e-12)
        );
    }

    #[test]
    fn rows_on_a_line_need_one_direction() {
        let rows = Array2::from_shape_fn((20, 2), |(row, column)| {
            row as f64 * [3.0, -4.0][column] + 7.0
        });
        let plane = Plane::of(&rows);
        assert!((plane.explained[0] - 1.0).abs() < 1e-12 && plane.explained[1] < 1e-12);
        let first = plane.directions.column(0);
        assert!(
            (first[0] + 0.6).abs() < 1e-12 && (first[1] - 0.8).abs() < 1e-12,
            "{first}"
        );
        let places = plane.place(&rows);
        let step = places[(1, 0)] - places[(0, 0)];
        assert!((step.abs() - 5.0).abs() < 1e-9, "{step}");
        assert!(places.column(1).iter().all(|off| off.abs() < 1e-9));
    }

    #[test]
    fn one_column_has_no_second_direction() {
        let rows = Array2::from_shape_fn((5, 1), |(row, _)| row as f64);
        let plane = Plane::of(&rows);
        assert_eq!(plane.explained, [1.0, 0.0]);
        assert_eq!(plane.place(&rows).column(1).sum(), 0.0);
    }
}
