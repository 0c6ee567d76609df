//! Prices to a Parquet file, which appears under its name when it is whole.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::partial;
use model_application::Answer;

pub(super) struct ToParquet {
    path: PathBuf,
    schema: SchemaRef,
    writer: ArrowWriter<File>,
}

impl ToParquet {
    pub fn open(path: &Path) -> anyhow::Result<ToParquet> {
        let place = partial(path);
        let file =
            File::create(&place).with_context(|| format!("cannot write {}", place.display()))?;
        let number = |name: &str| Field::new(name, DataType::Float64, false);
        let text = |name: &str| Field::new(name, DataType::Utf8, false);
        let schema = Arc::new(Schema::new(vec![
            text("id"),
            number("prediction"),
            number("low"),
            number("high"),
            text("model"),
        ]));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .build();
        Ok(ToParquet {
            path: path.to_owned(),
            writer: ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))?,
            schema,
        })
    }

    pub fn write(&mut self, answers: &[Answer]) -> anyhow::Result<()> {
        let texts = |of: fn(&Answer) -> &str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(answers.iter().map(of)))
        };
        let numbers = |of: fn(&Answer) -> f64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(answers.iter().map(of)))
        };
        let columns = vec![
            texts(|answer| &answer.id.text),
            numbers(|answer| answer.prediction),
            numbers(|answer| answer.low),
            numbers(|answer| answer.high),
            texts(|answer| &answer.model),
        ];
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
