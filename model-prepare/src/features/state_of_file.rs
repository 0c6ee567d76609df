//! The state of a datamart that is a Parquet file: it is in the file's key-value metadata.

use std::fs::File;
use std::path::Path;

use anyhow::Context;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use valuation::datamart::State;

use super::datamart_notes::ExistingDatamart;

/// Keys of the metadata.
pub(super) const STATE: &str = "hedonic.features.state";
pub(super) const VERSION: &str = "hedonic.features.state_version";
pub(super) const SOURCE: &str = "hedonic.features.source";
pub(super) const READ_UNTIL: &str = "hedonic.features.read_until";

/// The state of a Parquet file that is a datamart; `None` of any other file.
///
/// # Errors
/// When the file cannot be read, or its state is of another format.
pub(crate) fn state_of_file(path: &Path) -> anyhow::Result<Option<State>> {
    let is_parquet = path.extension().is_some_and(|extension| {
        extension.eq_ignore_ascii_case("parquet") || extension.eq_ignore_ascii_case("pq")
    });
    if !is_parquet {
        return Ok(None);
    }
    let of = || format!("the state of {}", path.display());
    let state = known(path)?.map(|known| State::parse(&known.state).with_context(of));
    state.transpose()
}

/// What is known of the file; `None` where it is not a datamart.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn known(path: &Path) -> anyhow::Result<Option<ExistingDatamart>> {
    let builder = open(path)?;
    let notes = builder.metadata().file_metadata().key_value_metadata();
    let note = |key: &str| {
        let mut notes = notes.into_iter().flatten();
        notes.find(|note| note.key == key)?.value.clone()
    };
    let version = note(VERSION).and_then(|text| text.parse().ok());
    Ok(version
        .zip(note(STATE))
        .map(|(version, state)| ExistingDatamart {
            version,
            state,
            source: note(SOURCE).unwrap_or_default(),
            read_until: note(READ_UNTIL),
            is_there: true,
        }))
}

/// Opens a Parquet file.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn open(path: &Path) -> anyhow::Result<ParquetRecordBatchReaderBuilder<File>> {
    let broken = || format!("cannot read {}", path.display());
    let file = File::open(path).with_context(broken)?;
    ParquetRecordBatchReaderBuilder::try_new(file).with_context(broken)
}
