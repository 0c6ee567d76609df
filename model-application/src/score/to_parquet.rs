//! Prices to a Parquet file, which appears under its name when it is whole.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::columns::Columns;
use super::partial::partial;
use model_application::{Score, Scores};

pub(super) struct ToParquet {
    path: PathBuf,
    schema: SchemaRef,
    writer: ArrowWriter<File>,
    columns: Columns,
}

impl ToParquet {
    pub fn open(path: &Path, columns: Columns) -> anyhow::Result<ToParquet> {
        let place = partial(path);
        let file =
            File::create(&place).with_context(|| format!("cannot write {}", place.display()))?;
        let field = |name: &str| {
            let of = match name {
                "id" | "model" => DataType::Utf8,
                "class" if columns.has_levels() => DataType::Utf8,
                "class" => DataType::Boolean,
                _ => DataType::Float64,
            };
            Field::new(name, of, false)
        };
        let fields: Vec<Field> = columns.names().into_iter().map(field).collect();
        let schema = Arc::new(Schema::new(fields));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .build();
        Ok(ToParquet {
            path: path.to_owned(),
            writer: ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))?,
            schema,
            columns,
        })
    }

    pub fn write(&mut self, batch: &Scores) -> anyhow::Result<()> {
        let Scores {
            scores,
            ids,
            model,
            probabilities,
            levels,
        } = batch;
        let numbers = |of: fn(&Score) -> f64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(scores.iter().map(of)))
        };
        let mut columns: Vec<ArrayRef> =
            vec![Arc::new(ids.clone()), numbers(|score| score.prediction)];
        if self.columns.has_range() {
            columns.push(numbers(|score| score.low));
            columns.push(numbers(|score| score.high));
        }
        if self.columns.has_class() {
            let classes: BooleanArray = scores.iter().map(|score| Some(score.class)).collect();
            columns.push(Arc::new(classes));
        }
        if let Some(levels) = levels {
            let names = scores.iter().map(|score| &*levels.names()[score.level]);
            columns.push(Arc::new(StringArray::from_iter_values(names)));
            for level in 0..levels.names().len() {
                let values = probabilities.iter().map(|row| row[level]);
                columns.push(Arc::new(Float64Array::from_iter_values(values)));
            }
        }
        let models = std::iter::repeat_n(model, scores.len());
        columns.push(Arc::new(StringArray::from_iter_values(models)));
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        let written = self.writer.write(&batch);
        written.with_context(|| format!("cannot write {}", partial(&self.path).display()))
    }

    pub fn finish(self) -> anyhow::Result<()> {
        let failed = || format!("cannot write {}", self.path.display());
        let file = self.writer.into_inner().with_context(failed)?;
        file.sync_all().with_context(failed)?;
        std::fs::rename(partial(&self.path), &self.path).with_context(failed)
    }
}
