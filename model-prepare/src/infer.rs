//! `schema infer`: proposes a schema from a CSV, to be read and edited.

mod column;
mod proposal;

use std::path::Path;

use anyhow::{Context, bail, ensure};
use records::file::{Mistaken, recognise};

use self::column::Column;
use self::proposal::Seen;

/// Rows looked at: enough to meet what is rare.
const MOST_ROWS: usize = 200_000;
/// Separators that a header may use; the one that occurs most is taken.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Rows that are left out: how many, and what is wrong with the first.
#[derive(Debug, Default)]
struct Ragged {
    rows: usize,
    first: Option<String>,
}

/// The text of a schema file for `file`, in which `target` is to be predicted.
///
/// # Errors
/// When the file is no CSV in UTF-8 (with the line), has no such column, or two of one name.
pub fn infer(file: &Path, target: &str) -> anyhow::Result<String> {
    let shown = file.display();
    let text = read(file)?;
    // A blank first line is no header: the parser passes over it too.
    let head = text.lines().find(|line| !line.trim().is_empty());
    let Some(head) = head else {
        bail!("{shown} is empty; expected a header line and records");
    };
    let count = |separator: &u8| head.bytes().filter(|byte| byte == separator).count();
    let separator = SEPARATORS.into_iter().rev().max_by_key(count);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator.unwrap_or(b','))
        .flexible(true)
        .from_reader(text.as_bytes());
    let headers = reader.headers()?.clone();
    let mut columns: Vec<Column> = headers
        .iter()
        .enumerate()
        .map(|(position, header)| Column::new(header.trim(), position))
        .collect();
    // A column of row numbers without a header, beside one that is called id.
    if columns.iter().skip(1).any(|column| column.name == "id")
        && let Some(first) = columns.first_mut().filter(|first| first.header.is_empty())
    {
        first.name = "row".to_owned();
    }
    apart(&shown.to_string(), &columns)?;
    let (mut rows, mut ragged) = (0, Ragged::default());
    for record in reader.records().take(MOST_ROWS) {
        let record = record.with_context(|| format!("{shown} is not a CSV"))?;
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != columns.len() {
            ragged.rows += 1;
            ragged.first.get_or_insert_with(|| {
                format!(
                    "line {line}: expected {} cells, as in the header, found {}",
                    columns.len(),
                    record.len()
                )
            });
            continue;
        }
        for (column, cell) in columns.iter_mut().zip(&record) {
            column.add(cell, line);
        }
        rows += 1;
    }
    if let Some(first) = ragged.first.as_ref().filter(|_| ragged.rows > rows) {
        bail!(
            "{shown}, {first}; so {} of {} rows: quote the cells that hold a separator",
            ragged.rows,
            ragged.rows + rows
        );
    }
    ensure!(rows > 0, "{shown} has a header, but no records");
    Seen {
        shown: &shown.to_string(),
        name: &stem(file),
        rows,
        ragged: &ragged,
        columns: &columns,
    }
    .schema(target)
}

/// The file's text, without the mark that it may begin with.
fn read(file: &Path) -> anyhow::Result<String> {
    let shown = file.display();
    ensure!(
        !file.is_dir(),
        "{shown} is a directory; expected a CSV: give one in it"
    );
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {shown}"))?;
    let head = bytes.split(|byte| *byte == b'\n').next();
    if let Some(Mistaken { found, advice }) = head.and_then(recognise) {
        bail!("{shown}: expected delimited text in UTF-8, found {found}: {advice}");
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let (bytes, at) = (error.as_bytes(), error.utf8_error().valid_up_to());
        let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        let begin = bytes[..at].iter().rposition(|byte| *byte == b'\n');
        anyhow::anyhow!(
            "{shown}, line {line}: expected UTF-8 text, found byte {:#04X} at place {}; save the \
             file as UTF-8 (it may be Latin-1 or Windows-1252)",
            bytes.get(at).copied().unwrap_or_default(),
            at - begin.map_or(0, |begin| begin + 1) + 1
        )
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(text) => text.to_owned(),
        None => text,
    })
}

/// Two columns of one name could not be read by the schema that is proposed.
fn apart(shown: &str, columns: &[Column]) -> anyhow::Result<()> {
    for (position, column) in columns.iter().enumerate() {
        let before = columns[..position]
            .iter()
            .position(|other| other.name == column.name);
        if let Some(before) = before {
            bail!(
                "{shown}, line 1: columns {} ({:?}) and {} ({:?}) would both be the field {:?}; \
                 rename or remove one",
                before + 1,
                columns[before].header,
                position + 1,
                column.header,
                column.name
            );
        }
    }
    Ok(())
}

fn stem(file: &Path) -> String {
    let stem = file.file_stem().and_then(|stem| stem.to_str());
    stem.unwrap_or("records").to_owned()
}
