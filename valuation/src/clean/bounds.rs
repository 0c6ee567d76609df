//! Both rules on prices far from what their group costs: of the price, and of the price per area.

use serde::{Deserialize, Serialize};

use super::outlier::OutlierRule;
use crate::cells::Cells;

/// How far prices, and prices per area, may lie from their group's. Where the area is known, the
/// price per area is checked alone: a large home is expensive, and no mistake.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PriceBounds {
    /// Of log prices: for rows without an area.
    price: OutlierRule,
    /// Of log prices per area.
    per_area: OutlierRule,
}

/// What is wrong with a price.
const PRICE: &str = "target_outlier";
/// What is wrong with a price per area.
const PER_AREA: &str = "target_per_area_outlier";

impl PriceBounds {
    /// The names of the rules, in the order in which they take rows.
    pub(crate) const RULES: [&str; 2] = [PRICE, PER_AREA];

    /// Fits on training rows only; `logs` are log prices by row of the batch.
    pub(crate) fn fit(groups: Cells, areas: Cells, logs: &[f64], train: &[usize]) -> PriceBounds {
        PriceBounds {
            price: OutlierRule::fit(groups, logs, train),
            per_area: OutlierRule::fit(groups, &per_area(areas, logs), train),
        }
    }

    /// By row: the rule that takes it, if any.
    pub(crate) fn rules(
        &self,
        groups: Cells,
        areas: Cells,
        logs: &[f64],
    ) -> Vec<Option<&'static str>> {
        let per_area = per_area(areas, logs);
        let rule = |row: usize| {
            let group = groups.text(row);
            if area(areas, row).is_none() && !self.price.keeps(group, logs[row]) {
                return Some(PRICE);
            }
            (!self.per_area.keeps(group, per_area[row])).then_some(PER_AREA)
        };
        (0..logs.len()).map(rule).collect()
    }
}

fn area(areas: Cells, row: usize) -> Option<f64> {
    areas.number(row).filter(|area| *area > 0.0)
}

/// Log prices per area; NaN where the area is not known.
fn per_area(areas: Cells, logs: &[f64]) -> Vec<f64> {
    let of = |(row, log): (usize, &f64)| log - area(areas, row).map_or(f64::NAN, f64::ln);
    logs.iter().enumerate().map(of).collect()
}
