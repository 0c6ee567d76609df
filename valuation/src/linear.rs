//! The linear members: least squares on sparse rows, plain or with shrunken weights.

mod directed;
mod elastic;
mod ridge;
mod triangle;

use serde::{Deserialize, Serialize};

pub(crate) use self::elastic::penalties;
pub(crate) use self::ridge::ridges;
pub(crate) use self::triangle::Triangle;

/// One row of the design: (column, value), columns not repeated; others are 0.
pub type SparseRow = Vec<(usize, f64)>;

/// What weights are drawn to 0 by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shrinkage {
    /// α of the elastic net's formula; 0 is a ridge.
    pub(crate) l1_ratio: f64,
    /// λ of that formula: in the target's unit, whatever the number of rows.
    pub(crate) penalty: f64,
}

/// A fitted linear function of the design's columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Linear {
    /// Value where every column is 0.
    pub intercept: f64,
    /// By column; 0 for columns that were constant in training.
    pub weights: Vec<f64>,
    /// Columns that were not constant.
    pub active: usize,
    /// By column: its mean in training, which a contribution is counted from.
    pub means: Vec<f64>,
    /// What the weights were drawn to 0 by, where they were: a fit on more rows takes the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shrinkage: Option<Shrinkage>,
}

impl Linear {
    /// The value at the mean of training.
    pub fn centre(&self) -> f64 {
        let parts = self.weights.iter().zip(&self.means);
        self.intercept + parts.map(|(weight, mean)| weight * mean).sum::<f64>()
    }

    /// What each column adds to [`Linear::centre`]; they add up to the value at the row.
    pub fn contributions(&self, row: &SparseRow) -> Vec<f64> {
        let parts = self.weights.iter().zip(&self.means);
        let mut adds: Vec<f64> = parts.map(|(weight, mean)| -weight * mean).collect();
        for (column, value) in row {
            adds[*column] += self.weights[*column] * value;
        }
        adds
    }

    /// The value at a row.
    pub fn predict(&self, row: &SparseRow) -> f64 {
        row.iter().fold(self.intercept, |sum, (column, value)| {
            sum + self.weights[*column] * value
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_plane_and_bears_constant_and_doubled_columns() {
        let rows: Vec<SparseRow> = (0..50)
            .map(|i| {
                let (a, b) = (f64::from(i % 7) - 3.0, f64::from(i % 5) - 2.0);
                vec![(0, a), (1, b), (2, 1.0), (3, b)]
            })
            .collect();
        let targets: Vec<f64> = rows
            .iter()
            .map(|row| 4.0 + 2.0 * row[0].1 - 3.0 * row[1].1)
            .collect();
        let triangle = Triangle::of(&rows, &targets, 4).unwrap();
        let found = triangle.least_squares().unwrap();
        assert_eq!(found.active, 3);
        for (row, target) in rows.iter().zip(&targets) {
            assert!((found.predict(row) - target).abs() < 1e-4);
        }
    }
}
