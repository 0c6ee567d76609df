//! The listings a training learns from: out of a file or out of the table.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use arrow_array::{Array, RecordBatch};
use arrow_select::concat::concat_batches;
use futures_util::StreamExt;
use records::file::{FileBatch, FileError, FileReader};
use records::{Field, Purpose, Schema};
use sqlx::PgPool;
use sqlx::postgres::PgPoolCopyExt;
use tokio::sync::mpsc::{Receiver, Sender};

use crate::refused::{Counts, Refused};
use common::progress::Stage;

/// Rows read at a time: how often progress is counted.
const BATCH_ROWS: usize = 8192;
/// Kinds of refused rows that are said one by one.
const MOST_KINDS: usize = 10;

/// What was read.
#[derive(Debug)]
pub(crate) struct Listings {
    /// The rows that the schema took.
    pub(crate) batch: RecordBatch,
    /// Where each of them stands in the file: the line of a CSV, the header being 1; the row of a
    /// Parquet file, from 1.
    pub(crate) lines: Vec<u64>,
    /// Lines of those it did not take.
    pub(crate) rejected: Vec<u64>,
    /// The same by what is wrong with them.
    pub(crate) refused: Vec<Refused>,
    /// Columns that the file has, and the schema does not: not learned from.
    pub(crate) ignored: Vec<String>,
}

/// Reads a CSV or Parquet file.
pub(crate) fn of_file(file: &Path, schema: &Schema) -> anyhow::Result<Listings> {
    let stage = Stage::start(format!("reading {}", file.display()));
    let mut reader = match FileReader::open(file, schema, Purpose::Listing) {
        Ok(reader) => reader,
        Err(FileError::Columns { columns, .. }) if !missing(schema, &columns).is_empty() => bail!(
            "{}: expected the columns that the schema {:?} requires, found no {}; \
             the file's columns are: {columns}; rename them, or describe the file with --schema",
            file.display(),
            schema.name,
            missing(schema, &columns).join(", ")
        ),
        Err(error) => return Err(error.into()),
    };
    let name = file.display().to_string();
    let listings = read_all(&name, &stage, |rows| reader.next_batch(rows))?;
    let ignored = reader.unknown_columns().to_vec();
    if !ignored.is_empty() {
        tracing::info!(
            "{name}: the schema {:?} does not name, and nothing is learned from: {}",
            schema.name,
            ignored.join(", ")
        );
    }
    let empty = empty_fields(schema, &listings.batch);
    if !empty.is_empty() {
        tracing::info!("{name}: no row has a value for {}", empty.join(", "));
    }
    Ok(Listings {
        ignored,
        ..listings
    })
}

/// Fields that no row has a value for.
pub(crate) fn empty_fields<'a>(schema: &'a Schema, batch: &RecordBatch) -> Vec<&'a str> {
    let is_empty = |field: &&Field| {
        let column = batch.column_by_name(&field.name);
        column.is_none_or(|column| column.null_count() == batch.num_rows())
    };
    let empty = schema.features().filter(is_empty);
    empty.map(|field| field.name.as_str()).collect()
}

/// Columns the schema requires of a file that are not among `columns`, which are separated by
/// commas.
fn missing(schema: &Schema, columns: &str) -> Vec<String> {
    let is_there = |field: &Field| columns.split(", ").any(|column| field.is_headed(column));
    schema
        .columns(Purpose::Listing)
        .filter(|field| schema.is_asked_for(field) && !is_there(field))
        .map(|field| field.name.clone())
        .collect()
}

/// Reads delimited text as it arrives, such as the table's export.
pub(crate) fn of_text(name: &str, schema: &Schema, text: impl Read) -> anyhow::Result<Listings> {
    let stage = Stage::start(format!("reading {name}"));
    let mut reader =
        records::file::Delimited::new(text, Path::new(name), schema, Purpose::Listing)?;
    read_all(name, &stage, |rows| reader.next_batch(rows))
}

fn read_all(
    name: &str,
    stage: &Stage,
    mut next: impl FnMut(usize) -> Result<Option<FileBatch>, FileError>,
) -> anyhow::Result<Listings> {
    let (mut batches, mut lines, mut rejected) = (Vec::new(), Vec::new(), Vec::new());
    let mut counts = Counts::default();
    while let Some(FileBatch {
        batch,
        lines: own,
        rejects,
    }) = next(BATCH_ROWS)?
    {
        lines.extend(own);
        stage.add((batch.num_rows() + rejects.len()) as u64);
        rejected.extend(rejects.iter().map(|reject| reject.line));
        rejects.iter().for_each(|reject| counts.add(reject));
        batches.push(batch);
    }
    let Some(schema) = batches.first().map(RecordBatch::schema) else {
        bail!(
            "expected listings to learn from, found none in {name}: it has a header, but no rows"
        );
    };
    let batch = concat_batches(&schema, &batches).context("the listings do not fit in memory")?;
    let refused = counts.finish();
    if let Some(first) = refused.iter().min_by_key(|kind| kind.first_line) {
        let said = format!(
            "{} rows of {name} do not fit the schema, the first at line {}: {}",
            rejected.len(),
            first.first_line,
            first.first
        );
        anyhow::ensure!(
            batch.num_rows() > 0,
            "expected listings to learn from, found none: all {said}"
        );
        tracing::warn!("{said}");
        if refused.len() > 1 {
            for kind in refused.iter().take(MOST_KINDS) {
                tracing::warn!("of these {kind}");
            }
        }
    }
    Ok(Listings {
        batch,
        lines,
        rejected,
        refused,
        ignored: Vec::new(),
    })
}

/// Sends the rows of the table that the training is to learn from, as text with a header.
///
/// # Errors
/// When the table cannot be read.
pub(crate) async fn export(
    pool: &PgPool,
    schema: &Schema,
    window_days: u32,
    parts: Sender<Vec<u8>>,
) -> anyhow::Result<()> {
    let since = match &schema.time {
        Some(time) => format!(
            "WHERE {time} >= now() - interval '{window_days} days' ORDER BY {time}, {}",
            schema.key
        ),
        None => format!("ORDER BY {}", schema.key),
    };
    let copy = format!(
        "COPY (SELECT {} FROM {} {since}) TO STDOUT WITH (FORMAT csv, HEADER)",
        records::table::export_list(schema),
        schema.table
    );
    let broken = || {
        format!(
            "cannot read the table {}: has data-loader made it in this database?",
            schema.table
        )
    };
    let mut export = pool.copy_out_raw(&copy).await.with_context(broken)?;
    while let Some(part) = export.next().await {
        // An error means that the reader has given up: its reason is the one that counts.
        if parts
            .send(part.with_context(broken)?.to_vec())
            .await
            .is_err()
        {
            break;
        }
    }
    Ok(())
}

/// Parts of a text as one; for a thread that may block.
pub(crate) struct Parts {
    arriving: Receiver<Vec<u8>>,
    part: std::io::Cursor<Vec<u8>>,
}

impl Parts {
    pub(crate) fn new(arriving: Receiver<Vec<u8>>) -> Parts {
        Parts {
            arriving,
            part: std::io::Cursor::default(),
        }
    }
}

impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let count = self.part.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            match self.arriving.blocking_recv() {
                Some(part) => self.part = std::io::Cursor::new(part),
                None => return Ok(0),
            }
        }
    }
}
