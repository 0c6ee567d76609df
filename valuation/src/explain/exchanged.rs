//! A record with one value exchanged, and what the model makes of it.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow_schema::DataType;
use arrow_select::take::take;
use records::Kind;

use crate::cells::Cells;
use crate::comparables::{Differing, Given};
use crate::estimator::Estimator;

impl Estimator {
    /// What each difference adds to the price of a record, which is the one row of `record`, by the model: the
    /// estimate with the past record's value in place of its own, less the estimate as it is, in the target's unit.
    /// All are estimated at once. None where a value cannot take the place.
    pub(crate) fn amounts(
        &self,
        record: &RecordBatch,
        differing: &[Differing],
    ) -> Option<Vec<f64>> {
        if differing.is_empty() {
            return Some(Vec::new());
        }
        // The record as it is comes first.
        let rows = differing.len() + 1;
        let first = UInt32Array::from(vec![0; rows]);
        let schema = record.schema();
        let columns = schema.fields().iter().zip(record.columns());
        let columns = columns.map(|(field, column)| {
            let is_its = |other: &Differing| other.field == field.name();
            match differing.iter().find(|other| is_its(other)) {
                None => take(column.as_ref(), &first, None).ok(),
                Some(any) => {
                    let own = Given::of(&Cells::from(column), any.kind, 0);
                    let others = differing.iter().map(|other| match is_its(other) {
                        true => other.past,
                        false => own,
                    });
                    column_of(column.data_type(), std::iter::once(own).chain(others))
                }
            }
        });
        let columns: Option<Vec<ArrayRef>> = columns.collect();
        let exchanged = RecordBatch::try_new(Arc::clone(&schema), columns?).ok()?;
        let link = self.plan.link;
        let estimates = self.batch(&exchanged);
        let mut values = estimates.iter().map(|estimate| link.value(estimate.log));
        let own = values.next()?;
        Some(values.map(|value| value - own).collect())
    }
}

/// Values as a column of a type that records have.
fn column_of<'a>(
    data_type: &DataType,
    values: impl Iterator<Item = Given<'a>>,
) -> Option<ArrayRef> {
    let column: ArrayRef = match data_type {
        DataType::Float64 => Arc::new(Float64Array::from_iter(values.map(Given::number))),
        DataType::Int64 => {
            let whole = values.map(|value| value.number().map(|number| number as i64));
            Arc::new(Int64Array::from_iter(whole))
        }
        DataType::Boolean => {
            let is = values.map(|value| value.number().map(|number| number != 0.0));
            Arc::new(BooleanArray::from_iter(is))
        }
        DataType::Utf8 => Arc::new(StringArray::from_iter(values.map(Given::name))),
        DataType::Timestamp(_, zone) if *data_type == Kind::Timestamp.data_type() => {
            let us = values.map(|value| value.number().map(|number| number as i64));
            let us = TimestampMicrosecondArray::from_iter(us);
            Arc::new(us.with_timezone_opt(zone.clone()))
        }
        _ => return None,
    };
    Some(column)
}
