//! Past records like a record, to be shown beside its price.

mod by_line;
mod difference;
mod given;
mod values;

use serde::{Deserialize, Serialize, Serializer};

use crate::kd_tree::{KdTree, Near};
use crate::link::Link;
use crate::part_error::PartError;

pub(crate) use self::by_line::ByField;
pub use self::difference::FieldDifference;
pub(crate) use self::given::Given;
pub(crate) use self::values::{Differing, PastValues};

/// Training records kept at most, the newest: bounds the artifact.
pub(crate) const MOST_RECORDS: usize = 50_000;

/// Records of one key that are looked past at most.
const MOST_OWN: usize = 8;
/// Prices from here on are shown without decimals.
const WHOLE_FROM: f64 = 100.0;

/// A price as it is shown: nobody pays by fractions of the unit.
fn rounded(price: f64) -> f64 {
    match price.abs() >= WHOLE_FROM {
        true => price.round(),
        false => (price * 100.0).round() / 100.0,
    }
}

/// A past record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Past {
    /// Its key.
    pub(crate) id: String,
    /// Its price.
    pub(crate) price: f64,
    /// Its time, microseconds since 1970.
    pub(crate) time_us: Option<i64>,
    /// The model's estimate of its log price: what others are adjusted by. None in artifacts of releases that
    /// did not write it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) estimate: Option<f64>,
}

/// A past record that is like the one asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparable {
    /// Its key.
    pub id: String,
    /// What it cost, in the target's unit.
    pub price: f64,
    /// What it would have cost if it were the record asked for: its price times what the model says of both,
    /// one over the other. None for a model of an earlier release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adjusted: Option<f64>,
    /// When, microseconds since 1970; none without a time field. Written as RFC 3339.
    #[serde(rename = "time", serialize_with = "as_time")]
    pub time_us: Option<i64>,
    /// How unlike it is: 0 is the same in all that matters.
    pub distance: f32,
    /// What it differs by in what the model reads, the most important field first; none for a model of an earlier
    /// release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differences: Option<Vec<FieldDifference>>,
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
    /// What they have in the fields that the model reads, in a file of its own; none in artifacts of releases that
    /// did not write it down.
    #[serde(skip)]
    pub(crate) values: Option<PastValues>,
}

impl Comparables {
    /// The `count` that are most like a row of the space, whose log price is estimated at `log`, each with its
    /// position; without the record of this key: nothing is comparable to itself. Their differences are not
    /// filled in yet.
    pub(crate) fn nearest(
        &self,
        row: &[f32],
        key: Option<&str>,
        log: f64,
        link: Link,
        count: usize,
    ) -> Vec<(usize, Comparable)> {
        let mut found: Vec<Near> = Vec::new();
        // A key may have been sold more than once.
        self.space.nearest(row, None, count + MOST_OWN, &mut found);
        let others = found
            .into_iter()
            .map(|near| (near, &self.past[near.position()]))
            .filter(|(_, past)| key != Some(past.id.as_str()));
        let comparable = |(near, past): (Near, &Past)| {
            let comparable = Comparable {
                id: past.id.clone(),
                price: rounded(past.price),
                adjusted: past.estimate.map(|estimate| {
                    let adjusted = link.log(past.price) + log - estimate;
                    rounded(link.value(link.hold(adjusted)))
                }),
                time_us: past.time_us,
                distance: near.distance(),
                differences: None,
            };
            (near.position(), comparable)
        };
        others.take(count).map(comparable).collect()
    }

    /// Whether what was read fits rows of `width` values.
    ///
    /// # Errors
    /// States what does not.
    pub(crate) fn check(&self, width: usize) -> Result<(), PartError> {
        let mut estimates = self.past.iter().filter_map(|past| past.estimate);
        match estimates.find(|estimate| !estimate.is_finite()) {
            Some(estimate) => Err(PartError::Misfit(format!(
                "an estimate of {estimate}, expected a finite number"
            ))),
            None => self.space.check(width, self.past.len()),
        }
    }
}
