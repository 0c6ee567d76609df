//! The listings a training learns from: out of a file or out of the table.

mod gathered;
pub(crate) mod reject_counts;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use arrow_array::{Array, RecordBatch};
use common::progress::Stage;
use futures_util::StreamExt;
use records::file::{FileBatch, FileError, FileReader};
use records::identifier::quoted;
use records::{Field, Purpose, Schema};
use report::RejectKind;
use sqlx::PgPool;
use sqlx::postgres::PgPoolCopyExt;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::time::timeout;

use self::gathered::Gathered;
use self::reject_counts::RejectCounts;
use crate::deadline::NEXT_ROWS;
use crate::features::state_of_file::state_of_file;

/// Rows read at a time: how often progress is counted, and all that is in memory beside the columns.
const BATCH_ROWS: usize = 8192;
/// Parts of a table's export that may wait to be read: bounds memory.
const PARTS: usize = 16;
/// Kinds of rejected rows that are logged one by one.
const MOST_KINDS: usize = 10;

/// What was read.
#[derive(Debug)]
pub(crate) struct Listings {
    /// The rows that the schema took.
    pub(crate) batch: RecordBatch,
    /// Where each of them is in the file: the line of a CSV, the header being 1; the row of a
    /// Parquet file, from 1.
    pub(crate) lines: Vec<u64>,
    /// Lines of those it did not take.
    pub(crate) rejected: Vec<u64>,
    /// The same by what is wrong with them.
    pub(crate) refused: Vec<RejectKind>,
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
    let mut ignored = reader.unknown_columns().to_vec();
    if let Some(state) = state_of_file(file)? {
        state.check_schema(schema).with_context(|| name.clone())?;
        // Made of the fields, which are read.
        let expected = state.arrow();
        ignored.retain(|column| expected.index_of(column).is_err());
    }
    let listings = read_all(&name, schema, &stage, |rows| reader.next_batch(rows))?;
    if !ignored.is_empty() {
        tracing::info!(
            "{name}: the schema {:?} does not name, and the fit ignores: {}",
            schema.name,
            ignored.join(", ")
        );
    }
    let listings = listings.some(&name)?;
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
fn of_text(name: &str, schema: &Schema, text: impl Read) -> anyhow::Result<Listings> {
    let stage = Stage::start(format!("reading {name}"));
    let mut reader =
        records::file::Delimited::new(text, Path::new(name), schema, Purpose::Listing)?;
    read_all(name, schema, &stage, |rows| reader.next_batch(rows))
}

/// Which rows of a table are read, and in which order.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    /// The table, as SQL takes its name.
    pub(crate) table: String,
    /// A condition in SQL; none for all rows.
    pub(crate) condition: Option<String>,
    /// A column that orders them before their times do.
    pub(crate) first: Option<&'static str>,
}

impl Selection {
    /// The rows of the last so many days; all where records have no time.
    pub(crate) fn window(schema: &Schema, table: &str, days: u32) -> Selection {
        let since = |time: &String| {
            let time = quoted(time);
            format!("{time} >= now() - interval '{days} days'")
        };
        Selection {
            table: quoted(table).into_owned(),
            condition: schema.time.as_ref().map(since),
            first: None,
        }
    }

    /// The rows as text with a header. Keys are compared by their bytes, whatever the database's
    /// language: training reads the same records in the same order everywhere.
    fn copy(&self, schema: &Schema) -> String {
        let first = self.first.map(|column| format!("{column} NULLS FIRST"));
        let key = Some(format!("{} COLLATE \"C\"", quoted(&schema.key)));
        let time = schema.time.as_deref().map(|time| quoted(time).into_owned());
        let order: Vec<String> = [first, time, key].into_iter().flatten().collect();
        let condition = self.condition.as_ref();
        format!(
            "COPY (SELECT {} FROM {} {} ORDER BY {}) TO STDOUT WITH (FORMAT csv, HEADER)",
            records::table::export_list(schema),
            self.table,
            condition.map_or_else(String::new, |condition| format!("WHERE {condition}")),
            order.join(", ")
        )
    }
}

