//! Sums of residuals by bin, exact in whole numbers: in whatever order they are added, and when a
//! child's are taken from its parent's, the bits are the same.
//!
//! A row's residual is rounded to a whole number of units and packed with a count of one into one
//! word, residual above, so that one addition does both (Shi et al. 2022, Quantized Training of
//! Gradient Boosting Decision Trees, who do with far fewer bits).

use super::bins::BINS;
use super::by_row::ByRow;

/// Bits of the count: rows of a table are below 2 to this power.
pub(super) const COUNT_BITS: u32 = 24;
/// Rows that can be counted.
pub(super) const MOST_ROWS: usize = (1 << COUNT_BITS) - 1;
/// Bits of the sum of residuals without its sign.
const SUM_BITS: u32 = 63 - COUNT_BITS;

/// Sums of a column's bins.
pub(super) type Sums = [i64; BINS];

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

/// Bits of a unit that are left out where sums are read as [`coarse`].
const COARSE_BITS: u32 = 32 - COUNT_BITS;
/// Units of a coarse sum.
pub(super) const COARSE: f64 = (1_u64 << COARSE_BITS) as f64;

/// Residuals and rows of a packed sum; the residuals in [`COARSE`] units.
#[inline]
pub(super) fn coarse(packed: i64) -> (i32, i32) {
    ((packed >> 32) as i32, (packed & MOST_ROWS as i64) as i32)
}

/// Residuals of a packed sum, in units.
#[inline]
pub(super) fn units(packed: i64) -> f64 {
    (packed >> COUNT_BITS) as f64
}

/// Sums by bin of every column that a tree may split on.
#[derive(Debug, Clone, Default)]
pub(super) struct Histogram {
    pub(super) columns: Vec<Sums>,
}

impl Histogram {
    /// Sums the rows' packed residuals; `columns` are the rows' codes by column, `bins` how many
    /// bins each has.
    pub(super) fn fill(&mut self, columns: &[&[u8]], bins: &[usize], rows: &[u32], packed: &[i64]) {
        self.clear(bins);
        // Four columns at once: a row's residual and number are fetched once for them.
        for (sums, columns) in self.columns.chunks_mut(4).zip(columns.chunks(4)) {
            match (sums, columns) {
                ([a, b, c, d], [one, two, three, four]) => {
                    // Of one length: one check is enough for the four.
                    let [one, two, three, four] =
                        [one, two, three, four].map(|codes| &codes[..one.len()]);
                    for (row, packed) in rows.iter().zip(packed) {
                        let row = *row as usize;
                        a[usize::from(one[row])] += packed;
                        b[usize::from(two[row])] += packed;
                        c[usize::from(three[row])] += packed;
                        d[usize::from(four[row])] += packed;
                    }
                }
                (sums, columns) => {
                    for (sums, codes) in sums.iter_mut().zip(columns) {
                        for (row, packed) in rows.iter().zip(packed) {
                            sums[usize::from(codes[*row as usize])] += packed;
                        }
                    }
                }
            }
        }
    }

    /// The same, where the columns stand at `places` in the codes of each row.
    pub(super) fn fill_by_row(
        &mut self,
        by_row: &ByRow,
        places: &[usize],
        bins: &[usize],
        rows: &[u32],
        packed: &[i64],
    ) {
        self.clear(bins);
        for (row, packed) in rows.iter().zip(packed) {
            let codes = by_row.row(*row);
            for (sums, place) in self.columns.iter_mut().zip(places) {
                sums[usize::from(codes[*place])] += packed;
            }
        }
    }

    fn clear(&mut self, bins: &[usize]) {
        self.columns.resize(bins.len(), [0; BINS]);
        for (sums, bins) in self.columns.iter_mut().zip(bins) {
            sums[..*bins].fill(0);
        }
    }

    /// Takes a part's sums away.
    pub(super) fn subtract(&mut self, part: &Histogram, bins: &[usize]) {
        for ((column, part), bins) in self.columns.iter_mut().zip(&part.columns).zip(bins) {
            for (sum, part) in column[..*bins].iter_mut().zip(&part[..*bins]) {
                *sum -= part;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_counts_come_back_from_one_word() {
        let residuals = [1.5, -2.0, 0.25, -0.75, 2.0];
        let unit = Unit::new(2.0, residuals.len());
        let packed: Vec<i64> = residuals
            .iter()
            .map(|residual| unit.pack(*residual))
            .collect();
        let codes: [&[u8]; 1] = [&[1, 1, 2, 0, 1]];
        let mut all = Histogram::default();
        all.fill(&codes, &[3], &[0, 1, 2, 3, 4], &packed);
        let mut part = Histogram::default();
        part.fill(&codes, &[3], &[1, 3], &[packed[1], packed[3]]);
        all.subtract(&part, &[3]);
        let sums = &all.columns[0];
        for (bin, expected) in [(0, (0.0, 0.0)), (1, (2.0, 3.5)), (2, (1.0, 0.25))] {
            let sum = unit.residual(units(sums[bin]));
            assert_eq!(count(sums[bin]), expected.0);
            assert!((sum - expected.1).abs() < 1e-8, "{sum}");
        }
    }
}
