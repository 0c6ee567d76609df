//! The values that a model's trees read of the rows of a table, as a table: what a booster is fitted on that is
//! imported.

use std::sync::Arc;

use arrow_array::builder::{Float32Builder, Float64Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchReader};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rayon::ThreadPool;
use records::{ArrowBatch, ArrowRows, Purpose};
use valuation::{Model, TrainedModel};

use crate::error::value_error;
use crate::predictions::{CHUNK_ROWS, Predictions};

/// The model's prices, or why it has none.
///
/// # Errors
/// When it is of another task.
pub(crate) fn price(model: &TrainedModel) -> PyResult<&Model> {
    let expected = "expected a model of prices: others have no design for boosters";
    model.price().ok_or_else(|| PyValueError::new_err(expected))
}

/// The design of a table's rows. `member` is a base learner whose prediction (a logarithm) is added as `expected`.
///
/// # Errors
/// When the model has no prices, the table lacks a column, its reader fails, or the user interrupts.
pub(crate) fn design(
    model: &TrainedModel,
    table: Box<dyn RecordBatchReader + Send>,
    member: Option<&str>,
    now_us: i64,
    pool: &ThreadPool,
) -> PyResult<Predictions> {
    let model = price(model)?;
    let mut rows =
        ArrowRows::new(&table.schema(), model.schema(), Purpose::Request).map_err(value_error)?;
    let schema = columns(model, member.is_some());
    let (mut batches, mut first, mut errors) = (Vec::new(), 0, 0);
    for batch in table {
        let batch = batch.map_err(value_error)?;
        for start in (0..batch.num_rows()).step_by(CHUNK_ROWS) {
            let count = CHUNK_ROWS.min(batch.num_rows() - start);
            let part = batch.slice(start, count);
            let read = rows.read(&part, first, now_us).map_err(value_error)?;
            first += count;
            errors += read.rejects.len();
            let values = pool.install(|| model.design(&read.batch));
            let values = values.map_err(value_error)?;
            let expected = member.map(|member| expected(model, member, &read.batch));
            batches.push(assembled(
                &schema,
                &read,
                &values,
                expected.transpose()?,
                count,
            )?);
            Python::attach(|py| py.check_signals())?;
        }
    }
    Ok(Predictions::new(
        schema,
        batches,
        rows.unknown_columns().to_vec(),
        errors,
    ))
}

fn columns(model: &Model, has_expected: bool) -> SchemaRef {
    let names = model.design_names().into_iter();
    let mut fields: Vec<Field> = names
        .map(|name| Field::new(name, DataType::Float32, true))
        .collect();
    if has_expected {
        fields.push(Field::new("expected", DataType::Float64, true));
    }
    fields.push(Field::new("error", DataType::Utf8, true));
    Arc::new(Schema::new(fields))
}

/// What a base learner predicts for each row of a batch.
fn expected(model: &Model, member: &str, batch: &RecordBatch) -> PyResult<Vec<f64>> {
    let (_, rows) = model.member_rows(member, batch).map_err(value_error)?;
    let predicted: Vec<f64> = rows.into_iter().map(|(_, predicted)| predicted).collect();
    match predicted.iter().any(|value| value.is_nan()) {
        true => Err(PyValueError::new_err(format!(
            "expected the name of a base learner of the model, found {member:?}"
        ))),
        false => Ok(predicted),
    }
}

/// The values of the good rows, missing where nothing is known, and the reasons of the others.
fn assembled(
    schema: &SchemaRef,
    read: &ArrowBatch,
    values: &[f32],
    expected: Option<Vec<f64>>,
    count: usize,
) -> PyResult<RecordBatch> {
    let width = values.len() / read.rows.len().max(1);
    let width = match read.rows.is_empty() {
        true => schema.fields().len() - 1 - usize::from(expected.is_some()),
        false => width,
    };
    let mut place = vec![None; count];
    for (at, row) in read.rows.iter().enumerate() {
        place[*row] = Some(at);
    }
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(width + 2);
    for column in 0..width {
        let mut built = Float32Builder::with_capacity(count);
        for at in &place {
            let value = at.map(|at| values[at * width + column]);
            built.append_option(value.filter(|value| !value.is_nan()));
        }
        columns.push(Arc::new(built.finish()));
    }
    if let Some(expected) = expected {
        let mut built = Float64Builder::with_capacity(count);
        place
            .iter()
            .for_each(|at| built.append_option(at.map(|at| expected[at])));
        columns.push(Arc::new(built.finish()));
    }
    let mut reasons = StringBuilder::new();
    let mut rejects = read.rejects.iter().peekable();
    for row in 0..count {
        match rejects.next_if(|(rejected, _)| *rejected == row) {
            Some((_, reason)) => reasons.append_value(reason.to_string()),
            None => reasons.append_null(),
        }
    }
    columns.push(Arc::new(reasons.finish()));
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(value_error)
}
