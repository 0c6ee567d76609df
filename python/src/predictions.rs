//! What a model predicts for the rows of a table, as a table.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Float64Builder, Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch, RecordBatchReader, StructArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::PyTable;
use pyo3_arrow::ffi::{ArrayIterator, to_schema_pycapsule, to_stream_pycapsule};
use rayon::ThreadPool;
use records::{ArrowBatch, ArrowRows, Purpose};
use valuation::{Prediction, TrainedModel, predicted_level};

use crate::error::value_error;

/// Rows predicted at a time: between two of them Ctrl-C is noticed.
pub(crate) const CHUNK_ROWS: usize = 65_536;

/// Predictions of a table's rows, a row for each, with the Arrow PyCapsule interface.
#[pyclass(frozen, module = "hedonic._core")]
pub(crate) struct Predictions {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    /// Columns of the table that the model's schema does not have.
    #[pyo3(get)]
    unknown_columns: Vec<String>,
    /// Rows without a prediction.
    #[pyo3(get)]
    errors: usize,
}

impl Predictions {
    /// A table that was computed: batches of one schema, columns that the model does not know, and rows without a value.
    pub(crate) fn new(
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
        unknown_columns: Vec<String>,
        errors: usize,
    ) -> Predictions {
        Predictions {
            schema,
            batches,
            unknown_columns,
            errors,
        }
    }
}

#[pymethods]
impl Predictions {
    fn __len__(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The names of the columns, in their order.
    #[getter]
    fn columns(&self) -> Vec<String> {
        let fields = self.schema.fields().iter();
        fields.map(|field| field.name().clone()).collect()
    }

    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        Ok(to_schema_pycapsule(py, self.schema.as_ref())?)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let table = PyTable::try_new(self.batches.clone(), Arc::clone(&self.schema))?;
        let (batches, schema) = table.into_inner();
        let field = Field::new_struct("", schema.fields().clone(), false);
        let arrays = batches.into_iter().map(|batch| {
            let array: ArrayRef = Arc::new(StructArray::from(batch));
            Ok(array)
        });
        let reader = Box::new(ArrayIterator::new(arrays, field.into()));
        Ok(to_stream_pycapsule(py, reader, requested_schema)?)
    }
}

/// The columns that a model's predictions have.
fn columns(model: &TrainedModel) -> SchemaRef {
    let mut fields =
        match model {
            TrainedModel::Price(_) => vec![
                Field::new("prediction", DataType::Float64, true),
                Field::new("low", DataType::Float64, true),
                Field::new("high", DataType::Float64, true),
            ],
            TrainedModel::Class(_) => vec![
                Field::new("prediction", DataType::Float64, true),
                Field::new("class", DataType::Boolean, true),
            ],
            TrainedModel::Multiclass(model) => {
                let mut fields = vec![
                    Field::new("prediction", DataType::Float64, true),
                    Field::new("class", DataType::Utf8, true),
                ];
                let levels = model.levels().iter();
                fields.extend(levels.map(|level| {
                    Field::new(format!("probability_{level}"), DataType::Float64, true)
                }));
                fields
            }
            TrainedModel::Clusters(_) => vec![Field::new("prediction", DataType::Int64, true)],
        };
    fields.push(Field::new("error", DataType::Utf8, true));
    Arc::new(Schema::new(fields))
}

/// Predicts every row of a table. `now_us` (microseconds since 1970) stands in for the time of a row without one.
///
/// # Errors
/// When the table lacks a column, or its reader fails, or the user interrupts.
pub(crate) fn predict(
    model: &TrainedModel,
    table: Box<dyn RecordBatchReader + Send>,
    now_us: i64,
    pool: &ThreadPool,
) -> PyResult<Predictions> {
    let mut rows =
        ArrowRows::new(&table.schema(), model.schema(), Purpose::Request).map_err(value_error)?;
    let schema = columns(model);
    let (mut batches, mut first, mut errors) = (Vec::new(), 0, 0);
    for batch in table {
        let batch = batch.map_err(value_error)?;
        for start in (0..batch.num_rows()).step_by(CHUNK_ROWS) {
            let count = CHUNK_ROWS.min(batch.num_rows() - start);
            let read = rows
                .read(&batch.slice(start, count), first, now_us)
                .map_err(value_error)?;
            first += count;
            errors += read.rejects.len();
            let predicted = pool.install(|| answered(model, &read.batch))?;
            batches.push(assembled(model, &schema, &read, &predicted, count)?);
            Python::attach(|py| py.check_signals())?;
        }
    }
    Ok(Predictions {
        schema,
        batches,
        unknown_columns: rows.unknown_columns().to_vec(),
        errors,
    })
}

