//! Records as points, and which are near.
//!
//! Each axis is a value of the frame by its rank among the training rows (so that metres and years
//! compare), times a weight. A k-d tree of ours finds the nearest points ([`lanes::Points`]); equal distances
//! go by row. The crates at hand fix the number of axes when they are compiled, or sort equal distances
//! as it happens.

pub(crate) use lanes::Near;
use lanes::Points;
use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::part_error::PartError;

/// The training records as points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct KdTree {
    /// The weightiest first.
    axes: Vec<Axis>,
    /// Coordinates, row-major, by position.
    points: Vec<f32>,
    /// Built when read: the points say everything.
    #[serde(skip)]
    tree: Points,
}

impl KdTree {
    /// Rows of the frame (`values` row-major) as points; `weights` are by value, and what weighs
    /// next to nothing is left out. `None` where nothing weighs.
    pub(crate) fn new(values: &[f32], width: usize, weights: &[f64]) -> Option<KdTree> {
        let axes = Axis::choose(values, width, weights);
        if axes.is_empty() {
            return None;
        }
        let points = values
            .chunks_exact(width)
            .flat_map(|row| axes.iter().map(|axis| axis.place(row)))
            .collect();
        let mut space = KdTree {
            axes,
            points,
            tree: Points::default(),
        };
        space.grow();
        Some(space)
    }

    /// Builds the tree after reading.
    pub(crate) fn grow(&mut self) {
        self.tree = Points::grow(&self.points, self.axes.len());
    }

    /// The `count` nearest to a row of the frame, nearest first, without `own`.
    pub(crate) fn nearest(
        &self,
        row: &[f32],
        excluded: Option<usize>,
        count: usize,
        found: &mut Vec<Near>,
    ) {
        let mut point = [0.0_f32; Axis::MOST];
        for (place, axis) in point.iter_mut().zip(&self.axes) {
            *place = axis.place(row);
        }
        let excluded = excluded.map(|row| row as u32);
        self.tree
            .nearest(&point[..self.axes.len()], excluded, count, found);
    }

    /// Whether what was read fits a frame of `width` values and has `rows` records.
    ///
    /// # Errors
    /// States what does not.
    pub(crate) fn check(&self, width: usize, rows: usize) -> Result<(), PartError> {
        if self.axes.is_empty() || self.axes.len() > Axis::MOST {
            let (found, most) = (self.axes.len(), Axis::MOST);
            return Err(PartError::Misfit(format!(
                "{found} axes, expected 1 to {most}"
            )));
        }
        for axis in &self.axes {
            axis.check(width)?;
        }
        if self.points.len() != self.axes.len() * rows || rows == 0 {
            return Err(PartError::Misfit(format!(
                "{} coordinates of {rows} records, expected {} each",
                self.points.len(),
                self.axes.len()
            )));
        }
        match self.points.iter().all(|value| value.is_finite()) {
            true => Ok(()),
            false => Err(PartError::misfit("expected finite coordinates")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn finds_what_a_scan_of_all_finds() {
        let mut rng = Rng::new(5);
        let width = 4;
        // Coarse values: many distances are equal.
        let values: Vec<f32> = (0..2000 * width).map(|_| rng.below(12) as f32).collect();
        let space = KdTree::new(&values, width, &[0.7, 0.5, 0.4, 0.2]).unwrap();
        let axes = space.axes.len();
        let mut found = Vec::new();
        for index in (0..2000).step_by(37) {
            let row = &values[index * width..(index + 1) * width];
            space.nearest(row, Some(index), 9, &mut found);
            let point = &space.points[index * axes..(index + 1) * axes];
            let mut all: Vec<(f32, usize)> = (0..2000)
                .filter(|other| *other != index)
                .map(|other| {
                    let there = &space.points[other * axes..(other + 1) * axes];
                    let pairs = point.iter().zip(there);
                    let squared: f32 = pairs.map(|(a, b)| (a - b) * (a - b)).sum();
                    (squared.sqrt(), other)
                })
                .collect();
            all.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
            let pairs = found.iter().map(|near| (near.distance(), near.position()));
            assert_eq!(pairs.collect::<Vec<_>>(), all[..9]);
        }
    }
}
