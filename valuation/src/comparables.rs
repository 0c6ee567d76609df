//! Past records like a record, to be shown beside its price.

mod by_line;

use serde::{Deserialize, Serialize, Serializer};

use crate::kd_tree::{KdTree, Near};
use crate::part_error::PartError;

pub(crate) use self::by_line::ByField;

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
    /// When, microseconds since 1970; none without a time field. Written as RFC 3339.
    #[serde(rename = "time", serialize_with = "as_time")]
    pub time_us: Option<i64>,
    /// How unlike it is: 0 is the same in all that matters.
    pub distance: f32,
}

fn as_time<S: Serializer>(time_us: &Option<i64>, to: S) -> Result<S::Ok, S::Error> {
    time_us.map(records::timestamp::format).serialize(to)
}

/// The records of training by likeness: near in the values that the trees gained most by, or without trees in
/// what the fields add by the line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Comparables {
    /// Where they are.
    pub(crate) space: KdTree,
    /// What they are, by position.
    pub(crate) past: Vec<Past>,
    /// Whether the space is that of a line ([`ByField`]): its file has another name.
    #[serde(skip)]
    pub(crate) by_line: bool,
}

impl Comparables {
    /// The `count` that are most like a row of the space.
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

    /// Whether what was read fits rows of `width` values.
    ///
    /// # Errors
    /// States what does not.
    pub(crate) fn check(&self, width: usize) -> Result<(), PartError> {
        self.space.check(width, self.past.len())
    }
}
