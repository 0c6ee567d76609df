//! The rows a version was judged on, with its predictions before it learned from them.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch, RecordBatchReader, UInt64Array};
use arrow_schema::{DataType, Field, Schema as ArrowSchema};
use arrow_select::concat::concat_batches;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use records::Schema;
use valuation::{JudgedRow, Prediction};

/// Columns beside the records'; names with a dot are no field's.
const PREDICTED: [&str; 4] = ["judged.price", "judged.value", "judged.low", "judged.high"];
/// The file's note of which column is the key and which the time.
const KEY: &str = "hedonic.key";
const TIME: &str = "hedonic.time";
/// And of several classes, which column has the level.
const LEVEL: &str = "hedonic.level";

/// Judged rows.
#[derive(Debug)]
pub(crate) struct Holdout {
    /// The records.
    pub(crate) batch: RecordBatch,
    /// Their prices; of several classes a number that the level's name gives.
    pub(crate) prices: Vec<f64>,
    /// Of several classes their levels; empty of others.
    pub(crate) levels: Vec<String>,
    /// The predictions for them; of several classes as [`JudgedRow`] has them.
    pub(crate) predicted: Vec<Prediction>,
    /// Their times, microseconds since 1970; empty without a time field.
    pub(crate) times: Vec<i64>,
    /// Which row is which record.
    by_identity: HashMap<Identity, usize>,
    identities: Vec<Identity>,
}

/// Distinguishes a record from others: its key and its price, as a listing may be sold twice.
pub(crate) type Identity = (Arc<str>, u64);

impl Holdout {
    /// Writes the judged rows of a batch, with the ranges as the version gives them: wider by
    /// `widened` on the logarithm's scale than they were judged ([`Report::widened`]).
    ///
    /// [`Report::widened`]: valuation::Report::widened
    pub(crate) fn write(
        path: &Path,
        schema: &Schema,
        batch: &RecordBatch,
        judged: &[JudgedRow],
        widened: f64,
    ) -> anyhow::Result<()> {
        let rows: UInt64Array = judged.iter().map(|row| row.row as u64).collect();
        let taken = arrow_select::take::take_record_batch(batch, &rows)?;
        let column = |of: &dyn Fn(&JudgedRow) -> f64| -> ArrayRef {
            Arc::new(judged.iter().map(of).collect::<Float64Array>())
        };
        let end = |value: f64, end: f64| value * (end / value).powf(widened);
        let predicted = [
            column(&|row| row.actual),
            column(&|row| row.value),
            column(&|row| end(row.value, row.low)),
            column(&|row| end(row.value, row.high)),
        ];
        let mut fields: Vec<Arc<Field>> = taken.schema().fields().iter().cloned().collect();
        let float = |name: &&str| Arc::new(Field::new(*name, DataType::Float64, false));
        fields.extend(PREDICTED.iter().map(float));
        let columns = taken.columns().iter().cloned().chain(predicted).collect();
        let whole = RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), columns)?;
        write_records(path, schema, &whole)
    }

    /// Reads what [`Holdout::write`] wrote.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Holdout> {
        let Read {
            batch,
            key,
            time,
            level,
        } = read(path, None)?;
        let levels = match &level {
            Some(column) => levels_of(&batch, column)?,
            None => Vec::new(),
        };
        let numbers = |name: &str| -> anyhow::Result<Vec<f64>> {
            let column = batch.column_by_name(name);
            let column = column.and_then(|column| column.as_primitive_opt::<Float64Type>());
            let column = column.with_context(|| format!("{} has no {name}", path.display()))?;
            Ok(column.values().to_vec())
        };
        let [prices, values, lows, highs] = PREDICTED.map(numbers);
        let (mut prices, values, lows, highs) = (prices?, values?, lows?, highs?);
        if level.is_some() {
            // The numbers of levels differ between versions; their names do not.
            prices = levels.iter().map(|level| number_of(level)).collect();
        }
        let predicted = values
            .into_iter()
            .zip(lows.into_iter().zip(highs))
            .map(|(value, (low, high))| Prediction { value, low, high })
            .collect();
        let identities = identities(&batch, &key, &prices)?;
        let times = time.and_then(|time| {
            let column = batch.column_by_name(&time)?;
            let column = column.as_primitive_opt::<TimestampMicrosecondType>()?;
            Some(column.values().to_vec())
        });
        let by_identity = identities.iter().cloned().zip(0..).collect();
        Ok(Holdout {
            prices,
            levels,
            predicted,
            times: times.unwrap_or_default(),
            by_identity,
            identities,
            batch,
        })
    }

    /// Which record a row is.
    pub(crate) fn identity(&self, row: usize) -> &Identity {
        &self.identities[row]
    }

    /// The prediction for a record, where it was judged on.
    pub(crate) fn predicted_for(&self, identity: &Identity) -> Option<Prediction> {
        self.by_identity
            .get(identity)
            .map(|row| self.predicted[*row])
    }
}

