//! `schema infer`: proposes a schema from a file, to be read and edited.

pub(crate) mod account;
mod calendars;
mod cell_marks;
mod cell_words;
mod column;
mod dates;
mod hemispheres;
mod leak;
mod name_words;
mod number_evidence;
mod number_marks;
mod number_parts;
mod numbers;
pub(crate) mod options;
mod patterns;
pub(crate) mod proposal;
mod roles;
mod study;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{bail, ensure};
use records::file::Texts;

use self::column::Column;
use self::options::InferOptions;
use self::proposal::seen::{Ragged, Seen};
use self::proposal::{Proposal, propose};
use self::study::Study;

/// Rows looked at: enough to meet what is rare.
const MOST_ROWS: usize = 200_000;

/// A schema for a file.
///
/// # Errors
/// When the file cannot be read, has no header, no such column, or a target that is not a number for a reason
/// that is named.
pub fn infer(options: &InferOptions) -> anyhow::Result<Proposal> {
    let shown = options.file.display().to_string();
    let mut texts = Texts::open(&options.file, &options.columns)?;
    let mut columns = named(&texts.headers);
    let (mut rows, mut ragged) = (0, Ragged::default());
    while rows + ragged.rows < MOST_ROWS
        && let Some((line, cells)) = texts.next_row()?
    {
        if cells.len() != columns.len() {
            ragged.rows += 1;
            ragged.cells = cells.len();
            ragged.first.get_or_insert_with(|| {
                format!(
                    "line {line}: expected {} cells, as in the header, found {}",
                    columns.len(),
                    cells.len()
                )
            });
            continue;
        }
        // The header again, where files were joined: the reader passes over it too.
        if texts.has_header
            && cells
                .iter()
                .zip(&texts.headers)
                .all(|(cell, name)| cell.trim().eq_ignore_ascii_case(name))
        {
            continue;
        }
        for (column, cell) in columns.iter_mut().zip(&cells) {
            column.add(cell, line);
        }
        rows += 1;
    }
    if let Some(first) = ragged.first.as_ref().filter(|_| ragged.rows > rows) {
        bail!(
            "{shown}, {first}; so {} of {} rows: {}",
            ragged.rows,
            ragged.rows + rows,
            advice(columns.len(), ragged.cells)
        );
    }
    ensure!(rows > 0, "{shown} has a header, but no records");
    if let [column] = &columns[..]
        && texts.separator.is_some()
        && !column.is_of_values()
    {
        bail!(
            "{shown}: expected cells separated by , ; | ^ ~ : a tab or spaces, found one cell in the header, {:?}: \
             write the file with one of them",
            column.header
        );
    }
    find_marks(&mut columns);
    if texts.has_header && texts.separator.is_some() {
        has_header(&shown, &columns)?;
    }
    let study = Study::new(options, &columns, rows, texts.separator);
    let seen = Seen {
        shown: &shown,
        name: &stem(&options.file),
        notes: &texts.notes,
        ragged: &ragged,
        study: &study,
        headers: if texts.has_header {
            &[]
        } else {
            &options.columns
        },
    };
    propose(&seen, options)
}

/// Decides which texts stand for no value: in the whole file, or in one column alone where another has the text
/// for a name, such as "none" of a garage.
fn find_marks(columns: &mut [Column]) {
    let weak = |column: &Column| column.weak_marks().map(str::to_owned).collect();
    let own: Vec<BTreeSet<String>> = columns.iter().map(weak).collect();
    let is_name = |text: &String| {
        let mut others = columns.iter().zip(&own);
        others.any(|(column, own)| column.has(text) && !own.contains(text))
    };
    let all = own.iter().flatten();
    let of_file: BTreeSet<String> = all.filter(|text| !is_name(text)).cloned().collect();
    for (column, own) in columns.iter_mut().zip(own) {
        column.lacks(&of_file, own);
    }
}

/// What to do about records with another number of cells than the header.
fn advice(header: usize, found: usize) -> &'static str {
    if found == 1 {
        "write the header and the records with one separator"
    } else if found < header {
        "if the first record is in the header's line, break it there"
    } else if found == header + 1 {
        "give the column that the header lacks a name, or quote the cells that hold a separator"
    } else {
        "quote the cells that hold a separator"
    }
}

/// Columns with a name of their own each.
fn named(headers: &[String]) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for (position, header) in headers.iter().enumerate() {
        let mut column = Column::new(header.trim(), position);
        // A column of row numbers without a header, beside one that is called id.
        if position == 0
            && header.trim().is_empty()
            && headers
                .iter()
                .any(|header| header.eq_ignore_ascii_case("id"))
        {
            column.name = "row".to_owned();
        }
        let base = column.name.clone();
        let mut number = 1;
        while columns.iter().any(|other| other.name == column.name) {
            number += 1;
            column.name = format!("{base}_{number}");
        }
        columns.push(column);
    }
    columns
}

/// Refuses a file whose first line is a record: each column of values has a value for a header.
fn has_header(shown: &str, columns: &[Column]) -> anyhow::Result<()> {
    let valued: Vec<&Column> = columns
        .iter()
        .filter(|column| column.is_of_values())
        .collect();
    let heads = valued
        .iter()
        .filter(|column| column::is_value(&column.header))
        .count();
    if valued.is_empty() || heads < valued.len() {
        return Ok(());
    }
    let found = match columns
        .iter()
        .all(|column| column.header.parse::<f64>().is_ok())
    {
        true => "only numbers",
        false => "what looks like a record",
    };
    let headers: Vec<&str> = columns
        .iter()
        .map(|column| column.header.as_str())
        .collect();
    bail!(
        "{shown}, line 1: expected a header, found {found} ({}); put a line with the columns' names above, or \
         give them: --columns NAME,NAME,...",
        headers.join(", ")
    )
}

fn stem(file: &Path) -> String {
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("records");
    let stem = name.split('.').find(|part| !part.is_empty());
    stem.unwrap_or("records").to_owned()
}
