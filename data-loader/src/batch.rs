//! What one transaction writes, and in which steps.

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::{BooleanArray, RecordBatch};
use arrow_schema::ArrowError;
use arrow_select::filter::filter_record_batch;
use ledger::offsets::Stretches;
use ledger::rejects::Reject;
use records::Purpose;

use crate::origins::Origins;

/// The purpose under which the loader decodes.
pub(crate) const PURPOSE: Purpose = Purpose::Listing;

/// What one transaction writes.
pub(crate) struct Batch {
    pub rows: RecordBatch,
    /// Of the rows.
    pub origins: Origins,
    /// Listings that are delisted, in the order in which the messages came.
    pub tombstones: Vec<Tombstone>,
    /// Messages that are neither.
    pub rejects: Vec<Reject>,
    pub stretches: Stretches,
    /// Fields of its messages that the schema does not name.
    pub unknown_fields: u64,
    /// Bytes of all its messages.
    pub bytes: usize,
}

/// A message that says that a listing is delisted.
#[derive(Debug, Clone)]
pub(crate) struct Tombstone {
    /// The listing's key.
    pub key: String,
    /// When the message arrived, in microseconds since 1970.
    pub arrival_us: i64,
    /// Rows of the batch that came before it.
    pub rows_before: usize,
    pub partition: i32,
    pub offset: i64,
}

/// Rows that are written together.
pub(crate) struct Part {
    pub rows: RecordBatch,
    /// Of each row its place in the batch; `None` where that is the same.
    places: Option<Vec<usize>>,
}

impl Part {
    /// The place in the batch of a row of this part.
    pub fn place(&self, row: usize) -> Option<usize> {
        match &self.places {
            Some(places) => places.get(row).copied(),
            None => Some(row),
        }
    }
}

/// A batch in its steps: rows, then tombstones, then the rows of listings that came again after theirs.
pub(crate) struct Steps<'a> {
    pub before: Part,
    /// The last one of each key.
    pub tombstones: Vec<&'a Tombstone>,
    pub after: Option<Part>,
}

impl Batch {
    /// The steps that have the effect of the messages one by one: what a key's last tombstone follows does not
    /// matter beyond it, so that two runs of rows are enough however often listings come and go.
    ///
    /// # Errors
    /// When the rows have no text column `key`: never, as the schema's key is one.
    pub fn steps(&self, key: &str) -> Result<Steps<'_>, ArrowError> {
        let all = || Part {
            rows: self.rows.clone(),
            places: None,
        };
        if self.tombstones.is_empty() {
            return Ok(Steps {
                before: all(),
                tombstones: Vec::new(),
                after: None,
            });
        }
        let mut last: HashMap<&str, &Tombstone> = HashMap::new();
        for tombstone in &self.tombstones {
            last.insert(&tombstone.key, tombstone);
        }
        let mut tombstones: Vec<&Tombstone> = last.values().copied().collect();
        // In one order, so that two members do not wait for each other.
        tombstones.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        let keys = self.rows.column_by_name(key);
        let keys = keys.and_then(|column| column.as_string_opt::<i32>());
        let keys = keys.ok_or_else(|| {
            ArrowError::SchemaError(format!("the key {key:?} is not a column of texts"))
        })?;
        let is_after: Vec<bool> = keys
            .iter()
            .enumerate()
            .map(|(row, key)| {
                let tombstone = key.and_then(|key| last.get(key));
                tombstone.is_some_and(|tombstone| row >= tombstone.rows_before)
            })
            .collect();
        if !is_after.contains(&true) {
            return Ok(Steps {
                before: all(),
                tombstones,
                after: None,
            });
        }
        let part = |of: bool| {
            let mask: BooleanArray = is_after.iter().map(|after| Some(*after == of)).collect();
            let places = (0..is_after.len()).filter(|row| is_after[*row] == of);
            Ok::<Part, ArrowError>(Part {
                rows: filter_record_batch(&self.rows, &mask)?,
                places: Some(places.collect()),
            })
        };
        Ok(Steps {
            before: part(false)?,
            tombstones,
            after: Some(part(true)?),
        })
    }

    /// Its tombstones whose key is among `known`, and the others.
    pub fn count_known(&self, known: &[String]) -> (usize, usize) {
        let known: std::collections::HashSet<&str> = known.iter().map(String::as_str).collect();
        let count = self.tombstones.iter();
        let count = count
            .filter(|tombstone| known.contains(tombstone.key.as_str()))
            .count();
        (count, self.tombstones.len() - count)
    }
}
