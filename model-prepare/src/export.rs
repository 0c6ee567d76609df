//! `export`: a member of a saved version for other programs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use records::Purpose;
use records::file::{FileReader, Formulas};
use valuation::TrainedModel;

/// Records whose values are written at most.
const MOST_ROWS: usize = 100_000;

/// What other programs read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// XGBoost's JSON, of a member of trees.
    Xgboost,
    /// A line a column of the linear member and its weight.
    Csv,
}

/// What is to be written.
#[derive(Debug, Clone)]
pub struct Export {
    /// As what.
    pub format: ExportFormat,
    /// Which member; the first that the format can express.
    pub member: Option<String>,
    /// The file.
    pub to: PathBuf,
    /// Records whose values are written beside it (`.rows.csv`), with what the member says of them.
    pub rows_of: Option<PathBuf>,
}

/// Writes a member of the version at `directory`; states what was written.
///
/// # Errors
/// When the version does not load, has no such member, or a file cannot be read or written.
pub fn export(directory: &Path, options: &Export) -> anyhow::Result<String> {
    let model = TrainedModel::load(directory)
        .with_context(|| format!("cannot load the version {}", directory.display()))?;
    let model = model.price().with_context(|| {
        let (task, name) = (model.schema().task, directory.display());
        format!("expected a model of prices, found {name} of task {task:?}: others have no export")
    })?;
    let is_trees = options.format == ExportFormat::Xgboost;
    let (name, bytes) = model.export(is_trees, options.member.as_deref())?;
    std::fs::write(&options.to, bytes)
        .with_context(|| format!("cannot write {}", options.to.display()))?;
    let mut message = format!("wrote the member {name} to {}", options.to.display());
    if let Some(records) = &options.rows_of {
        let mut reader = FileReader::open(records, model.schema(), Purpose::Listing)?;
        let found = reader.next_batch(MOST_ROWS)?;
        let found = found.with_context(|| format!("{} has no records", records.display()))?;
        let (names, rows) = model.member_rows(&name, &found.batch)?;
        let to = options.to.with_extension("rows.csv");
        let failed = || format!("cannot write {}", to.display());
        let mut writer = csv::Writer::from_path(&to).with_context(failed)?;
        // Columns are named by fields and levels, which are texts of others.
        for name in &names {
            writer
                .write_field(Formulas::Neutralise.cell(name).as_bytes())
                .with_context(failed)?;
        }
        writer.write_record(["expected"]).with_context(failed)?;
        for (values, expected) in rows {
            for value in values {
                let cell = match value.is_nan() {
                    true => String::new(),
                    false => value.to_string(),
                };
                writer.write_field(cell).with_context(failed)?;
            }
            writer
                .write_record([expected.to_string()])
                .with_context(failed)?;
        }
        writer.flush().with_context(failed)?;
        let _ = write!(
            message,
            ", and {} rows to {}",
            found.batch.num_rows(),
            to.display()
        );
    }
    Ok(message)
}
