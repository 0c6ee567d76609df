//! What was fitted to make a datamart's columns; kept with the rows it made.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use records::{Purpose, Schema, Task};
use serde::{Deserialize, Serialize};

use super::columns::{self, Made};
use super::exclusion::{Priced, Rules};
use super::rows::{Rows, hashes};
use super::{CONTENT_HASH, DatamartError, EXCLUDED, OWN, SOURCE_LINE, STATE_VERSION};
use crate::baseline::group_field;
use crate::cells::Cells;
use crate::classification::classes;
use crate::fit::FitOptions;
use crate::json;
use crate::linear_design::LinearDesign;
use crate::link::Link;
use crate::tree_features::{LevelTargets, TreeFeatures};
use crate::uninformative::{self, Dropped};

/// Version of the state's format: raised when what is written means something else.
const FORMAT: u32 = 1;

/// The fitted state: the same record becomes the same row by it, whenever it comes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Another one is not read: rows of two meanings must not be in one table.
    format: u32,
    /// Which program fitted it, for people.
    pub code_version: String,
    /// When, in microseconds since 1970, for people.
    pub made_at_us: i64,
    /// What a record is: records of another schema are refused.
    pub schema: Schema,
    /// Records it was fitted on, those that rules take among them.
    pub rows: usize,
    /// Those that no rule takes: medians, scales and levels are of them.
    pub learned: usize,
    /// Fields that carry no information, and why: they have no columns of features.
    pub dropped: Vec<Dropped>,
    /// What takes records; none where the schema has no prices.
    rules: Option<Rules>,
    /// The line's design.
    features: LinearDesign,
    /// The trees' row.
    frame: TreeFeatures,
    /// The columns, in their order.
    pub columns: Vec<Made>,
}

impl State {
    /// Fits on the records of a batch, as decoded for [`Purpose::Listing`]. `code_version` and
    /// `made_at_us` (microseconds since 1970) are only written down.
    ///
    /// # Errors
    /// When the batch is not of the schema, a field has the name of a column, or no record is left
    /// to fit on.
    pub fn fit(
        schema: &Schema,
        batch: &RecordBatch,
        code_version: &str,
        made_at_us: i64,
    ) -> Result<State, DatamartError> {
        check_batch(schema, batch)?;
        if let Some(field) = schema
            .fields
            .iter()
            .find(|field| OWN.contains(&&*field.name))
        {
            let field = field.name.clone();
            return Err(DatamartError::Taken { field });
        }
        let rows = batch.num_rows();
        let usable = usable(schema, batch);
        let dropped = uninformative::find(schema, batch, &usable);
        let telling = uninformative::without(schema, dropped.iter());
        let group = group_field(schema, &dropped).filter(|_| schema.task == Task::Regression);
        let priced = Priced::of(&telling, batch, group);
        let rules = priced.as_ref().map(Rules::fit);
        // What levels are described by: what is learned of their records.
        let (learned, values, says): (Vec<usize>, Vec<f64>, _) = match (&rules, &priced) {
            (Some(rules), Some(priced)) => {
                let excluded = rules.excluded(priced);
                let kept = (0..rows).filter(|row| excluded[*row].is_none());
                let (rows, logs) = kept.map(|row| (row, priced.logs()[row])).unzip();
                (rows, logs, Some("mean log target"))
            }
            // Of several classes there is no one share that a level could be described by.
            _ if schema.task == Task::Classification && !schema.is_multiclass() => {
                let classes = classes(schema, batch);
                let of_class = |row: &usize| f64::from(u8::from(classes[*row] == Some(true)));
                let values = usable.iter().map(of_class).collect();
                (usable, values, Some("share of the class"))
            }
            _ => {
                let values = vec![0.0; usable.len()];
                (usable, values, None)
            }
        };
        if learned.is_empty() {
            return Err(DatamartError::NoRows { rows, learned: 0 });
        }
        let options = FitOptions::default();
        let (features, _) = LinearDesign::fit(
            &telling,
            batch,
            &learned,
            &values,
            group,
            options.level_limits(),
        );
        let (frame, _) = TreeFeatures::fit(
            &telling,
            batch,
            &learned,
            LevelTargets::of_logs(&values),
            group,
        );
        let columns = columns::name(schema, &features, &frame, says);
        Ok(State {
            format: FORMAT,
            code_version: code_version.to_owned(),
            made_at_us,
            schema: schema.clone(),
            rows,
            learned: learned.len(),
            dropped,
            rules,
            features,
            frame,
            columns,
        })
    }

