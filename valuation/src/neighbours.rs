//! What past records near a record cost: a feature of the trees.
//!
//! Near is by place (`schema.place`), or by place and a little by likeness. The mean is of log
//! prices per area where the schema names an area: what the place is worth, not what was sold there.

use serde::{Deserialize, Serialize};

use crate::kd_tree::{KdTree, Near};
use crate::part_error::PartError;

/// Distance that counts as none: keeps the weight of a twin finite.
const NEAREST: f32 = 1e-3;

/// Neighbours that are weighed side by side.
const SIDE_BY_SIDE: usize = 8;

/// The training records in a space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Neighbours {
    /// States what near is, for people.
    name: String,
    /// Where the records are.
    pub(crate) space: KdTree,
    /// How many neighbours each mean is over, rising.
    counts: Vec<usize>,
    /// Log prices (per area) by position.
    targets: Vec<f32>,
}

impl Neighbours {
    /// `targets` are by row of the space.
    pub(crate) fn new(name: &str, space: KdTree, targets: &[f64], counts: &[usize]) -> Neighbours {
        Neighbours {
            name: name.to_owned(),
            space,
            counts: counts.to_vec(),
            targets: targets.iter().map(|target| *target as f32).collect(),
        }
    }

    /// How many values [`Neighbours::write`] adds.
    pub(crate) fn width(&self) -> usize {
        self.counts.len() + 1
    }

    /// Names of the values, for people.
    pub(crate) fn names(&self) -> Vec<String> {
        let means = self.counts.iter();
        let named = means.map(|count| format!("{count} nearest {} (mean)", self.name));
        named
            .chain([format!("nearest {} (spread)", self.name)])
            .collect()
    }

    /// Appends to `out` the means, weighted by nearness, of what the records nearest to `row` cost,
    /// and their spread; the record at `own` is not its own neighbour.
    pub(crate) fn write(
        &self,
        row: &[f32],
        excluded: Option<usize>,
        found: &mut Vec<Near>,
        out: &mut Vec<f32>,
    ) {
        let most = self.counts.last().copied().unwrap_or(1);
        self.space.nearest(row, excluded, most, found);
        let (mut weights, mut sum, mut squares, mut taken) = (0.0_f32, 0.0_f32, 0.0_f32, 0);
        // Around the nearest: squares of whole log prices would cancel in `f32`.
        let centre = found
            .first()
            .map_or(0.0, |near| self.targets[near.position()]);
        for count in &self.counts {
            let next = taken..found.len().min(*count);
            taken = next.end;
            for some in found[next].chunks(SIDE_BY_SIDE) {
                // Roots and quotients do not wait for the sums.
                let mut of_some = [0.0_f32; SIDE_BY_SIDE];
                for (weight, near) in of_some.iter_mut().zip(some) {
                    *weight = 1.0 / (near.distance() + NEAREST);
                }
                for (weight, near) in of_some.into_iter().zip(some) {
                    let target = self.targets[near.position()] - centre;
                    weights += weight;
                    sum += weight * target;
                    squares += weight * target * target;
                }
            }
            let known = weights > 0.0;
            out.push(if known {
                centre + sum / weights
            } else {
                f32::NAN
            });
        }
        let all = weights.max(f32::MIN_POSITIVE);
        out.push((squares / all - (sum / all) * (sum / all)).max(0.0).sqrt());
    }

    /// Whether what was read fits a frame of `width` values.
    ///
    /// # Errors
    /// States what does not.
    pub(crate) fn check(&self, width: usize) -> Result<(), PartError> {
        self.space.check(width, self.targets.len())?;
        let rising = self.counts.is_sorted() && self.counts.first().is_some_and(|count| *count > 0);
        match rising && self.targets.iter().all(|value| value.is_finite()) {
            true => Ok(()),
            false => Err(PartError::misfit(
                "expected rising counts and finite targets",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_not_its_own_neighbour() {
        let values: Vec<f32> = (0..50).map(|row| row as f32).collect();
        let logs: Vec<f64> = (0..50)
            .map(|row| if row == 20 { 100.0 } else { 1.0 })
            .collect();
        let space = KdTree::new(&values, 1, &[1.0]).unwrap();
        let neighbours = Neighbours::new("by place", space, &logs, &[3]);
        let value = |excluded: Option<usize>| {
            let mut out = Vec::new();
            neighbours.write(&[20.0], excluded, &mut Vec::new(), &mut out);
            assert_eq!(out.len(), neighbours.width());
            out[0]
        };
        assert_eq!(value(Some(20)), 1.0);
        assert!(value(None) > 50.0);
    }
}
