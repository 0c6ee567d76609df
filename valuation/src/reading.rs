//! Reading records by what a fitted model needs of them: columns that must be there, fields of one record, one
//! record of JSON.

use arrow_array::RecordBatch;
use records::{Decoder, Purpose, Schema};
use serde_json::{Map, Value};

use crate::binding::{Places, position};
use crate::estimator::Estimator;
use crate::predict_error::PredictError;

/// Where the fields of a record stand that a model reads.
#[derive(Debug, Clone)]
pub struct BoundRecord {
    /// By estimator: one, or of several levels one a level.
    pub(crate) places: Vec<Places>,
}

impl BoundRecord {
    /// Of a model of one estimator.
    pub(crate) fn only(&self) -> &Places {
        &self.places[0]
    }
}

/// Binds the fields of records to what an estimator of a schema reads.
///
/// # Errors
/// Names the first required field that is read and not given.
pub(crate) fn bind_record(
    schema: &Schema,
    estimator: &Estimator,
    fields: &[&str],
) -> Result<BoundRecord, PredictError> {
    bind_records(schema, std::slice::from_ref(estimator), fields)
}

/// The same for several estimators, of which there is at least one.
///
/// # Errors
/// Names the first required field that is read and not given.
pub(crate) fn bind_records(
    schema: &Schema,
    estimators: &[Estimator],
    fields: &[&str],
) -> Result<BoundRecord, PredictError> {
    let find = |name: &str| fields.iter().position(|field| *field == name);
    let reads = |field: &str| estimators.iter().any(|estimator| estimator.reads(field));
    let times = schema.time.iter().filter_map(|name| schema.field(name));
    for field in schema.features().chain(times) {
        let needed = field.required && reads(&field.name);
        if needed && find(&field.name).is_none() {
            return Err(PredictError::Column {
                column: field.name.clone(),
                expected: field.kind.data_type().to_string(),
                found: "none".to_owned(),
            });
        }
    }
    Ok(BoundRecord {
        places: estimators
            .iter()
            .map(|estimator| estimator.places(&find))
            .collect(),
    })
}

/// Whether a batch has the columns that an estimator of a schema reads; asked once for each schema of
/// batches.
///
/// # Errors
/// Names the first that is not there, or of another type.
pub(crate) fn check_known_columns(
    schema: &Schema,
    estimator: &Estimator,
    batch: &RecordBatch,
) -> Result<(), PredictError> {
    let batch_schema = batch.schema_ref();
    let find = || estimator.places(&|name| position(batch, name));
    let check = || check_columns(schema, |field| estimator.reads(field), batch);
    estimator.bindings.check(batch_schema, find, check)
}

/// Whether a batch has the columns that a model of a schema `reads`.
///
/// # Errors
/// Names the first that is not there, or of another type.
pub(crate) fn check_columns(
    schema: &Schema,
    reads: impl Fn(&str) -> bool,
    batch: &RecordBatch,
) -> Result<(), PredictError> {
    let times = schema.time.iter().filter_map(|name| schema.field(name));
    for field in schema.features().chain(times) {
        if !reads(&field.name) {
            continue;
        }
        let expected = field.kind.data_type();
        let found = batch
            .column_by_name(&field.name)
            .map(|column| column.data_type());
        let fits = match found {
            Some(found) => *found == expected,
            None => !field.required,
        };
        if !fits {
            return Err(PredictError::Column {
                column: field.name.clone(),
                expected: expected.to_string(),
                found: found.map_or("none".to_owned(), ToString::to_string),
            });
        }
    }
    Ok(())
}

/// The batch of one JSON record, as a request; `None` when it is not a record of the schema.
pub(crate) fn decoded(
    schema: &Schema,
    record: &Map<String, Value>,
    trained_at_us: i64,
    data_until_us: Option<i64>,
) -> Option<RecordBatch> {
    let mut decoder = Decoder::new(schema, Purpose::Request);
    let payload = serde_json::to_vec(record).ok()?;
    // A record later than its arrival would be rejected, whatever the clock showed at the fit.
    let arrival_us = trained_at_us.max(data_until_us.unwrap_or(i64::MIN));
    decoder.push(&payload, arrival_us).ok()?;
    Some(decoder.finish().batch)
}