/// Reads rows of a table; there may be none.
///
/// # Errors
/// When the table cannot be read.
pub(crate) async fn stored(
    pool: &PgPool,
    schema: &Arc<Schema>,
    selection: &Selection,
) -> anyhow::Result<Listings> {
    let name = format!("the table {}", selection.table);
    let (sender, parts) = tokio::sync::mpsc::channel(PARTS);
    let of = schema.of_table();
    let reading = tokio::task::spawn_blocking(move || of_text(&name, &of, Parts::new(parts)));
    let exported = export(pool, schema, selection, sender).await;
    let read = reading.await.context("the reading stopped")?;
    // An export that failed looks to its reader like one that is complete.
    exported?;
    read
}

fn read_all(
    name: &str,
    schema: &Schema,
    stage: &Stage,
    mut next: impl FnMut(usize) -> Result<Option<FileBatch>, FileError>,
) -> anyhow::Result<Listings> {
    let mut gathered = Gathered::new(schema.arrow(Purpose::Listing))?;
    let (mut lines, mut rejected) = (Vec::new(), Vec::new());
    let mut counts = RejectCounts::default();
    while let Some(FileBatch {
        batch,
        lines: lines_of_batch,
        rejects,
    }) = next(BATCH_ROWS)?
    {
        lines.extend(lines_of_batch);
        stage.add((batch.num_rows() + rejects.len()) as u64);
        rejected.extend(rejects.iter().map(|reject| reject.line));
        rejects.iter().for_each(|reject| counts.add(reject));
        gathered.append(batch).with_context(|| name.to_owned())?;
    }
    let batch = gathered.finish().with_context(|| name.to_owned())?;
    let refused = counts.finish();
    if let Some(message) = misfits(name, &refused) {
        tracing::warn!("{message}");
        if refused.len() > 1 {
            for kind in refused.iter().take(MOST_KINDS) {
                tracing::warn!("among them {kind}");
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

/// The message about rows that do not fit.
fn misfits(name: &str, refused: &[RejectKind]) -> Option<String> {
    let first = refused.iter().min_by_key(|kind| kind.first_line)?;
    let rows: usize = refused.iter().map(|kind| kind.rows).sum();
    Some(format!(
        "{rows} rows of {name} do not fit the schema, the first at line {}: {}",
        first.first_line, first.first
    ))
}

impl Listings {
    /// These, where there are any.
    ///
    /// # Errors
    /// When there is nothing to learn from.
    pub(crate) fn some(self, name: &str) -> anyhow::Result<Listings> {
        match (self.batch.num_rows(), misfits(name, &self.refused)) {
            (1.., _) => Ok(self),
            (0, Some(message)) => {
                bail!("expected listings to learn from, found none: all {message}")
            }
            (0, None) => bail!(
                "expected listings to learn from, found none in {name}: it has a header, but no rows"
            ),
        }
    }
}

/// Sends rows of a table as text with a header.
///
/// # Errors
/// When the table cannot be read.
async fn export(
    pool: &PgPool,
    schema: &Schema,
    selection: &Selection,
    parts: Sender<Vec<u8>>,
) -> anyhow::Result<()> {
    let table = &selection.table;
    let broken =
        || format!("cannot read the table {table}: has data-loader made it in this database?");
    let copy = selection.copy(schema);
    let mut export = pool.copy_out_raw(&copy).await.with_context(broken)?;
    let silent = || {
        format!(
            "the database sent no rows of {table} for {} s",
            NEXT_ROWS.as_secs()
        )
    };
    while let Some(part) = timeout(NEXT_ROWS, export.next())
        .await
        .with_context(silent)?
    {
        // An error means that the reader has stopped: its reason is the one that counts.
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
struct Parts {
    arriving: Receiver<Vec<u8>>,
    part: std::io::Cursor<Vec<u8>>,
}

impl Parts {
    fn new(arriving: Receiver<Vec<u8>>) -> Parts {
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
