//! Records from Arrow tables of any program: columns of any simple type, by the rules of files.

use std::fmt::Display;

use arrow_array::{Array, ArrayRef, RecordBatch};

use crate::arrival::Arrival;
use crate::arrow_value::{is_readable, set, values_of};
use crate::columns::Columns;
use crate::matching::Matching;
use crate::reject::Reason;
use crate::row::{Cell, Row};
use crate::schema::{Purpose, Schema};

/// Why a table cannot be read as records.
#[derive(Debug, thiserror::Error)]
pub enum ColumnsError {
    /// The columns do not fit the schema.
    #[error("{detail}; the table's columns are: {columns}")]
    Misfit {
        /// Which column, and what is wrong.
        detail: String,
        /// What the table has, separated by commas.
        columns: String,
    },
    /// A dictionary that cannot be taken apart.
    #[error("expected columns of valid Arrow data: {detail}")]
    Invalid {
        /// What is wrong.
        detail: String,
    },
}

/// Rows of a table.
#[derive(Debug)]
pub struct ArrowBatch {
    /// The good rows.
    pub batch: RecordBatch,
    /// Which rows of the table they are, counting from 0 and rising.
    pub rows: Vec<usize>,
    /// The others, and why they are not taken.
    pub rejects: Vec<(usize, Reason)>,
}

/// Reads record batches of one set of columns as records of a schema.
#[derive(Debug)]
pub struct ArrowRows {
    /// Column of the table, and the schema's column that it fills.
    filled: Vec<(usize, usize)>,
    unknown: Vec<String>,
    /// The schema's key among its columns: whoever asks row by row needs no name for a row.
    key: Option<usize>,
    row: Row,
    columns: Columns,
}

impl ArrowRows {
    /// Matches the columns of a table with those of a schema, by name or by `column`. The key may be absent.
    ///
    /// # Errors
    /// When a required column is absent, two columns stand for one field, or a required column is of a type that no
    /// field can have.
    pub fn new(
        table: &arrow_schema::Schema,
        schema: &Schema,
        purpose: Purpose,
    ) -> Result<ArrowRows, ColumnsError> {
        let names: Vec<String> = table
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let misfit = |detail: String| ColumnsError::Misfit {
            detail,
            columns: names.join(", "),
        };
        let is_asked_for =
            |field: &crate::Field| schema.is_asked_for(field) && field.name != schema.key;
        let mut matching = Matching::of(&names, schema, purpose, is_asked_for).map_err(misfit)?;
        let fields: Vec<_> = schema.columns(purpose).collect();
        let mut filled = Vec::new();
        for (position, target) in matching.targets.iter().enumerate() {
            let Some(target) = *target else { continue };
            let data_type = table.field(position).data_type();
            if is_readable(data_type) {
                filled.push((position, target));
                continue;
            }
            let name = &names[position];
            if is_asked_for(fields[target]) {
                return Err(misfit(format!(
                    "column {name:?} is of type {data_type}; expected a text, number, boolean or time"
                )));
            }
            matching
                .unknown
                .push(format!("{name} (of type {data_type})"));
        }
        Ok(ArrowRows {
            filled,
            unknown: matching.unknown,
            key: fields.iter().position(|field| field.name == schema.key),
            row: Row::new(schema, purpose),
            columns: Columns::new(schema, purpose),
        })
    }

    /// Columns that no field is filled from.
    pub fn unknown_columns(&self) -> &[String] {
        &self.unknown
    }

    /// Reads a batch of those columns. `arrival` stands in for a time that is absent, and the row's number from
    /// `first` on for a key.
    ///
    /// # Errors
    /// When a dictionary of the batch is not valid.
    pub fn read(
        &mut self,
        batch: &RecordBatch,
        first: usize,
        arrival: impl Into<Arrival>,
    ) -> Result<ArrowBatch, ColumnsError> {
        let arrival = arrival.into();
        let values = |(position, target): &(usize, usize)| {
            Ok((values_of(batch.column(*position))?, *target))
        };
        let columns: Result<Vec<(ArrayRef, usize)>, String> =
            self.filled.iter().map(values).collect();
        let columns = columns.map_err(|detail| ColumnsError::Invalid { detail })?;
        let (mut rows, mut rejects) = (Vec::new(), Vec::new());
        for index in 0..batch.num_rows() {
            match self.fill(&columns, index, arrival, &(first + index)) {
                Ok(()) => {
                    self.columns.push(&self.row);
                    rows.push(index);
                }
                Err(reason) => rejects.push((index, reason)),
            }
        }
        Ok(ArrowBatch {
            batch: self.columns.finish(),
            rows,
            rejects,
        })
    }

    fn fill(
        &mut self,
        columns: &[(ArrayRef, usize)],
        index: usize,
        arrival: Arrival,
        place: &dyn Display,
    ) -> Result<(), Reason> {
        self.row.clear();
        for (column, target) in columns {
            if !column.is_null(index) {
                set(&mut self.row, *target, column.as_ref(), index)?;
            }
        }
        if let Some(key) = self.key
            && *self.row.cell(key) == Cell::Null
        {
            self.row.set_text(key, &format!("row/{place}"))?;
        }
        self.row.finish(arrival, place)
    }
}
