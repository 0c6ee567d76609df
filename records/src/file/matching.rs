//! Which column of a file is which column of the schema.

use std::path::Path;

use super::error::FileError;
use crate::schema::{Field, Purpose, Schema};

/// Which column of the file fills which column of the schema.
pub(super) struct Matching {
    /// For each column of the file, the schema's column it fills.
    pub targets: Vec<Option<usize>>,
    /// Names in the file that the schema does not know.
    pub unknown: Vec<String>,
}

impl Matching {
    pub fn new(
        path: &Path,
        names: &[String],
        schema: &Schema,
        purpose: Purpose,
    ) -> Result<Matching, FileError> {
        let fault = |detail| FileError::Columns {
            path: path.to_owned(),
            detail,
            columns: names.join(", "),
        };
        let fields: Vec<_> = schema.columns(purpose).collect();
        let called = unique(names);
        // A header that is a field's `column` to the letter is that field's, anyone who has its name.
        let is_column = |header: &String| {
            fields
                .iter()
                .position(|field| field.column.as_ref() == Some(header))
        };
        let is_name = |header: &String| {
            let has_column = |field: &Field| {
                field
                    .column
                    .as_ref()
                    .is_some_and(|name| called.contains(name))
            };
            fields
                .iter()
                .position(|field| field.name == *header && !has_column(field))
        };
        let mut targets: Vec<Option<usize>> = Vec::with_capacity(names.len());
        for (position, header) in called.iter().enumerate() {
            let target = is_column(header).or_else(|| is_name(header));
            // The second "Price" is nobody's, unless the schema states which it is.
            let doubled = || match *header == names[position] {
                true => None,
                false => fields
                    .iter()
                    .position(|field| field.is_headed(&names[position])),
            };
            let other = target.or_else(doubled);
            let before = targets
                .iter()
                .position(|before| before.is_some() && *before == other);
            if let (Some(index), Some(before)) = (other, before) {
                return Err(fault(format!(
                    "columns {} ({:?}) and {} ({:?}) both stand for the field {:?}; rename or \
                     remove one",
                    before + 1,
                    names[before],
                    position + 1,
                    names[position],
                    fields[index].name
                )));
            }
            targets.push(target);
        }
        for (index, field) in fields.iter().enumerate() {
            if schema.is_asked_for(field) && !targets.contains(&Some(index)) {
                return Err(fault(format!("there is no column {:?}", field.name)));
            }
        }
        let unknown = called
            .iter()
            .zip(&targets)
            .filter(|(_, target)| target.is_none())
            .map(|(name, _)| name.clone())
            .collect();
        Ok(Matching { targets, unknown })
    }
}

/// Names of columns, each once: one that comes again has its number behind it.
pub(super) fn unique(names: &[String]) -> Vec<String> {
    let again = |(position, name): (usize, &String)| {
        let before = names[..position]
            .iter()
            .filter(|other| *other == name)
            .count();
        match (before, name.is_empty()) {
            (0, _) => name.clone(),
            (_, true) => format!("column {}", position + 1),
            (before, false) => format!("{name} ({})", before + 1),
        }
    };
    names.iter().enumerate().map(again).collect()
}
