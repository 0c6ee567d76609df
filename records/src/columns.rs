//! Typed column builders: checked rows go in, an Arrow record batch comes out.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::SchemaRef;

use crate::row::{Cell, Row};
use crate::schema::{Kind, Purpose, Schema};

#[derive(Debug)]
enum Column {
    Text(StringBuilder),
    Number(Float64Builder),
    Integer(Int64Builder),
    Boolean(BooleanBuilder),
    Timestamp(TimestampMicrosecondBuilder),
}

impl Column {
    fn new(kind: Kind) -> Column {
        match kind {
            Kind::Category | Kind::Text => Column::Text(StringBuilder::new()),
            Kind::Number => Column::Number(Float64Builder::new()),
            Kind::Integer => Column::Integer(Int64Builder::new()),
            Kind::Boolean => Column::Boolean(BooleanBuilder::new()),
            Kind::Timestamp => Column::Timestamp(TimestampMicrosecondBuilder::new()),
        }
    }

    fn push(&mut self, cell: &Cell, row: &Row) {
        match (self, cell) {
            (Column::Text(column), Cell::Text(range)) => column.append_value(row.text_of(range)),
            (Column::Text(column), _) => column.append_null(),
            (Column::Number(column), Cell::Number(value)) => column.append_value(*value),
            (Column::Number(column), _) => column.append_null(),
            (Column::Integer(column), Cell::Integer(value)) => column.append_value(*value),
            (Column::Integer(column), _) => column.append_null(),
            (Column::Boolean(column), Cell::Boolean(value)) => column.append_value(*value),
            (Column::Boolean(column), _) => column.append_null(),
            (Column::Timestamp(column), Cell::Timestamp(us)) => column.append_value(*us),
            (Column::Timestamp(column), _) => column.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Column::Text(column) => Arc::new(column.finish()),
            Column::Number(column) => Arc::new(column.finish()),
            Column::Integer(column) => Arc::new(column.finish()),
            Column::Boolean(column) => Arc::new(column.finish()),
            Column::Timestamp(column) => Arc::new(column.finish().with_timezone("UTC")),
        }
    }
}

/// Builders for the columns of one schema and purpose.
#[derive(Debug)]
pub struct Columns {
    schema: SchemaRef,
    columns: Vec<Column>,
    rows: usize,
}

impl Columns {
    /// Empty builders, one for each column.
    pub fn new(schema: &Schema, purpose: Purpose) -> Columns {
        Columns {
            schema: schema.arrow(purpose),
            columns: schema
                .columns(purpose)
                .map(|field| Column::new(field.kind))
                .collect(),
            rows: 0,
        }
    }

    /// Appends a row that has been checked.
    pub(crate) fn push(&mut self, row: &Row) {
        for (index, column) in self.columns.iter_mut().enumerate() {
            column.push(row.cell(index), row);
        }
        self.rows += 1;
    }

    /// Rows appended since the last [`Columns::finish`].
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether no row has been appended since the last [`Columns::finish`].
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The rows so far as one batch; the builders are empty afterwards.
    pub fn finish(&mut self) -> RecordBatch {
        self.rows = 0;
        let columns = self.columns.iter_mut().map(Column::finish).collect();
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .expect("every push appends one checked cell to every column")
    }
}
