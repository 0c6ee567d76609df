//! Least squares in as many rows as there are columns.

use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_linear::LinearRegression;
use ndarray::{Array1, Array2};

use super::{Linear, Shrinkage, SparseRow};
use crate::boosted::Direction;
use crate::solver_error::SolverError;

/// A ridge for numerical safety, a listing: collinear columns share their weight.
const RIDGE: f64 = 1e-6;

/// The n rows of a design reduced to a triangle R with RᵀR = XᵀX + λI (X centred), and z with
/// Rᵀz = Xᵀy: the same least-squares problem in p rows (the normal equations, by Cholesky). QR of
/// the whole design would take n·p² on a matrix that is mostly zeros.
#[derive(Debug)]
pub(crate) struct Triangle {
    /// Rᵀ, the lower triangle.
    pub(super) lower: Array2<f64>,
    /// XᵀX/n of the columns that vary, centred: the lower triangle of it.
    pub(super) covariances: Array2<f64>,
    /// z.
    pub(super) right: Array1<f64>,
    /// Columns of the design that vary: the triangle's.
    pub(super) active: Vec<usize>,
    /// Standard deviations of those columns.
    pub(super) deviations: Vec<f64>,
    /// Their mean products with the centred target.
    pub(super) moments: Vec<f64>,
    /// By column of the design.
    pub(super) means: Vec<f64>,
    /// By column of the design, the signs that weights must have; empty for any.
    pub(super) directions: Vec<Direction>,
    pub(super) target_mean: f64,
    /// Rows of the design.
    pub(super) count: f64,
}

impl Triangle {
    /// Reduces `rows` of `width` columns.
    ///
    /// # Errors
    /// When the design is singular.
    #[cfg(test)]
    pub(crate) fn of(
        rows: &[SparseRow],
        targets: &[f64],
        width: usize,
    ) -> Result<Triangle, SolverError> {
        Triangle::of_each(targets, width, |add| rows.iter().for_each(add))
    }

    /// Reduces the rows that `each` hands on, one a target and in their order, of `width` columns: none of
    /// them is kept.
    ///
    /// # Errors
    /// When the design is singular.
    pub(crate) fn of_each(
        targets: &[f64],
        width: usize,
        each: impl FnOnce(&mut dyn FnMut(&SparseRow)),
    ) -> Result<Triangle, SolverError> {
        let count = targets.len() as f64;
        let mut gram = vec![0.0; width * width];
        let mut means = vec![0.0; width];
        let mut moments = vec![0.0; width];
        let target_mean = targets.iter().sum::<f64>() / count;
        let mut left = targets.iter();
        each(&mut |row| {
            let Some(target) = left.next() else { return };
            for (column, value) in row {
                means[*column] += value;
                moments[*column] += value * (target - target_mean);
                for (other, other_value) in row {
                    gram[column * width + other] += value * other_value;
                }
            }
        });
        means.iter_mut().for_each(|mean| *mean /= count);
        let centred = |a: usize, b: usize| gram[a * width + b] - count * means[a] * means[b];
        let active: Vec<usize> = (0..width)
            .filter(|column| {
                let raw = gram[column * width + column];
                centred(*column, *column) > 1e-9 * raw.max(1e-9)
            })
            .collect();
        let size = active.len();
        // Lower triangle L = Rᵀ, and z = L⁻¹Xᵀy beside it.
        let mut covariances = Array2::<f64>::zeros((size, size));
        let mut lower = Array2::<f64>::zeros((size, size));
        let mut right = Array1::<f64>::zeros(size);
        for i in 0..size {
            for j in 0..=i {
                let mut sum = centred(active[i], active[j]);
                covariances[[i, j]] = sum / count;
                if i == j {
                    sum += RIDGE * count;
                }
                for k in 0..j {
                    sum -= lower[[i, k]] * lower[[j, k]];
                }
                if i == j {
                    if sum.is_nan() || sum <= 0.0 {
                        let column = active[i];
                        return Err(SolverError::Singular { column });
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
        let of_active = |value: &dyn Fn(usize) -> f64| active.iter().map(|at| value(*at)).collect();
        Ok(Triangle {
            deviations: of_active(&|column| (centred(column, column) / count).sqrt()),
            moments: of_active(&|column| moments[column] / count),
            lower,
            covariances,
            right,
            active,
            means,
            directions: Vec::new(),
            target_mean,
            count,
        })
    }

    /// The greatest correlation of a column with the target, in the target's unit: what weights of
    /// standardised columns begin at.
    pub(super) fn greatest(&self) -> f64 {
        let pairs = self.moments.iter().zip(&self.deviations);
        pairs.fold(0.0, |most, (moment, deviation)| {
            most.max((moment / deviation).abs())
        })
    }

    /// The least squares.
    ///
    /// # Errors
    /// When the solver fails.
    pub(crate) fn least_squares(&self) -> Result<Linear, SolverError> {
        self.signed(Triangle::unsigned_squares)
    }

    fn unsigned_squares(&self) -> Result<Linear, SolverError> {
        if self.active.is_empty() {
            return self.line(&[], None);
        }
        let triangle = self.lower.t().as_standard_layout().into_owned();
        let fitted = LinearRegression::new()
            .with_intercept(false)
            .fit(&DatasetBase::new(triangle, self.right.clone()))
            .map_err(|error| SolverError::Library(error.to_string()))?;
        self.line(&fitted.params().to_vec(), None)
    }

    /// The line of these weights of the columns that vary.
    pub(super) fn line(
        &self,
        found: &[f64],
        shrinkage: Option<Shrinkage>,
    ) -> Result<Linear, SolverError> {
        let mut weights = vec![0.0; self.means.len()];
        for (column, weight) in self.active.iter().zip(found) {
            if !weight.is_finite() {
                return Err(SolverError::NotFinite { column: *column });
            }
            weights[*column] = *weight;
        }
        let at_means = weights.iter().zip(&self.means).map(|(w, m)| w * m);
        Ok(Linear {
            intercept: self.target_mean - at_means.sum::<f64>(),
            weights,
            active: self.active.len(),
            means: self.means.clone(),
            shrinkage,
        })
    }
}

/// L with LLᵀ = n·C + λI of the covariances' lower triangle, and z = L⁻¹·n·m of the moments beside it;
/// `active` names the columns in errors.
///
/// # Errors
/// When the covariances are singular.
pub(super) fn reduced(
    covariances: &Array2<f64>,
    moments: &[f64],
    count: f64,
    active: &[usize],
) -> Result<(Array2<f64>, Array1<f64>), SolverError> {
    let size = moments.len();
    let mut lower = Array2::<f64>::zeros((size, size));
    let mut right = Array1::<f64>::zeros(size);
    for i in 0..size {
        for j in 0..=i {
            let mut sum = covariances[[i, j]] * count;
            if i == j {
                sum += RIDGE * count;
            }
            for k in 0..j {
                sum -= lower[[i, k]] * lower[[j, k]];
            }
            if i == j {
                if sum.is_nan() || sum <= 0.0 {
                    let column = active[i];
                    return Err(SolverError::Singular { column });
                }
                lower[[i, i]] = sum.sqrt();
            } else {
                lower[[i, j]] = sum / lower[[j, j]];
            }
        }
        let mut sum = moments[i] * count;
        for k in 0..i {
            sum -= lower[[i, k]] * right[k];
        }
        right[i] = sum / lower[[i, i]];
    }
    Ok((lower, right))
}
