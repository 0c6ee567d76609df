//! The rows that were refused, each with its error, in a CSV beside the output.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::Context;
use records::file::Formulas;

use super::partial::partial;

/// The names of the columns.
const COLUMNS: [&str; 2] = ["row", "error"];

/// The file, under another name until the scoring is complete.
pub(super) struct Errors {
    path: PathBuf,
    /// Opened with the first row.
    file: Option<File>,
    bytes: u64,
    formulas: Formulas,
}

impl Errors {
    /// Goes on behind so many bytes of an earlier run; with 0 it is made anew.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn open(output: &Path, bytes: u64, formulas: Formulas) -> anyhow::Result<Errors> {
        let mut name = output.as_os_str().to_owned();
        name.push(".errors.csv");
        let mut errors = Errors {
            path: name.into(),
            file: None,
            bytes,
            formulas,
        };
        if bytes > 0 {
            errors.opened()?.set_len(bytes)?;
        }
        Ok(errors)
    }

    fn opened(&mut self) -> anyhow::Result<&mut File> {
        if self.file.is_none() {
            let place = partial(&self.path);
            let file = OpenOptions::new()
                .create(true)
                .truncate(self.bytes == 0)
                .write(true)
                .open(&place)
                .with_context(|| format!("cannot write {}", place.display()))?;
            self.file = Some(file);
        }
        self.file.as_mut().context("the file of errors is closed")
    }

    /// Adds rows; the bytes that the file then has.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&mut self, refused: &[(String, String)]) -> anyhow::Result<u64> {
        if refused.is_empty() {
            return Ok(self.bytes);
        }
        let (is_new, formulas) = (self.bytes == 0, self.formulas);
        let file = self.opened()?;
        file.seek(SeekFrom::End(0))?;
        let mut writer = csv::Writer::from_writer(&mut *file);
        if is_new {
            writer.write_record(COLUMNS)?;
        }
        for (place, why) in refused {
            writer.write_field(formulas.cell(place).as_bytes())?;
            writer.write_field(formulas.cell(why).as_bytes())?;
            writer.write_record(None::<&[u8]>)?;
        }
        writer.flush()?;
        drop(writer);
        self.bytes = file.metadata()?.len();
        Ok(self.bytes)
    }

    /// Gives the file its name, where there is one; one of an earlier scoring is gone then.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn finish(self) -> anyhow::Result<Option<PathBuf>> {
        match self.file {
            Some(file) => {
                file.sync_all()?;
                std::fs::rename(partial(&self.path), &self.path)
                    .with_context(|| format!("cannot write {}", self.path.display()))?;
                Ok(Some(self.path))
            }
            None => {
                // Mostly there is none.
                let _ = std::fs::remove_file(&self.path);
                Ok(None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(from: usize, count: usize) -> Vec<(String, String)> {
        let row = |row: usize| (format!("line {row}"), format!("expected 1, found {row}"));
        (from..from + count).map(row).collect()
    }

    #[test]
    fn what_was_written_after_the_progress_was_kept_is_written_once() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let output = home.path().join("prices.csv");
        let open = |bytes| Errors::open(&output, bytes, Formulas::Keep).expect("it opens");
        let mut first = open(0);
        assert_eq!(first.write(&[]).expect("nothing"), 0);
        let kept = first.write(&rows(2, 2)).expect("written");
        first.write(&rows(4, 1)).expect("written");
        drop(first);
        let mut second = open(kept);
        second.write(&rows(4, 2)).expect("written");
        let path = second.finish().expect("renamed").expect("a file");
        let text = std::fs::read_to_string(&path).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert_eq!(lines[0], "row,error");
        assert_eq!(lines[4], "line 5,\"expected 1, found 5\"");

        assert_eq!(open(0).finish().expect("nothing to do"), None);
        assert!(!path.exists(), "it was of another scoring");
    }
}
