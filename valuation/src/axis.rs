//! An axis of likeness: a value by its rank, so that metres and years compare.

use crate::part_error::PartError;
use serde::{Deserialize, Serialize};

/// Steps of the rank: a quantile each.
const STEPS: usize = 64;
/// Least weight that makes an axis.
const LEAST_WEIGHT: f64 = 0.05;

/// One axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Axis {
    /// Which value of the frame it reads.
    value: usize,
    /// Its length: differences along it count so much.
    weight: f32,
    /// Quantiles of the value, rising, no two the same.
    knots: Vec<f32>,
    /// The rank of each knot, 0 to 1.
    ranks: Vec<f32>,
}

impl Axis {
    /// Axes of a space at most.
    pub(crate) const MOST: usize = lanes::MOST_AXES;

    /// The weightiest values as axes. `values` are row-major.
    pub(crate) fn choose(values: &[f32], width: usize, weights: &[f64]) -> Vec<Axis> {
        let mut ordered: Vec<usize> = (0..width).collect();
        ordered.sort_by(|one, other| {
            let by_weight = weights[*other].total_cmp(&weights[*one]);
            by_weight.then(one.cmp(other))
        });
        ordered
            .into_iter()
            .filter(|value| weights[*value] >= LEAST_WEIGHT)
            .take(Axis::MOST)
            .filter_map(|value| {
                let column = values.iter().copied().skip(value).step_by(width);
                Axis::fit(column, value, weights[value] as f32)
            })
            .collect()
    }

    fn fit(column: impl Iterator<Item = f32>, value: usize, weight: f32) -> Option<Axis> {
        let mut known: Vec<f32> = column.filter(|value| !value.is_nan()).collect();
        known.sort_by(f32::total_cmp);
        let last = known.len().checked_sub(1)?;
        let (mut knots, mut ranks): (Vec<f32>, Vec<f32>) = (Vec::new(), Vec::new());
        for step in 0..=STEPS {
            let knot = known[last * step / STEPS];
            if knots.last() != Some(&knot) {
                knots.push(knot);
                // The middle of the rows that have it.
                let below = known.partition_point(|one| *one < knot);
                let up_to = known.partition_point(|one| *one <= knot);
                ranks.push((below + up_to) as f32 / (2 * known.len()) as f32);
            }
        }
        Some(Axis {
            value,
            weight,
            knots,
            ranks,
        })
    }

    /// Where a row of the frame lies; what is not known is in the middle.
    pub(crate) fn place(&self, row: &[f32]) -> f32 {
        let value = row[self.value];
        if value.is_nan() {
            return 0.5 * self.weight;
        }
        let above = lanes::reached(&self.knots, value);
        let rank = match (above.checked_sub(1), self.knots.get(above)) {
            (None, _) => self.ranks[0],
            (Some(at), None) => self.ranks[at],
            (Some(at), Some(next)) => {
                let share = (value - self.knots[at]) / (next - self.knots[at]);
                self.ranks[at] + share * (self.ranks[above] - self.ranks[at])
            }
        };
        rank * self.weight
    }

    pub(crate) fn check(&self, width: usize) -> Result<(), PartError> {
        let rising = self.knots.windows(2).all(|pair| pair[0] < pair[1]);
        let fits = self.value < width && !self.knots.is_empty();
        let finite = self
            .knots
            .iter()
            .chain(&self.ranks)
            .all(|knot| knot.is_finite());
        if fits
            && rising
            && finite
            && self.weight.is_finite()
            && self.knots.len() == self.ranks.len()
        {
            return Ok(());
        }
        Err(PartError::Misfit(format!(
            "an axis of value {}, expected one below {width} with rising knots",
            self.value
        )))
    }
}
