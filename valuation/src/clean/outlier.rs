//! A price, or a price per area, far from what its group costs.

use serde::{Deserialize, Serialize};

use crate::baseline::GroupMedian;
use crate::cells::Cells;
use crate::clean::MAD_TO_SIGMA;

/// Deviations beyond this many robust standard deviations are taken for mistakes.
const LIMIT: f64 = 5.0;
/// What is within this factor of the median never is: in a group of like homes, or of a handful, the
/// deviation is small, and a expensive home is not a mistake.
const LEAST_FACTOR: f64 = 3.0;

/// A robust outlier rule: |value − median of its group| ≤ 5·1.4826·MAD of its group, or less than
/// what [`LEAST_FACTOR`] makes. Values are logarithms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OutlierRule {
    centre: GroupMedian,
    spread: GroupMedian,
}

impl OutlierRule {
    /// Fits on training rows only; `values` is by row number, NaN where there is none.
    pub(crate) fn fit(groups: Cells, values: &[f64], train: &[usize]) -> OutlierRule {
        let known: Vec<usize> = train
            .iter()
            .copied()
            .filter(|row| values[*row].is_finite())
            .collect();
        let centre = GroupMedian::fit(groups, values, &known);
        let deviations: Vec<f64> = values
            .iter()
            .enumerate()
            .map(|(row, value)| (value - centre.of(groups.text(row))).abs())
            .collect();
        let spread = GroupMedian::fit(groups, &deviations, &known);
        OutlierRule { centre, spread }
    }

    /// Whether a value is to be kept. Unknown values are; so is all of a group without spread.
    pub(crate) fn keeps(&self, group: Option<&str>, value: f64) -> bool {
        let spread = self.spread.of(group);
        !value.is_finite()
            || spread <= 0.0
            || (value - self.centre.of(group)).abs()
                <= (LIMIT * MAD_TO_SIGMA * spread).max(LEAST_FACTOR.ln())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_with_a_slipped_digit_group_is_no_listing() {
        let values: Vec<f64> = (0..100).map(|row| 15.0 + 0.01 * f64::from(row)).collect();
        let rows: Vec<usize> = (0..100).collect();
        let rule = OutlierRule::fit(Cells::Absent, &values, &rows);
        assert!(rule.keeps(None, 16.5));
        assert!(rule.keeps(None, f64::NAN));
        assert!(!rule.keeps(None, 15.5 + 1000f64.ln()));
        assert!(!rule.keeps(None, 15.5 - 1000f64.ln()));
    }

    #[test]
    fn what_is_three_times_as_dear_as_its_like_neighbours_is_kept() {
        let values: Vec<f64> = (0..100).map(|row| 15.0 + 0.001 * f64::from(row)).collect();
        let rows: Vec<usize> = (0..100).collect();
        let rule = OutlierRule::fit(Cells::Absent, &values, &rows);
        assert!(rule.keeps(None, 15.05 + 2.9f64.ln()));
        assert!(!rule.keeps(None, 15.05 + 3.1f64.ln()));
    }
}
