//! What a model's training looked like, field by field: what is requested later is counted against
//! it, and the difference states whether the model still prices what it has learned from.
//!
//! A [`Profile`] travels in the artifact. A service counts what it prices in a [`Tally`], merges the
//! tallies of a period, and [`Profile::psi`] states how far each field has moved.

mod drift;
mod errors;
mod levels;
mod parts;

use arrow_array::RecordBatch;
use records::Schema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use self::drift::Drift;
use self::errors::Errors;
use self::parts::Parts;
use crate::cells::Cells;
use crate::link::Link;
use crate::metrics::JudgedRow;
use crate::part_error::PartError;
use crate::prediction::Prediction;

/// What the model's own predictions are called among the fields.
const PREDICTION: &str = "prediction";

/// A column as it was in training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Column {
    /// The field of the records; "prediction" for what the model predicted.
    name: String,
    /// Whether it is what the model predicted: a schema may have a field of the same name.
    is_prediction: bool,
    /// How its values are parted.
    parts: Parts,
    /// Training rows by part, and last those without a value.
    counts: Vec<u64>,
}

/// How the training rows were spread over each field, and the hold-out over the model's predictions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Distinguishes profiles, so that no tally is read against another model's parts: the beginning
    /// of the SHA-256 of what is counted, in hexadecimal.
    id: String,
    /// The fields in the order of the schema, and last the predictions.
    columns: Vec<Column>,
    /// How errors lie within the ranges: what is expected of prices that are not known yet.
    errors: Errors,
}

/// Counts of rows in the parts of a [`Profile`]: small, and the same whatever the order in which
/// rows and tallies are added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The id of the profile that it counts against.
    profile: String,
    /// By column of the profile: rows by part, and last those without a value.
    counts: Vec<Vec<u64>>,
}

impl Profile {
    /// Of the training `rows` of a batch and of what was predicted for the hold-out; `halves` is by how
    /// much the ranges of the model that is kept are wider than the judged ones.
    pub(crate) fn of(
        schema: &Schema,
        link: Link,
        batch: &RecordBatch,
        rows: &[usize],
        judged: &[JudgedRow],
        halves: f64,
    ) -> Profile {
        let mut columns: Vec<Column> = schema
            .features()
            .map(|field| {
                let cells = Cells::of(batch, &field.name);
                let parts = Parts::of(&cells, rows);
                let mut counts = vec![0; parts.count()];
                rows.iter()
                    .for_each(|row| counts[parts.place(&cells, *row)] += 1);
                Column {
                    name: field.name.clone(),
                    is_prediction: false,
                    parts,
                    counts,
                }
            })
            .collect();
        let parts = Parts::numbers(judged.iter().map(|row| row.value).collect());
        let mut counts = vec![0; parts.count()];
        judged
            .iter()
            .for_each(|row| counts[parts.place_number(Some(row.value))] += 1);
        columns.push(Column {
            name: PREDICTION.to_owned(),
            is_prediction: true,
            parts,
            counts,
        });
        Profile {
            id: id(&columns),
            columns,
            errors: Errors::of(link, judged, halves),
        }
    }

    /// An empty count of the same shape.
    pub fn tally(&self) -> Tally {
        let counts = self
            .columns
            .iter()
            .map(|column| vec![0; column.counts.len()]);
        Tally {
            profile: self.id.clone(),
            counts: counts.collect(),
        }
    }

    /// Whether a tally was counted against this profile: one kept elsewhere may be of another
    /// model.
    pub fn fits(&self, tally: &Tally) -> bool {
        let lengths = self.columns.iter().map(|column| column.counts.len());
        self.id == tally.profile && lengths.eq(tally.counts.iter().map(Vec::len))
    }

    /// How far each field has moved from training: the fields in the order of the schema, and last
    /// the model's predictions. Empty as long as nothing was counted, and for a tally that does not
    /// [fit](Profile::fits).
    pub fn psi(&self, tally: &Tally) -> Vec<Drift> {
        if tally.rows() == 0 || !self.fits(tally) {
            return Vec::new();
        }
        let pairs = self.columns.iter().zip(&tally.counts);
        pairs
            .map(|(column, counts)| {
                Drift::of(&column.name, column.is_prediction, &column.counts, counts)
            })
            .collect()
    }

    pub(crate) fn errors(&self) -> &Errors {
        &self.errors
    }

    /// Whether what was read from a file is what a fit can give.
    ///
    /// # Errors
    /// States which field is wrong and how.
    pub(crate) fn check(&self) -> Result<(), PartError> {
        for column in &self.columns {
            let at = |error: PartError| error.at(&format!("profile of {:?}", column.name));
            column.parts.check().map_err(at)?;
            let (found, expected) = (column.counts.len(), column.parts.count());
            if found != expected {
                let misfit = format!("{found} counts, expected {expected}");
                return Err(at(PartError::Misfit(misfit)));
            }
        }
        self.errors.check()
    }
}

impl Tally {
    /// Counts the rows of a batch and what the model predicted of them. Fields without a column count as
    /// not known. False where the tally does not [fit](Profile::fits): nothing is counted then.
    pub fn add(
        &mut self,
        profile: &Profile,
        batch: &RecordBatch,
        predictions: &[Prediction],
    ) -> bool {
        if !profile.fits(self) {
            return false;
        }
        for (column, counts) in profile.columns.iter().zip(&mut self.counts) {
            if column.is_prediction {
                for predicted in predictions {
                    counts[column.parts.place_number(Some(predicted.value))] += 1;
                }
            } else {
                let cells = Cells::of(batch, &column.name);
                for row in 0..batch.num_rows() {
                    counts[column.parts.place(&cells, row)] += 1;
                }
            }
        }
        true
    }

    /// Adds what another has counted. False where the two are not of one profile: nothing is added
    /// then.
    pub fn merge(&mut self, other: &Tally) -> bool {
        let lengths = |tally: &Tally| -> Vec<usize> { tally.counts.iter().map(Vec::len).collect() };
        if self.profile != other.profile || lengths(self) != lengths(other) {
            return false;
        }
        for (count, other) in self.counts.iter_mut().zip(&other.counts) {
            for (count, other) in count.iter_mut().zip(other) {
                // Counts read from elsewhere may be anything.
                *count = count.saturating_add(*other);
            }
        }
        true
    }

    /// How many rows were counted.
    pub fn rows(&self) -> u64 {
        let sum = |counts: &Vec<u64>| {
            counts
                .iter()
                .fold(0, |sum: u64, count| sum.saturating_add(*count))
        };
        self.counts.iter().map(sum).max().unwrap_or(0)
    }
}

fn id(columns: &[Column]) -> String {
    let mut hash = Sha256::new();
    for column in columns {
        // Only names and numbers: what it looks like does not matter, that it differs does.
        hash.update(format!(
            "{:?} {:?} {:?}\n",
            column.name, column.parts, column.counts
        ));
    }
    let bytes = hash.finalize();
    bytes[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
