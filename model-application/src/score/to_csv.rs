//! Prices to a CSV, which appears under its name when it is whole.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use records::file::Formulas;
use serde::{Deserialize, Serialize};

use super::columns::Columns;
use super::partial::partial;
use super::progress::Progress;
use model_application::Scores;

pub(super) struct ToCsv {
    path: PathBuf,
    file: File,
    columns: Columns,
    formulas: Formulas,
}

/// How far it is, in a file beside it.
#[derive(Serialize, Deserialize)]
struct StoredPlace {
    progress: Progress,
    /// Bytes that are written by then: what is beyond is written again.
    bytes: u64,
}

impl ToCsv {
    pub fn open(path: &Path, columns: Columns, formulas: Formulas) -> anyhow::Result<ToCsv> {
        let place = partial(path);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&place)
            .with_context(|| format!("cannot write {}", place.display()))?;
        Ok(ToCsv {
            path: path.to_owned(),
            file,
            columns,
            formulas,
        })
    }

    fn beside(&self) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".progress");
        name.into()
    }

    /// What a run before has done; the file then ends there.
    pub fn progress(&mut self) -> anyhow::Result<Option<Progress>> {
        let kept = std::fs::read(self.beside()).ok();
        let kept: Option<StoredPlace> = kept.and_then(|kept| serde_json::from_slice(&kept).ok());
        let kept = match kept {
            Some(kept) if self.file.metadata()?.len() >= kept.bytes => kept,
            _ => return Ok(None),
        };
        self.file.set_len(kept.bytes)?;
        Ok(Some(kept.progress))
    }

    pub fn write(&mut self, batch: &Scores, progress: &Progress) -> anyhow::Result<()> {
        let Scores {
            scores,
            ids,
            model,
            probabilities,
            levels,
        } = batch;
        let levels: Vec<_> = (levels.iter().flat_map(|levels| levels.names()))
            .map(|level| self.formulas.cell(level))
            .collect();
        let failed = || format!("cannot write {}", partial(&self.path).display());
        if progress.rows == scores.len() as u64 {
            // The first rows: whatever is there is of another run.
            self.file.set_len(0).with_context(failed)?;
        }
        self.file.seek(SeekFrom::End(0)).with_context(failed)?;
        let is_new = self.file.metadata()?.len() == 0;
        let mut writer = csv::Writer::from_writer(BufWriter::new(&self.file));
        if is_new {
            writer.write_record(self.columns.names())?;
        }
        let model = self.formulas.cell(model);
        for (row, (id, score)) in ids.iter().zip(scores).enumerate() {
            writer.write_field(self.formulas.cell(id.unwrap_or_default()).as_bytes())?;
            writer.write_field(score.prediction.to_string())?;
            if self.columns.has_range() {
                writer.write_field(score.low.to_string())?;
                writer.write_field(score.high.to_string())?;
            }
            if self.columns.has_class() {
                writer.write_field(score.class.to_string())?;
            }
            if self.columns.has_levels() {
                writer.write_field(levels[score.level].as_bytes())?;
                for probability in &probabilities[row] {
                    writer.write_field(probability.to_string())?;
                }
            }
            writer.write_field(model.as_bytes())?;
            writer.write_record(None::<&[u8]>)?;
        }
        writer.flush().with_context(failed)?;
        drop(writer);
        let kept = StoredPlace {
            progress: progress.clone(),
            bytes: self.file.metadata()?.len(),
        };
        let beside = self.beside();
        let fresh = partial(&beside);
        let mut file = File::create(&fresh).with_context(failed)?;
        file.write_all(&serde_json::to_vec(&kept)?)?;
        std::fs::rename(&fresh, &beside).with_context(failed)
    }

    pub fn finish(self) -> anyhow::Result<()> {
        if self.file.metadata()?.len() == 0 {
            csv::Writer::from_writer(&self.file).write_record(self.columns.names())?;
        }
        self.file.sync_all()?;
        std::fs::rename(partial(&self.path), &self.path)
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        // Without rows there is none.
        let _ = std::fs::remove_file(self.beside());
        Ok(())
    }
}