/// What the model predicts for every row of a batch, as the services answer it.
///
/// # Errors
/// When a column that the model reads is absent or of another type.
pub(crate) fn answered(model: &TrainedModel, batch: &RecordBatch) -> PyResult<Vec<Prediction>> {
    let predicted = model.predict(batch).map_err(value_error)?.into_iter();
    Ok(predicted
        .map(|prediction| model.stated(prediction))
        .collect())
}

/// The predictions of the good rows and the reasons of the others, each in its place.
fn assembled(
    model: &TrainedModel,
    schema: &SchemaRef,
    read: &ArrowBatch,
    predicted: &[Prediction],
    count: usize,
) -> PyResult<RecordBatch> {
    let mut by_row: Vec<Option<Prediction>> = vec![None; count];
    for (row, prediction) in read.rows.iter().zip(predicted) {
        by_row[*row] = Some(*prediction);
    }
    let numbers = |of: fn(&Prediction) -> f64| -> ArrayRef {
        let mut column = Float64Builder::with_capacity(count);
        for prediction in &by_row {
            column.append_option(prediction.as_ref().map(of));
        }
        Arc::new(column.finish())
    };
    let mut columns = match model {
        TrainedModel::Price(_) => vec![
            numbers(|own| own.value),
            numbers(|own| own.low),
            numbers(|own| own.high),
        ],
        TrainedModel::Class(class) => {
            let threshold = class.threshold();
            let mut column = BooleanBuilder::with_capacity(count);
            for prediction in &by_row {
                column.append_option(prediction.map(|own| own.value >= threshold));
            }
            vec![numbers(|own| own.value), Arc::new(column.finish())]
        }
        TrainedModel::Multiclass(model) => {
            let probabilities = model.probabilities(&read.batch).map_err(value_error)?;
            let mut of_row: Vec<Option<&[f64]>> = vec![None; count];
            for (row, own) in read.rows.iter().zip(&probabilities) {
                of_row[*row] = Some(own);
            }
            let mut classes = StringBuilder::new();
            for own in &of_row {
                classes.append_option(own.map(|own| &model.levels()[predicted_level(own)]));
            }
            let mut columns = vec![
                numbers(|own| own.value),
                Arc::new(classes.finish()) as ArrayRef,
            ];
            for level in 0..model.levels().len() {
                let mut column = Float64Builder::with_capacity(count);
                for own in &of_row {
                    column.append_option(own.map(|own| own[level]));
                }
                columns.push(Arc::new(column.finish()));
            }
            columns
        }
        TrainedModel::Clusters(_) => {
            let mut column = Int64Builder::with_capacity(count);
            for prediction in &by_row {
                column.append_option(prediction.map(|own| own.value as i64));
            }
            vec![Arc::new(column.finish()) as ArrayRef]
        }
    };
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

/// All rows of a table in one batch of a schema's columns.
///
/// # Errors
/// When the table lacks a column, its reader fails, or `on_reject` does.
pub(crate) fn listings(
    table: Box<dyn RecordBatchReader + Send>,
    schema: &records::Schema,
    now_us: i64,
    mut on_reject: impl FnMut(usize, String),
) -> PyResult<RecordBatch> {
    let mut rows =
        ArrowRows::new(&table.schema(), schema, Purpose::Listing).map_err(value_error)?;
    let (mut batches, mut first) = (Vec::new(), 0);
    for batch in table {
        let batch: RecordBatch = batch.map_err(|error: ArrowError| value_error(error))?;
        let read = rows.read(&batch, first, now_us).map_err(value_error)?;
        for (row, reason) in read.rejects {
            on_reject(first + row, reason.to_string());
        }
        first += batch.num_rows();
        batches.push(read.batch);
    }
    arrow_select::concat::concat_batches(&schema.arrow(Purpose::Listing), &batches)
        .map_err(|error| PyValueError::new_err(error.to_string()))
}
