//! The sales comparison approach: what the nearest past sales cost, each adjusted for what it differs
//! in (Appraisal Institute, The Appraisal of Real Estate; Borst & McCluskey 2008, The Modified
//! Comparable Sales Method as the Basis for a Property Tax Valuations System). The adjustments are a
//! hedonic line's, so that in log prices
//!
//! ```text
//! estimate = line(x) + median of (log pᵢ − line(xᵢ)) over the nearest sales i, weighted by nearness
//! ```
//!
//! Near is by place and a little by likeness; without a place, by the values that matter most.

use serde::{Deserialize, Serialize};

use crate::linear::{Linear, SparseRow};
use crate::space::{Near, Space};

/// Distance that counts as none: keeps the weight of a twin finite.
const NEAREST: f32 = 1e-2;
/// Sales looked at, at most.
const MOST: usize = 200;

/// How sales are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparablesOptions {
    /// How many of the nearest past sales.
    pub count: usize,
}

impl ComparablesOptions {
    /// Whether sales can be compared so.
    ///
    /// # Errors
    /// The option, what is expected of it, and what it is.
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str, f64)> {
        match (1..=MOST).contains(&self.count) {
            true => Ok(()),
            false => Err(("count", "1 to 200", self.count as f64)),
        }
    }
}

/// The fitted member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Comparison {
    /// What sales are adjusted by.
    pub(crate) line: Linear,
    /// Where the sales are.
    pub(crate) space: Space,
    /// By sale: its log price less what the line says of it.
    off: Vec<f32>,
    /// How many of the nearest.
    count: usize,
}

/// Room for a search.
#[derive(Debug, Default)]
pub(crate) struct Room {
    near: Vec<Near>,
    /// What the nearest are off by, and how much each says.
    said: Vec<(f32, f32)>,
}

impl Comparison {
    /// `off` are the line's residuals by position of the space.
    pub(crate) fn new(
        line: Linear,
        space: Space,
        off: &[f64],
        options: ComparablesOptions,
    ) -> Comparison {
        Comparison {
            line,
            space,
            off: off.iter().map(|off| *off as f32).collect(),
            count: options.count,
        }
    }

    /// The log price of a row.
    pub(crate) fn value(&self, design: &SparseRow, frame: &[f32], room: &mut Room) -> f64 {
        self.line.predict(design) + self.beyond_line(frame, room)
    }

    /// What the nearest sales cost more than the line says; 0 where there are none.
    pub(crate) fn beyond_line(&self, frame: &[f32], room: &mut Room) -> f64 {
        let Room { near, said } = room;
        self.space.nearest(frame, None, self.count, near);
        said.clear();
        said.extend(near.iter().map(|near| {
            let weight = 1.0 / (near.distance() + NEAREST);
            (self.off[near.position()], weight)
        }));
        weighted_median(said).map_or(0.0, f64::from)
    }

    /// Whether what was read fits a frame of `width` values.
    ///
    /// # Errors
    /// Says what does not.
    pub(crate) fn check(&self, width: usize) -> Result<(), String> {
        self.space.check(width, self.off.len())?;
        let counted = (1..=MOST).contains(&self.count);
        match counted && self.off.iter().all(|off| off.is_finite()) {
            true => Ok(()),
            false => Err(format!(
                "{} nearest sales of {}, expected 1 to {MOST} and finite residuals",
                self.count,
                self.off.len()
            )),
        }
    }
}

/// The value up to which half of the weight lies; of values and weights, which are sorted.
fn weighted_median(said: &mut [(f32, f32)]) -> Option<f32> {
    said.sort_by(|one, other| one.0.total_cmp(&other.0));
    let half = said.iter().map(|(_, weight)| weight).sum::<f32>() / 2.0;
    let mut sum = 0.0;
    let middle = said.iter().position(|(_, weight)| {
        sum += weight;
        sum >= half
    });
    middle.or(said.len().checked_sub(1)).map(|at| said[at].0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weighted_median_is_where_half_of_the_weight_is() {
        assert_eq!(weighted_median(&mut []), None);
        assert_eq!(weighted_median(&mut [(3.0, 1.0)]), Some(3.0));
        let mut said = [(9.0, 1.0), (1.0, 1.0), (2.0, 1.0)];
        assert_eq!(weighted_median(&mut said), Some(2.0));
        // One absurd sale, however near, does not decide alone.
        let mut said = [(100.0, 2.0), (1.0, 1.5), (2.0, 1.5)];
        assert_eq!(weighted_median(&mut said), Some(2.0));
    }
}
