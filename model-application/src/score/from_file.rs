//! Rows of a CSV or Parquet file.

use std::path::Path;
use std::time::UNIX_EPOCH;

use anyhow::Context;
use records::file::{FileBatch, FileReader};
use records::{Purpose, Schema};

use super::batch::{ROWS, Read};

pub(super) struct FromFile {
    reader: FileReader,
    identity: String,
    /// States which rows were refused.
    row: u64,
}

impl FromFile {
    pub fn open(path: &Path, schema: &Schema) -> anyhow::Result<FromFile> {
        let reader = FileReader::open(path, schema, Purpose::Request)?;
        let about = path
            .metadata()
            .with_context(|| format!("cannot read {}", path.display()))?;
        let changed = about.modified().ok().and_then(|at| {
            let since = at.duration_since(UNIX_EPOCH).ok()?;
            Some(since.as_micros())
        });
        let identity = format!(
            "{}, {} bytes, changed {}",
            path.display(),
            about.len(),
            changed.unwrap_or_default()
        );
        Ok(FromFile {
            reader,
            identity,
            row: 0,
        })
    }

    pub fn identity(&self) -> &str {
        &self.identity
    }

    pub fn next(&mut self) -> anyhow::Result<Option<Read>> {
        let Some(FileBatch { batch, rejects, .. }) = self.reader.next_batch(ROWS)? else {
            return Ok(None);
        };
        let read = (batch.num_rows() + rejects.len()) as u64;
        self.row += read;
        let refused = rejects
            .iter()
            .map(|reject| (format!("line {}", reject.line), reject.reason.to_string()));
        Ok(Some(Read {
            refused: refused.collect(),
            rows: batch,
            read,
            last_key: None,
        }))
    }

    /// Reads on until N rows are gone through: whole batches, as they were read before.
    pub fn skip(&mut self, rows: u64) -> anyhow::Result<()> {
        while self.row < rows {
            if self.next()?.is_none() {
                break;
            }
        }
        Ok(())
    }
}
