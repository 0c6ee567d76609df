//! One record at a time: what a batch costs beside its rows is most of what one row costs.

use std::sync::{Arc, OnceLock};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use valuation::{Assessed, BoundRecord, Cell, PredictError, TrainedModel};

/// Prices batches of one row from their cells.
#[derive(Debug, Default)]
pub(super) struct SingleRow {
    /// Made at the first row; `None` of a model that takes batches only.
    bound: OnceLock<Option<Bound>>,
}

/// Where a model finds its fields among the columns.
#[derive(Debug)]
struct Bound {
    /// A row of other columns is not for this binding.
    columns: SchemaRef,
    fields: BoundRecord,
}

impl SingleRow {
    /// What the model says of the only row of a batch, the same as [`TrainedModel::assess`]; `None` where the row is
    /// to be priced as a batch.
    ///
    /// # Errors
    /// When a column that the model needs is not there.
    pub fn assess(
        &self,
        model: &TrainedModel,
        row: &RecordBatch,
    ) -> Result<Option<Assessed>, PredictError> {
        let bound = match self.bound.get() {
            Some(bound) => bound,
            None => {
                let bound = bind(model, row)?;
                self.bound.get_or_init(|| bound)
            }
        };
        let Some(Bound { columns, fields }) = bound else {
            return Ok(None);
        };
        let is_bound = Arc::ptr_eq(columns, row.schema_ref()) || columns == row.schema_ref();
        if !is_bound {
            return Ok(None);
        }
        let cells: Vec<Cell> = row
            .columns()
            .iter()
            .map(|column| Cell::of(column, 0))
            .collect();
        Ok(model.assess_record(fields, &cells))
    }
}

fn bind(model: &TrainedModel, row: &RecordBatch) -> Result<Option<Bound>, PredictError> {
    let columns = row.schema();
    let names: Vec<&str> = columns
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    let fields = model.bind_record(&names)?;
    Ok(fields.map(|fields| Bound { columns, fields }))
}