    /// The state as JSON.
    ///
    /// # Errors
    /// When it cannot be written, which is a fault of the program.
    pub fn to_json(&self) -> Result<String, DatamartError> {
        let bytes = json::write(self).map_err(|error| broken(&error))?;
        String::from_utf8(bytes).map_err(|error| broken(&error))
    }

    /// Reads what [`State::to_json`] wrote, and checks that rows can be made with it.
    ///
    /// # Errors
    /// When it is of another format, or was changed.
    pub fn parse(text: &str) -> Result<State, DatamartError> {
        /// What is checked before the rest, which may be of another format.
        #[derive(Deserialize)]
        struct Head {
            format: Option<u32>,
        }
        let head: Head = json::read(text.as_bytes()).map_err(|error| broken(&error))?;
        if head.format != Some(FORMAT) {
            let found = head.format.map(|format| format.to_string());
            return Err(DatamartError::Format {
                found: found.unwrap_or_else(|| "none".to_owned()),
                expected: FORMAT,
            });
        }
        let state: State = json::read(text.as_bytes()).map_err(|error| broken(&error))?;
        let State {
            schema,
            features,
            frame,
            columns,
            ..
        } = &state;
        features
            .check(schema)
            .and_then(|()| frame.check(schema))
            .and_then(|()| columns::check(columns, features, frame))
            .map_err(|error| DatamartError::State {
                detail: error.to_string(),
            })?;
        Ok(state)
    }

    /// Whether records of a schema mean what those of the state meant. What only people read may
    /// differ, and the schema's version.
    ///
    /// # Errors
    /// States which fields differ.
    pub fn check_schema(&self, schema: &Schema) -> Result<(), DatamartError> {
        let (bare_schema, other) = (bare(&self.schema), bare(schema));
        if bare_schema == other {
            return Ok(());
        }
        let mut fields: Vec<String> = Vec::new();
        for name in bare_schema
            .fields
            .iter()
            .chain(&other.fields)
            .map(|field| &field.name)
        {
            if bare_schema.field(name) != other.field(name) && !fields.contains(name) {
                fields.push(name.clone());
            }
        }
        let named = |schema: &Schema| format!("{} (version {})", schema.name, schema.version);
        Err(DatamartError::Schema {
            made_of: named(&self.schema),
            found: named(schema),
            fields,
        })
    }

    /// The columns of the rows: the record's fields, [`OWN`], the features (64-bit floats, null where
    /// nothing is known).
    pub fn arrow(&self) -> SchemaRef {
        let records = self.schema.arrow(Purpose::Listing);
        let mut fields: Vec<Arc<Field>> = records.fields().iter().cloned().collect();
        let field = |name: &str, kind, is_nullable| Arc::new(Field::new(name, kind, is_nullable));
        fields.extend([
            field(SOURCE_LINE, DataType::Int64, true),
            field(STATE_VERSION, DataType::Int64, false),
            field(EXCLUDED, DataType::Utf8, true),
            field(CONTENT_HASH, DataType::Int64, false),
        ]);
        let made = |column: &Made| field(&column.name, DataType::Float64, true);
        fields.extend(self.columns.iter().map(made));
        Arc::new(ArrowSchema::new(fields))
    }

