//! Past records like a record, to be shown beside its price.

use serde::{Deserialize, Serialize};

use crate::kd_tree::{KdTree, Near};
use crate::part_error::PartError;

/// Training records kept at most, the newest: bounds the artifact.
pub(crate) const MOST_RECORDS: usize = 50_000;

/// A past record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Past {
    /// Its key.
    pub(crate) id: String,
    /// Its price.
    pub(crate) price: f64,
    /// Its time, microseconds since 1970.
    pub(crate) time_us: Option<i64>,
}

/// A past record that is like the one asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparable {
    /// Its key.
    pub id: String,
    /// What it cost, in the target's unit.
    pub price: f64,
    /// When, microseconds since 1970; none without a time field.
    pub time_us: Option<i64>,
    /// How unlike it is: 0 is the same in all that matters.
    pub distance: f32,
}

/// The records of training by likeness: near in the values that the trees gained most by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Comparables {
    /// Where they are.
    pub(crate) space: KdTree,
    /// What they are, by position.
    pub(crate) past: Vec<Past>,
}

impl Comparables {
    /// The `count` that are most like a row of the frame.
    pub(crate) fn of(&self, row: &[f32], count: usize) -> Vec<Comparable> {
        let mut found: Vec<Near> = Vec::new();
        self.space.nearest(row, None, count, &mut found);
        found
            .into_iter()
            .map(|near| {
                let Past { id, price, time_us } = self.past[near.position()].clone();
                Comparable {
                    id,
                    price,
                    time_us,
                    distance: near.distance(),
                }
            })
            .collect()
    }

    /// Whether what was read fits a frame of `width` values.
    ///
    /// # Errors
    /// States what does not.
    pub(crate) fn check(&self, width: usize) -> Result<(), PartError> {
        self.space.check(width, self.past.len())
    }
}
