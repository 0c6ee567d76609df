//! One record, and why its prediction is what it is.

use arrow_array::RecordBatch;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use records::{Decoder, Purpose};
use serde::Serialize;
use serde_json::{Map, Value};
use valuation::{Explanation, TrainedModel};

use crate::error::value_error;
use crate::predictions::answered;

/// A prediction and its explanation, as JSON for Python.
#[derive(Serialize)]
struct Explained {
    prediction: f64,
    low: f64,
    high: f64,
    #[serde(flatten)]
    explanation: Explanation,
}

/// Explains the prediction for a record of JSON, a price with so many comparable past records.
///
/// # Errors
/// When it is no record of the schema, or the model is a clustering.
pub(crate) fn explain(
    model: &TrainedModel,
    record: &str,
    comparables: usize,
    now_us: i64,
) -> PyResult<String> {
    let batch = decoded(model, record, now_us)?;
    let explanation = model
        .explain(&batch, 0, comparables)
        .map_err(value_error)?
        .ok_or_else(|| {
            PyValueError::new_err(format!(
                "expected a model of prices or of a class, found task {:?}: clusters are not explained",
                model.schema().task
            ))
        })?;
    let predicted = answered(model, &batch)?;
    let predicted = predicted
        .first()
        .ok_or_else(|| PyValueError::new_err("expected one record, found none"))?;
    let explained = Explained {
        prediction: predicted.value,
        low: predicted.low,
        high: predicted.high,
        explanation: explanation.stated(),
    };
    serde_json::to_string(&explained).map_err(value_error)
}

/// The batch of a record: nulls are gaps, and it needs no key.
fn decoded(model: &TrainedModel, record: &str, now_us: i64) -> PyResult<RecordBatch> {
    let schema = model.schema();
    let mut record: Map<String, Value> = serde_json::from_str(record).map_err(value_error)?;
    record.retain(|_, value| !value.is_null());
    let key = record.entry(schema.key.clone());
    key.or_insert_with(|| "row/0".into());
    let payload = serde_json::to_vec(&record).map_err(value_error)?;
    let mut decoder = Decoder::new(schema, Purpose::Request).with_headers();
    decoder.push(&payload, now_us).map_err(value_error)?;
    Ok(decoder.finish().batch)
}
