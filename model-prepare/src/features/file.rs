//! A datamart as a Parquet file; its state is in the file's own notes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use common::progress::Stage;
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use report::Materialised;
use valuation::datamart::{Identity, Rows, SOURCE_LINE, State};

use super::datamart_notes::{DatamartNotes, ExistingDatamart, written};
use super::state_of_file::{READ_UNTIL, SOURCE, STATE, VERSION, known, open};
use crate::listings;

/// The file.
pub(super) struct ToFile {
    path: PathBuf,
}

impl ToFile {
    pub(super) fn new(path: PathBuf) -> ToFile {
        ToFile { path }
    }

    /// What is known of it; `None` where there is none.
    ///
    /// # Errors
    /// When something else has its name.
    pub(super) fn known(&self) -> anyhow::Result<Option<ExistingDatamart>> {
        let path = &self.path;
        if !path.exists() {
            return Ok(None);
        }
        let known = known(path)?;
        ensure!(
            known.is_some(),
            "expected a file that `model-prepare features` made, or none, found {}, which has no state \
             among its notes: give another name with --to",
            path.display()
        );
        Ok(known)
    }

    /// Writes rows instead of what is there: beside it, renamed when it is whole.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn replace(&self, batch: &RecordBatch, notes: &DatamartNotes) -> anyhow::Result<()> {
        let mut partial = self.path.as_os_str().to_owned();
        // Not the process id: on a shared volume every container's is 1.
        partial.push(format!(".partial-{:016x}", rand::random::<u64>()));
        let partial = PathBuf::from(partial);
        let stage = Stage::start(format!("writing {}", self.path.display()));
        stage.add(batch.num_rows() as u64);
        let written = write(&partial, batch, notes)
            .and_then(|()| Ok(std::fs::rename(&partial, &self.path)?))
            .with_context(|| {
                format!(
                    "cannot write {}: is there room, and may files be made in its directory?",
                    self.path.display()
                )
            });
        if written.is_err() {
            // What could not be made need not be removed.
            let _ = std::fs::remove_file(&partial);
        }
        written
    }

    /// Writes the rows that are there and new ones, all by the same state: a row is a function of
    /// record and state, so that those of before are what they were.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub(super) fn add(
        &self,
        news: &Rows,
        identity: Identity,
        notes: &DatamartNotes,
        made: Materialised,
    ) -> anyhow::Result<Materialised> {
        let schema = &notes.state.schema;
        let old = self.rows(notes.state)?;
        let (all, new, change) = old.merge(news, schema, identity)?;
        let batch = notes.state.materialise(&all, notes.version)?;
        self.replace(&batch, notes)?;
        let added = notes.state.materialise(&new, notes.version)?;
        Ok(written(made, notes.state, &added, change, batch.num_rows()))
    }

    /// The records of the rows that are there.
    fn rows(&self, state: &State) -> anyhow::Result<Rows> {
        let listings = listings::of_file(&self.path, &state.schema)?;
        let lines = lines(&self.path)?;
        ensure!(
            lines.len() == listings.batch.num_rows(),
            "expected every row of {} to fit its own schema, found {} of {} that do not: it was \
             changed; materialise again with --refit",
            self.path.display(),
            listings.rejected.len(),
            lines.len()
        );
        Ok(Rows {
            batch: listings.batch,
            lines,
        })
    }
}

/// The places of a datamart's rows in the file that they came from.
fn lines(path: &Path) -> anyhow::Result<Vec<Option<i64>>> {
    let builder = open(path)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), [SOURCE_LINE]);
    let mut lines = Vec::new();
    for batch in builder.with_projection(mask).build()? {
        let batch = batch.with_context(|| format!("cannot read {}", path.display()))?;
        let column = batch.column_by_name(SOURCE_LINE);
        let column = column.and_then(|column| column.as_primitive_opt::<Int64Type>());
        let column = column.with_context(|| format!("{} has no {SOURCE_LINE}", path.display()))?;
        lines.extend(column.iter());
    }
    Ok(lines)
}

fn write(path: &Path, batch: &RecordBatch, notes: &DatamartNotes) -> anyhow::Result<()> {
    let note = |key: &str, value: String| KeyValue::new(key.to_owned(), value);
    let mut metadata = vec![
        note(STATE, notes.state.to_json()?),
        note(VERSION, notes.version.to_string()),
        note(SOURCE, notes.source.to_owned()),
    ];
    metadata.extend(
        notes
            .read_until
            .map(|time| note(READ_UNTIL, time.to_owned())),
    );
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_key_value_metadata(Some(metadata))
        .build();
    let file = File::create(path)?;
    let mut writer = ArrowWriter::try_new(file, Arc::clone(&batch.schema()), Some(properties))?;
    writer.write(batch)?;
    writer.into_inner()?.sync_all()?;
    Ok(())
}
