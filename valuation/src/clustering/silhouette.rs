//! How well clusters are distinguished: the silhouette on squared Euclidean distances.
//!
//! The silhouette of a row (Rousseeuw 1987, Silhouettes: a graphical aid to the interpretation and
//! validation of cluster analysis) compares a, its mean distance to the other rows of its cluster,
//! with b, the least of its mean distances to the rows of another one:
//!
//! ```text
//! s = 1 − a/b where a < b,   b/a − 1 where a > b,   else 0
//! ```
//!
//! from −1 (it is in another cluster) to 1. Distances are squared, as Spark's `ClusteringEvaluator`
//! has them, because then no pair has to be checked: the mean squared distance from x to the n
//! rows y of a cluster is
//!
//! ```text
//! |x|² + Σ|y|²/n − 2 x·Σy/n
//! ```
//!
//! so that all rows cost O(rows · clusters) instead of O(rows²). The row itself, which is among the
//! n of its own cluster, is taken out by n/(n − 1). A cluster of one row has the silhouette 0.

use ndarray::{Array2, ArrayView1};
use rayon::prelude::*;

/// What the formula needs of a cluster.
#[derive(Debug, Clone)]
struct Sums {
    /// How many rows.
    rows: f64,
    /// Σy, by column.
    total: Vec<f64>,
    /// Σ|y|².
    squares: f64,
}

impl Sums {
    /// The mean squared distance of a row to those of the cluster.
    fn distance(&self, row: ArrayView1<f64>, square: f64) -> f64 {
        let product: f64 = row.iter().zip(&self.total).map(|(x, y)| x * y).sum();
        // Less than nothing is what rounding leaves of nothing.
        (square + self.squares / self.rows - 2.0 * product / self.rows).max(0.0)
    }
}

/// The silhouette of every row, in order; `None` for fewer than two clusters that have rows.
///
/// `rows` is (rows, columns), `members` states which cluster each row is in, 0 to `clusters` − 1. The
/// same bits on any number of threads.
pub(super) fn of_rows(rows: &Array2<f64>, members: &[usize], clusters: usize) -> Option<Vec<f64>> {
    let empty = Sums {
        rows: 0.0,
        total: vec![0.0; rows.ncols()],
        squares: 0.0,
    };
    let mut sums = vec![empty; clusters];
    for (row, member) in rows.rows().into_iter().zip(members) {
        let sum = &mut sums[*member];
        sum.rows += 1.0;
        sum.squares += square(row);
        for (total, value) in sum.total.iter_mut().zip(row) {
            *total += value;
        }
    }
    if sums.iter().filter(|sum| sum.rows > 0.0).count() < 2 {
        return None;
    }
    let of_row = |(index, member): (usize, &usize)| {
        let row = rows.row(index);
        let square = square(row);
        let cluster_sum = &sums[*member];
        if cluster_sum.rows < 2.0 {
            return 0.0;
        }
        let within =
            cluster_sum.distance(row, square) * cluster_sum.rows / (cluster_sum.rows - 1.0);
        let others = sums.iter().enumerate();
        let others = others.filter(|(other, sums)| other != member && sums.rows > 0.0);
        let nearest = others.map(|(_, sums)| sums.distance(row, square));
        let nearest = nearest.fold(f64::INFINITY, f64::min);
        if within < nearest {
            1.0 - within / nearest
        } else if within > nearest {
            nearest / within - 1.0
        } else {
            0.0
        }
    };
    let all = members.par_iter().enumerate();
    Some(all.map(of_row).collect())
}

/// The mean of the rows' silhouettes.
pub(super) fn mean(silhouettes: &[f64]) -> f64 {
    silhouettes.iter().sum::<f64>() / silhouettes.len().max(1) as f64
}

fn square(row: ArrayView1<f64>) -> f64 {
    row.iter().map(|value| value * value).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three numbers in each of 40 rows, by Park and Miller's minimal standard.
    fn table() -> Array2<f64> {
        let mut state: u64 = 7;
        Array2::from_shape_fn((40, 3), |(row, column)| {
            state = state * 16_807 % 2_147_483_647;
            let drawn = state as f64 / 2_147_483_647.0 * 8.0 - 4.0;
            (drawn * 1000.0).round() / 1000.0 + ((row % 3) * (column + 1)) as f64
        })
    }

    fn silhouette(rows: &Array2<f64>, member: impl Fn(usize) -> usize) -> f64 {
        let members: Vec<usize> = (0..rows.nrows()).map(member).collect();
        let clusters = members.iter().max().map_or(0, |last| last + 1);
        mean(&of_rows(rows, &members, clusters).expect("clusters"))
    }

    /// Values of PySpark 4.3.0 on the same rows and clusters:
    /// `ClusteringEvaluator(metricName="silhouette", distanceMeasure="squaredEuclidean").evaluate(rows)`.
    #[test]
    fn it_is_what_spark_says() {
        let near = |found: f64, expected: f64| {
            assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
        };
        let rows = table();
        near(silhouette(&rows, |row| row % 3), 0.124_910_289_998_254_07);
        near(
            silhouette(&rows, |row| row / 20),
            -0.027_136_141_854_154_427,
        );
        // One row alone in its cluster.
        near(
            silhouette(&rows, |row| if row == 17 { 2 } else { row % 2 }),
            -0.167_049_967_356_453_5,
        );
        let repeated = [0.0, 0.0, 1.0, 1.0, 10.0, 11.0, 11.0];
        let repeated = Array2::from_shape_fn((7, 1), |(row, _)| repeated[row]);
        near(
            silhouette(&repeated, |row| row / 4),
            0.993_424_245_801_407_1,
        );
    }

    #[test]
    fn the_sums_say_what_all_pairs_do() {
        let rows = table();
        let members: Vec<usize> = (0..40).map(|row| row * 7 % 4).collect();
        let found = of_rows(&rows, &members, 4).expect("clusters");
        for index in 0..40 {
            let to = |cluster: usize| {
                let others = (0..40).filter(|row| *row != index && members[*row] == cluster);
                let distances: Vec<f64> = others
                    .map(|row| square((&rows.row(row) - &rows.row(index)).view()))
                    .collect();
                mean(&distances)
            };
            let within = to(members[index]);
            let others = (0..4).filter(|cluster| *cluster != members[index]);
            let nearest = others.map(to).fold(f64::INFINITY, f64::min);
            let expected = (nearest - within) / nearest.max(within);
            assert!((found[index] - expected).abs() < 1e-9, "row {index}");
        }
    }

    #[test]
    fn one_cluster_has_none() {
        assert_eq!(of_rows(&table(), &[0; 40], 3), None);
    }
}
