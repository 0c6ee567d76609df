//! Spreadsheets: the first sheet with a table, as delimited text in memory.

use std::path::Path;

use calamine::{Data, Reader, open_workbook_auto};

use super::error::FileError;
use super::number_text::number_text;
use crate::timestamp;

/// Days between 1899-12-30 and 1970, and the seconds of a day.
const DAYS: f64 = 25_569.0;
const DAY_SECONDS: f64 = 86_400.0;

/// The first sheet that has a table, as a CSV; and what people should know of it.
///
/// # Errors
/// When the file is not a spreadsheet, or has no table.
pub(super) fn read(path: &Path) -> Result<(Vec<u8>, Vec<String>), FileError> {
    let invalid = |error: calamine::Error| FileError::Format {
        path: path.to_owned(),
        format: "a valid spreadsheet",
        detail: error.to_string(),
    };
    let mut book = open_workbook_auto(path).map_err(invalid)?;
    let names = book.sheet_names();
    for name in &names {
        let range = book.worksheet_range(name).map_err(invalid)?;
        let rows: Vec<&[Data]> = range.rows().collect();
        // Titles above a table have one cell.
        let is_filled =
            |row: &&&[Data]| row.iter().filter(|cell| **cell != Data::Empty).count() > 1;
        let Some(first) = rows.iter().position(|row| is_filled(&row)) else {
            continue;
        };
        let mut text = String::new();
        for row in rows.iter().skip(first) {
            if row.iter().all(|cell| *cell == Data::Empty) {
                continue;
            }
            let cells = row.iter().map(|cell| quoted(&written(cell)));
            text.push_str(&cells.collect::<Vec<_>>().join(","));
            text.push('\n');
        }
        let mut notes = Vec::new();
        if names.len() > 1 {
            notes.push(format!("reading the sheet {name:?} of {}", names.len()));
        }
        return Ok((text.into_bytes(), notes));
    }
    Err(FileError::Empty {
        path: path.to_owned(),
    })
}

fn quoted(text: &str) -> String {
    match text.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

fn written(cell: &Data) -> String {
    match cell {
        Data::Empty | Data::Error(_) => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Bool(value) => value.to_string(),
        Data::Int(value) => value.to_string(),
        Data::Float(value) => number_text(*value),
        Data::DateTime(time) if time.is_datetime() => {
            let us = ((time.as_f64() - DAYS) * DAY_SECONDS).round() * 1e6;
            let text = timestamp::format(us as i64);
            match text.strip_suffix("T00:00:00.000000Z") {
                Some(date) => date.to_owned(),
                None => text,
            }
        }
        Data::DateTime(time) => number_text(time.as_f64()),
    }
}
