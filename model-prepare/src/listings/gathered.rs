//! Rows that are read a chunk at a time, as one batch: a chunk is appended to the columns and freed, so that no
//! more than one column is ever there twice, while it grows.

use std::sync::Arc;

use anyhow::{Context, bail};
use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, SchemaRef, TimeUnit};

/// A column under way, by the types that records have.
enum Column {
    Text(StringBuilder),
    Number(Float64Builder),
    Integer(Int64Builder),
    Boolean(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
}

impl Column {
    fn new(data_type: &DataType) -> anyhow::Result<Column> {
        Ok(match data_type {
            DataType::Utf8 => Column::Text(StringBuilder::new()),
            DataType::Float64 => Column::Number(Float64Builder::new()),
            DataType::Int64 => Column::Integer(Int64Builder::new()),
            DataType::Boolean => Column::Boolean(BooleanBuilder::new()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Column::Time(TimestampMicrosecondBuilder::new().with_data_type(data_type.clone()))
            }
            other => bail!("expected a column of a type that records have, found {other}"),
        })
    }

    fn append(&mut self, part: &ArrayRef) -> anyhow::Result<()> {
        let other = || {
            format!(
                "a part of a column is of another type: {}",
                part.data_type()
            )
        };
        match self {
            Column::Text(column) => {
                let texts = part.as_string_opt::<i32>().with_context(other)?;
                column.append_array(texts).context(
                    "expected at most 2 GiB of text in a column, found more: read fewer rows at a time, \
                     or shorter texts",
                )?;
            }
            Column::Number(column) => {
                column.append_array(part.as_primitive_opt::<Float64Type>().with_context(other)?)
            }
            Column::Integer(column) => {
                column.append_array(part.as_primitive_opt::<Int64Type>().with_context(other)?);
            }
            Column::Boolean(column) => {
                column.append_array(part.as_boolean_opt().with_context(other)?);
            }
            Column::Time(column) => column.append_array(
                part.as_primitive_opt::<TimestampMicrosecondType>()
                    .with_context(other)?,
            ),
        }
        Ok(())
    }

    fn finish(mut self) -> ArrayRef {
        match &mut self {
            Column::Text(column) => Arc::new(column.finish()),
            Column::Number(column) => Arc::new(column.finish()),
            Column::Integer(column) => Arc::new(column.finish()),
            Column::Boolean(column) => Arc::new(column.finish()),
            Column::Time(column) => Arc::new(column.finish()),
        }
    }
}

/// The rows so far.
pub(super) struct Gathered {
    schema: SchemaRef,
    columns: Vec<Column>,
}

impl Gathered {
    /// No row yet.
    ///
    /// # Errors
    /// When a column is of a type that no record has.
    pub(super) fn new(schema: SchemaRef) -> anyhow::Result<Gathered> {
        let columns = schema
            .fields()
            .iter()
            .map(|field| Column::new(field.data_type()))
            .collect::<anyhow::Result<_>>()?;
        Ok(Gathered { schema, columns })
    }

    /// Appends a chunk of rows, in the order of the schema's columns.
    ///
    /// # Errors
    /// When a column is of another type, or its texts are more than a batch holds.
    pub(super) fn append(&mut self, chunk: RecordBatch) -> anyhow::Result<()> {
        let (found, expected) = (chunk.num_columns(), self.columns.len());
        if found != expected {
            bail!("expected {expected} columns in a chunk of rows, found {found}");
        }
        let fields = self.schema.fields().iter();
        for ((column, part), field) in self.columns.iter_mut().zip(chunk.columns()).zip(fields) {
            column
                .append(part)
                .with_context(|| format!("the column {:?}", field.name()))?;
        }
        Ok(())
    }

    /// All rows as one batch.
    ///
    /// # Errors
    /// When a column that is to be there in every row is not.
    pub(super) fn finish(self) -> anyhow::Result<RecordBatch> {
        let columns = self.columns.into_iter().map(Column::finish).collect();
        Ok(RecordBatch::try_new(self.schema, columns)?)
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{Float64Array, StringArray, TimestampMicrosecondArray};
    use arrow_schema::{Field, Schema};
    use arrow_select::concat::concat_batches;

    use super::*;

    fn schema() -> SchemaRef {
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Arc::new(Schema::new(vec![
            Field::new("city", DataType::Utf8, true),
            Field::new("area", DataType::Float64, true),
            Field::new("sold", time, true),
        ]))
    }

    fn chunk(cities: Vec<Option<&str>>, areas: Vec<Option<f64>>) -> RecordBatch {
        let sold = TimestampMicrosecondArray::from_iter_values(0..cities.len() as i64);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(cities)),
            Arc::new(Float64Array::from(areas)),
            Arc::new(sold.with_timezone("UTC")),
        ];
        RecordBatch::try_new(schema(), columns).unwrap()
    }

    #[test]
    fn chunks_become_the_batch_that_they_were_cut_from() {
        let first = chunk(vec![Some("Riga"), None], vec![Some(40.5), Some(-1.0)]);
        let second = chunk(
            vec![Some("Ventspils"), Some(""), Some("Riga")],
            vec![None, Some(7.0), None],
        );
        let expected = concat_batches(&schema(), [&first, &second]).unwrap();
        let mut gathered = Gathered::new(schema()).unwrap();
        gathered.append(first).unwrap();
        // A slice, as readers may give one.
        gathered.append(second.slice(0, 1)).unwrap();
        gathered.append(second.slice(1, 2)).unwrap();
        assert_eq!(gathered.finish().unwrap(), expected);
    }

    #[test]
    fn no_chunk_is_no_row_and_a_chunk_of_other_columns_is_refused() {
        let gathered = Gathered::new(schema()).unwrap();
        assert_eq!(gathered.finish().unwrap(), RecordBatch::new_empty(schema()));
        let mut gathered = Gathered::new(schema()).unwrap();
        let whole = chunk(vec![Some("Riga")], vec![None]);
        let error = gathered
            .append(whole.project(&[0, 1]).unwrap())
            .unwrap_err();
        assert!(error.to_string().contains("expected 3 columns"), "{error}");
        let turned = whole.project(&[1, 0, 2]).unwrap();
        let error = format!("{:#}", gathered.append(turned).unwrap_err());
        assert!(
            error.contains("\"city\"") && error.contains("Float64"),
            "{error}"
        );
    }
}
