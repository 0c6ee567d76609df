//! How many records a file has, to show the progress of a replay.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use common::Shutdown;
use parquet::file::reader::{FileReader, SerializedFileReader};
use records::{Purpose, Schema};

use super::folder;
use super::job::Job;

/// Read at a time.
const CHUNK_BYTES: usize = 256 * 1024;
/// The same of records.
const CHUNK_ROWS: usize = 8192;

/// Counts the records as they will be read, good or not: a cell may hold line breaks. `None` where
/// `shutdown` came first.
///
/// # Errors
/// When the file cannot be used with the schema, or fails.
pub(super) async fn exactly(
    job: &Job,
    schema: &Schema,
    purpose: Purpose,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<u64>> {
    let (files, schema, shutdown) = (folder::files(&job.file)?, schema.clone(), shutdown.clone());
    let counting = tokio::task::spawn_blocking(move || -> anyhow::Result<Option<u64>> {
        let mut records = 0;
        for file in files {
            let mut reader = records::file::FileReader::open(&file, &schema, purpose)?;
            loop {
                if shutdown.is_cancelled() {
                    return Ok(None);
                }
                let read = reader.next_batch(CHUNK_ROWS);
                let Some(read) = read.with_context(|| format!("after {records} records"))? else {
                    break;
                };
                records += (read.batch.num_rows() + read.rejects.len()) as u64;
            }
        }
        Ok(Some(records))
    });
    counting.await?
}

/// Counts the records beside everything else; what cannot be counted stays unknown.
pub(super) fn count(files: Vec<PathBuf>, total: &Arc<AtomicU64>) {
    let total = Arc::clone(total);
    // Not on the runtime, which would wait for the end of a large file when it leaves.
    std::thread::spawn(move || {
        if let Some(records) = files.iter().map(|file| records(file)).sum::<Option<u64>>() {
            total.store(records, Ordering::Relaxed);
        }
    });
}

/// The rows that a Parquet file's footer names; the lines below the header of a text, which are
/// its records where no cell has a line break.
fn records(path: &Path) -> Option<u64> {
    let mut file = File::open(path).ok()?;
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    if matches!(extension.as_str(), "parquet" | "pq") {
        let reader = SerializedFileReader::new(file).ok()?;
        return u64::try_from(reader.metadata().file_metadata().num_rows()).ok();
    }
    let mut chunk = vec![0; CHUNK_BYTES];
    let (mut lines, mut last) = (0, b'\n');
    loop {
        let length = match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return None,
        };
        let read = &chunk[..length];
        lines += read.iter().filter(|byte| **byte == b'\n').count() as u64;
        last = read[length - 1];
    }
    Some((lines + u64::from(last != b'\n')).saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_below_the_header_are_counted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.csv");
        for (text, expected) in [("", 0), ("id\n", 0), ("id\n1\n2\n", 2), ("id\n1\n2", 2)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(records(&path), Some(expected), "{text:?}");
        }
        assert_eq!(records(&directory.path().join("b.csv")), None);
    }
}
