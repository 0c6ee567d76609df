//! The linear member: least squares on sparse rows.

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_linear::LinearRegression;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

/// One row of the design: (column, value), columns not repeated; others are 0.
pub type SparseRow = Vec<(usize, f64)>;

/// A ridge for numerical safety, a listing: collinear columns share their weight.
const RIDGE: f64 = 1e-6;

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
}

impl Linear {
    /// Least squares of `targets` on `rows`, `width` columns.
    ///
    /// The n rows are first reduced to a triangle R with RᵀR = XᵀX + λI (X centred), the
    /// same least-squares problem in p rows (the normal equations, by Cholesky); QR of the whole
    /// design would take n·p² on a matrix that is mostly zeros.
    ///
    /// # Errors
    /// A text that says what the solver met.
    pub fn fit(rows: &[SparseRow], targets: &[f64], width: usize) -> Result<Linear, String> {
        let count = rows.len() as f64;
        let mut gram = vec![0.0; width * width];
        let mut means = vec![0.0; width];
        let mut moments = vec![0.0; width];
        let target_mean = targets.iter().sum::<f64>() / count;
        for (row, target) in rows.iter().zip(targets) {
            for (column, value) in row {
                means[*column] += value;
                moments[*column] += value * (target - target_mean);
                for (other, other_value) in row {
                    gram[column * width + other] += value * other_value;
                }
            }
        }
        means.iter_mut().for_each(|mean| *mean /= count);
        let centred = |a: usize, b: usize| gram[a * width + b] - count * means[a] * means[b];
        let active: Vec<usize> = (0..width)
            .filter(|column| {
                let raw = gram[column * width + column];
                centred(*column, *column) > 1e-9 * raw.max(1e-9)
            })
            .collect();
        let size = active.len();
        let mut weights = vec![0.0; width];
        if size > 0 {
            // Lower triangle L = Rᵀ, and z = L⁻¹Xᵀy beside it.
            let mut lower = Array2::<f64>::zeros((size, size));
            let mut right = Array1::<f64>::zeros(size);
            for i in 0..size {
                for j in 0..=i {
                    let mut sum = centred(active[i], active[j]);
                    if i == j {
                        sum += RIDGE * count;
                    }
                    for k in 0..j {
                        sum -= lower[[i, k]] * lower[[j, k]];
                    }
                    if i == j {
                        if sum.is_nan() || sum <= 0.0 {
                            return Err(format!("the design is singular at column {}", active[i]));
                        }
                        lower[[i, i]] = sum.sqrt();
                    } else {
                        lower[[i, j]] = sum / lower[[j, j]];
                    }
                }
                let mut sum = moments[active[i]];
                for k in 0..i {
                    sum -= lower[[i, k]] * right[k];
                }
                right[i] = sum / lower[[i, i]];
            }
            let triangle = lower.t().as_standard_layout().into_owned();
            let fitted = LinearRegression::new()
                .with_intercept(false)
                .fit(&DatasetBase::new(triangle, right))
                .map_err(|error| error.to_string())?;
            for (column, weight) in active.iter().zip(fitted.params()) {
                if !weight.is_finite() {
                    return Err(format!("the weight of column {column} is not finite"));
                }
                weights[*column] = *weight;
            }
        }
        let intercept = target_mean - weights.iter().zip(&means).map(|(w, m)| w * m).sum::<f64>();
        Ok(Linear {
            intercept,
            weights,
            active: size,
            means,
        })
    }

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
        let found = Linear::fit(&rows, &targets, 4).unwrap();
        assert_eq!(found.active, 3);
        for (row, target) in rows.iter().zip(&targets) {
            assert!((found.predict(row) - target).abs() < 1e-4);
        }
    }
}
