//! The columns of decoded records and of the table.

use std::sync::Arc;

use super::{Field, PLACE, Purpose, Schema, Tombstone};
use crate::limits::KEY_BYTES;

impl Schema {
    /// The fields that are columns for a purpose: all, or all but the target.
    pub fn columns(&self, purpose: Purpose) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| {
            purpose == Purpose::Listing || self.target.as_deref() != Some(field.name.as_str())
        })
    }

    /// Whether the table has the column [`DELISTED_AT`](super::DELISTED_AT).
    pub fn marks_delisted(&self) -> bool {
        self.delisting.tombstone == Tombstone::Mark
    }

    /// Longest text of a field, in bytes: a key's is what an index takes.
    pub fn text_limit(&self, field: &Field) -> usize {
        match field.name == self.key {
            true => field.text_limit().min(KEY_BYTES),
            false => field.text_limit(),
        }
    }

    /// Whether a column of decoded records can hold nulls.
    pub fn is_nullable(&self, field: &Field) -> bool {
        !(field.required
            || field.name == self.key
            || self.time.as_deref() == Some(field.name.as_str())
            || self.target.as_deref() == Some(field.name.as_str()))
    }

    /// Whether a file must have a column for the field: what is required, but neither the time nor
    /// the place, which are filled in.
    pub fn is_asked_for(&self, field: &Field) -> bool {
        let is_time = self.time.as_deref() == Some(field.name.as_str());
        !self.is_nullable(field) && !is_time && field.name != PLACE
    }

    /// The Arrow schema of decoded records.
    pub fn arrow(&self, purpose: Purpose) -> Arc<arrow_schema::Schema> {
        Arc::new(arrow_schema::Schema::new(
            self.columns(purpose)
                .map(|field| {
                    arrow_schema::Field::new(
                        &field.name,
                        field.kind.data_type(),
                        self.is_nullable(field),
                    )
                })
                .collect::<Vec<_>>(),
        ))
    }
}