/// The levels of a column; empty texts where there is none.
pub(crate) fn levels_of(batch: &RecordBatch, column: &str) -> anyhow::Result<Vec<String>> {
    let cells = batch
        .column_by_name(column)
        .and_then(|cells| cells.as_string_opt::<i32>());
    let cells =
        cells.with_context(|| format!("expected a column {column} of texts, found none"))?;
    Ok(cells
        .iter()
        .map(|level| level.unwrap_or_default().to_owned())
        .collect())
}

/// A number that stands for a level in an [`Identity`]: the same wherever the level's name is.
pub(crate) fn number_of(level: &str) -> f64 {
    // FNV-1a; as a whole number below 2^53, which every float of it keeps.
    let digest = level
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |digest, byte| {
            (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    (digest >> 11) as f64
}

/// Keys and prices of a batch, row by row.
pub(crate) fn identities(
    batch: &RecordBatch,
    key: &str,
    prices: &[f64],
) -> anyhow::Result<Vec<Identity>> {
    let keys = batch
        .column_by_name(key)
        .and_then(|column| column.as_string_opt::<i32>());
    let keys = keys.with_context(|| format!("expected a column {key} of texts, found none"))?;
    ensure!(
        keys.len() == prices.len(),
        "keys and prices differ in number"
    );
    let identity = |(key, price): (Option<&str>, &f64)| (key.unwrap_or("").into(), price.to_bits());
    Ok(keys.iter().zip(prices).map(identity).collect())
}

/// Writes records as Parquet, compressed, with the names of key and time.
pub(crate) fn write_records(
    path: &Path,
    schema: &Schema,
    batch: &RecordBatch,
) -> anyhow::Result<()> {
    let mut notes = batch.schema().metadata().clone();
    notes.insert(KEY.to_owned(), schema.key.clone());
    if let Some(time) = &schema.time {
        notes.insert(TIME.to_owned(), time.clone());
    }
    if let Some(target) = schema.target.as_ref().filter(|_| schema.is_multiclass()) {
        notes.insert(LEVEL.to_owned(), target.clone());
    }
    let noted = Arc::new(ArrowSchema::new_with_metadata(
        batch.schema().fields().clone(),
        notes,
    ));
    let batch = RecordBatch::try_new(Arc::clone(&noted), batch.columns().to_vec())?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut writer = ArrowWriter::try_new(File::create(path)?, noted, Some(properties))?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(())
}

/// The records of a training.
pub(crate) fn read_records(path: &Path) -> anyhow::Result<RecordBatch> {
    Ok(read(path, None)?.batch)
}

/// Records of a file, and which of their columns have a role.
pub(crate) struct Read {
    pub(crate) batch: RecordBatch,
    pub(crate) key: String,
    pub(crate) time: Option<String>,
    /// Of several classes.
    pub(crate) level: Option<String>,
}

/// Reads records, or some of their columns, with the names of those that have a role.
pub(crate) fn read(path: &Path, columns: Option<&[&str]>) -> anyhow::Result<Read> {
    let broken = || format!("cannot read {}", path.display());
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(File::open(path)?).with_context(broken)?;
    let notes = builder.schema().metadata().clone();
    let key = notes.get(KEY).cloned();
    let key = key.with_context(|| format!("{} does not name its key", path.display()))?;
    let builder = match columns {
        None => builder,
        Some(columns) => {
            let names = columns.iter().copied();
            let mask = parquet::arrow::ProjectionMask::columns(builder.parquet_schema(), names);
            builder.with_projection(mask)
        }
    };
    let reader = builder.build().with_context(broken)?;
    let schema = reader.schema();
    let batches: Result<Vec<RecordBatch>, _> = reader.collect();
    let batch = concat_batches(&schema, &batches.with_context(broken)?).with_context(broken)?;
    Ok(Read {
        batch,
        key,
        time: notes.get(TIME).cloned(),
        level: notes.get(LEVEL).cloned(),
    })
}