    /// By row, what the features say as one number.
    pub fn content_hashes(&self, batch: &RecordBatch) -> Vec<i64> {
        let telling = uninformative::without(&self.schema, self.dropped.iter());
        let names: Vec<&str> = telling
            .features()
            .map(|feature| feature.name.as_str())
            .collect();
        hashes(batch, &names)
    }

    /// Whether other records of the same features bear on a row: one that states what a newer one says
    /// is excluded.
    pub fn marks_copies(&self) -> bool {
        self.rules.as_ref().is_some_and(Rules::marks_copies)
    }

    /// The rows of records, in their order, which is that of [`Rows::latest`]; `version` is the
    /// state's.
    ///
    /// # Errors
    /// When the batch is not of the schema.
    pub fn materialise(&self, rows: &Rows, version: i64) -> Result<RecordBatch, DatamartError> {
        let Rows { batch, lines } = rows;
        check_batch(&self.schema, batch)?;
        let telling = uninformative::without(&self.schema, self.dropped.iter());
        let group = group_field(&self.schema, &self.dropped);
        let count = batch.num_rows();
        let priced = Priced::of(&telling, batch, group);
        let mut excluded = StringBuilder::new();
        match self.rules.as_ref().zip(priced) {
            Some((rules, priced)) => {
                let found = rules.excluded(&priced);
                found
                    .into_iter()
                    .for_each(|rule| excluded.append_option(rule));
            }
            None => excluded.append_nulls(count),
        }
        let mut made: Vec<ArrayRef> = batch.columns().to_vec();
        made.extend([
            Arc::new(Int64Array::from(lines.clone())) as ArrayRef,
            Arc::new(Int64Array::from(vec![version; count])),
            Arc::new(excluded.finish()),
            Arc::new(Int64Array::from(self.content_hashes(batch))),
        ]);
        let values = columns::values(&self.columns, &self.features, &self.frame, batch);
        made.extend(values.into_iter().map(|values| -> ArrayRef {
            let known = values
                .into_iter()
                .map(|value| Some(value).filter(|number| number.is_finite()));
            Arc::new(known.collect::<Float64Array>())
        }));
        Ok(RecordBatch::try_new(self.arrow(), made)?)
    }
}

/// The schema without what only people read.
fn bare(schema: &Schema) -> Schema {
    let mut bare = schema.clone();
    bare.version = 0;
    // Where the records are kept has nothing about them.
    bare.table = String::new();
    for field in &mut bare.fields {
        field.about = None;
    }
    bare
}

fn check_batch(schema: &Schema, batch: &RecordBatch) -> Result<(), DatamartError> {
    for field in schema.columns(Purpose::Listing) {
        let expected = field.kind.data_type();
        let found = batch
            .column_by_name(&field.name)
            .map(|column| column.data_type().clone());
        if found.as_ref() != Some(&expected) {
            return Err(DatamartError::Column {
                column: field.name.clone(),
                expected: expected.to_string(),
                found: found.map_or("none".to_owned(), |found| found.to_string()),
            });
        }
    }
    Ok(())
}

/// Rows that state what is to be learned: of a price above 0, of a class, or which of several; all where there is no target.
fn usable(schema: &Schema, batch: &RecordBatch) -> Vec<usize> {
    let rows = 0..batch.num_rows();
    match (schema.task, &schema.target) {
        (Task::Regression, Some(target)) => {
            let cells = Cells::of(batch, target);
            let link = Link::of(schema);
            let is_priced =
                |row: &usize| cells.number(*row).is_some_and(|target| link.takes(target));
            rows.filter(is_priced).collect()
        }
        (Task::Classification, Some(target)) if schema.is_multiclass() => {
            let cells = Cells::of(batch, target);
            rows.filter(|row| cells.text(*row).is_some()).collect()
        }
        (Task::Classification, _) => {
            let classes = classes(schema, batch);
            rows.filter(|row| classes[*row].is_some()).collect()
        }
        _ => rows.collect(),
    }
}

fn broken(error: &dyn std::error::Error) -> DatamartError {
    DatamartError::State {
        detail: error.to_string(),
    }
}
