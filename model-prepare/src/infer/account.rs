//! What a proposed schema does with the rows of its file: each is read as training reads it.

use std::fmt;
use std::path::Path;

use records::file::FileReader;
use records::{Purpose, Schema};
use report::RejectKind;
use serde::Serialize;

use super::roles::Role;
use super::study::Study;
use crate::listings::reject_counts::RejectCounts;

/// Rows read at a time.
const BATCH_ROWS: usize = 8192;

/// What was guessed, and how sure that is.
#[derive(Debug, Clone, Serialize)]
pub struct Guess {
    /// A role, or what was decided of a column.
    pub what: &'static str,
    /// The field.
    pub value: String,
    /// `certain` (proven by the file), `likely` (by names), `a guess`.
    pub sure: &'static str,
    /// Why.
    pub why: String,
}

/// What a proposal does with the rows of its file.
#[derive(Debug, Clone, Serialize)]
pub struct Account {
    /// Rows that it takes.
    pub taken: usize,
    /// Rows that it refuses, by reason, with the first of each.
    pub refused: Vec<RejectKind>,
    /// Rows that another row of the same key replaces.
    pub replaced: usize,
    /// What was guessed.
    pub guesses: Vec<Guess>,
}

pub(super) fn of(
    file: &Path,
    schema: &Schema,
    study: &Study<'_>,
    key: Option<&Role>,
    guesses: Vec<Guess>,
) -> anyhow::Result<Account> {
    let mut reader = FileReader::open(file, schema, Purpose::Listing)?;
    let (mut taken, mut counts) = (0, RejectCounts::default());
    while let Some(read) = reader.next_batch(BATCH_ROWS)? {
        taken += read.batch.num_rows();
        read.rejects.iter().for_each(|reject| counts.add(reject));
    }
    let replaced = key.map_or(0, |key| {
        let column = study.columns[key.column].column;
        column.filled() - column.levels()
    });
    Ok(Account {
        taken,
        refused: counts.finish(),
        replaced,
        guesses,
    })
}

impl fmt::Display for Account {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: usize = self.refused.iter().map(|kind| kind.rows).sum();
        writeln!(
            to,
            "This schema takes {} rows of the file, refuses {rows}, and {} would replace another.",
            self.taken, self.replaced
        )?;
        for kind in &self.refused {
            writeln!(to, "Refused: {kind}")?;
        }
        for Guess {
            what,
            value,
            sure,
            why,
        } in &self.guesses
        {
            writeln!(to, "{what}: {value} ({sure}: {why})")?;
        }
        Ok(())
    }
}
