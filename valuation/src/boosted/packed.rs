//! Sums of residuals and counts of rows in one word, exact in whole numbers: in whatever order they are
//! added, and when a child's are taken from its parent's, the bits are the same.
//!
//! A row's residual is rounded to a whole number of units and packed with a count of one into one
//! word, residual above, so that one addition does both (Shi et al. 2022, Quantized Training of
//! Gradient Boosting Decision Trees, who do with far fewer bits).

use lanes::COUNT_BITS;

/// Rows that can be counted.
pub(super) const MOST_ROWS: usize = (1 << COUNT_BITS) - 1;
/// Bits of the sum of residuals without its sign.
const SUM_BITS: u32 = 63 - COUNT_BITS;
/// Units of a coarse sum: cuts are compared by the upper 32 bits.
pub(super) const COARSE: f64 = (1_u64 << (32 - COUNT_BITS)) as f64;

/// How residuals become whole numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    per_residual: f64,
}

impl Unit {
    /// For N rows whose residuals are no greater than `greatest`: as fine as fits.
    pub(super) fn new(greatest: f64, rows: usize) -> Unit {
        let limit = ((1_u64 << SUM_BITS) - 1) as f64 / (rows + 1) as f64;
        Unit {
            per_residual: (limit - 1.0) / greatest,
        }
    }

    /// A residual and a count of one.
    pub(super) fn pack(self, residual: f64) -> i64 {
        let units = residual * self.per_residual;
        // Rounded half away from zero, without a call.
        (((units + 0.5_f64.copysign(units)) as i64) << COUNT_BITS) + 1
    }

    /// Units back to residuals.
    pub(super) fn residual(self, units: f64) -> f64 {
        units / self.per_residual
    }
}

/// Rows of a packed sum.
#[inline]
pub(super) fn count(packed: i64) -> f64 {
    (packed & MOST_ROWS as i64) as f64
}

/// Residuals of a packed sum, in units.
#[inline]
pub(super) fn units(packed: i64) -> f64 {
    (packed >> COUNT_BITS) as f64
}
