//! `schema infer`: proposes a schema from a CSV, to be read and edited.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use records::timestamp;

/// Rows looked at: enough to meet what is rare.
const MOST_ROWS: usize = 200_000;
/// More levels than this are an identifier or free text.
const MOST_LEVELS: usize = 5_000;
/// Separators that a header may use; the one that occurs most is taken.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// What was seen of a column.
struct Column {
    header: String,
    name: String,
    filled: usize,
    booleans: usize,
    integers: usize,
    numbers: usize,
    times: usize,
    leading_zeros: usize,
    levels: BTreeSet<String>,
    /// The levels are too many to be kept.
    overflowed: bool,
}

impl Column {
    fn new(header: &str, position: usize) -> Column {
        Column {
            header: header.to_owned(),
            name: identifier(header, position),
            filled: 0,
            booleans: 0,
            integers: 0,
            numbers: 0,
            times: 0,
            leading_zeros: 0,
            levels: BTreeSet::new(),
            overflowed: false,
        }
    }

    fn add(&mut self, cell: &str) {
        let cell = cell.trim();
        if cell.is_empty() {
            return;
        }
        self.filled += 1;
        let lower = cell.to_ascii_lowercase();
        if matches!(lower.as_str(), "true" | "false" | "yes" | "no" | "t" | "f") {
            self.booleans += 1;
        }
        match cell.parse::<f64>() {
            Ok(number) if number.is_finite() => {
                self.numbers += 1;
                self.integers += usize::from(number.fract() == 0.0);
                let digits = cell.len() > 1 && cell.starts_with('0') && !cell.contains('.');
                self.leading_zeros += usize::from(digits);
            }
            _ => self.times += usize::from(timestamp::parse(cell).is_some()),
        }
        if !self.overflowed {
            self.levels.insert(cell.to_owned());
            // The key needs to know whether all differ: that is asked of the count alone.
            self.overflowed = self.levels.len() > MOST_ROWS;
        }
    }

    fn kind(&self) -> &'static str {
        let all = |count: usize| self.filled > 0 && count == self.filled;
        let is_code = ["zip", "postcode", "postal", "code"]
            .iter()
            .any(|part| self.name.contains(part));
        let few = self.levels.len() <= MOST_LEVELS && self.levels.len() * 2 <= self.filled.max(1);
        if all(self.booleans) {
            "boolean"
        } else if all(self.numbers) && (self.leading_zeros > 0 || is_code) && few {
            "category"
        } else if all(self.integers) {
            "integer"
        } else if all(self.numbers) {
            "number"
        } else if all(self.times) {
            "timestamp"
        } else if few {
            "category"
        } else {
            "text"
        }
    }
}

/// The text of a schema file for `file`, in which `target` is to be predicted.
///
/// # Errors
/// When the file cannot be read (with the line), has no such column, or nothing to tell rows by.
pub fn infer(file: &Path, target: &str) -> anyhow::Result<String> {
    let shown = file.display();
    let text = std::fs::read(file).with_context(|| format!("cannot read {shown}"))?;
    let text = String::from_utf8(text).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        anyhow::anyhow!("{shown}, line {line}: expected UTF-8 text; save the file as UTF-8")
    })?;
    let head = text.lines().next().unwrap_or_default();
    ensure!(
        !head.trim().is_empty(),
        "{shown} is empty; expected a header line and records"
    );
    let count = |separator: &u8| head.bytes().filter(|byte| byte == separator).count();
    let separator = SEPARATORS.into_iter().rev().max_by_key(count);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator.unwrap_or(b','))
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let headers = reader.headers()?.clone();
    let mut columns: Vec<Column> = headers
        .iter()
        .enumerate()
        .map(|(position, header)| Column::new(header.trim(), position))
        .collect();
    let mut rows = 0;
    for record in reader.records().take(MOST_ROWS) {
        // The parser's own words have the line and the lengths.
        let record = record.with_context(|| format!("{shown} is not a CSV of one shape"))?;
        for (column, cell) in columns.iter_mut().zip(&record) {
            column.add(cell);
        }
        rows += 1;
    }
    ensure!(rows > 0, "{shown} has a header, but no records");
    write(&shown.to_string(), &stem(file), target, &columns, rows)
}

fn write(
    shown: &str,
    name: &str,
    target: &str,
    columns: &[Column],
    rows: usize,
) -> anyhow::Result<String> {
    let names = columns.iter().map(|column| column.header.as_str());
    let names: Vec<&str> = names.collect();
    let Some(goal) = columns
        .iter()
        .find(|column| column.header == target || column.name == target)
    else {
        bail!(
            "{shown} has no column {target:?}; its columns are: {}; give one with --target",
            names.join(", ")
        );
    };
    let task = match goal.kind() {
        "integer" | "number" => "regression",
        _ => "classification",
    };
    ensure!(
        goal.levels.len() > 1,
        "the target {target:?} has one value only: there is nothing to learn"
    );
    let tells_apart = |column: &&Column| {
        column.filled == rows && column.levels.len() == rows && column.name != goal.name
    };
    let called = |column: &&Column| {
        ["id", "key", "uuid"].contains(&column.name.as_str())
            || column.header.is_empty()
            || column.name.ends_with("_id")
    };
    let whole = |column: &&Column| column.kind() != "number";
    let key = columns
        .iter()
        .find(|column| called(column) && column.filled == rows);
    let key = key.or_else(|| columns.iter().filter(whole).find(tells_apart));
    let Some(key) = key else {
        bail!(
            "{shown} has no column that tells its rows apart; expected one such as id, \
             with a value in every row: add a column of row numbers"
        );
    };
    let time = columns.iter().find(|column| column.kind() == "timestamp");
    let area = columns.iter().find(|column| {
        let is_area = ["area", "sqft", "square", "m2"]
            .iter()
            .any(|part| column.name.contains(part));
        is_area && column.filled == rows && matches!(column.kind(), "number" | "integer")
    });
    let mut text = format!(
        "# Proposed from {rows} rows of {name}; read it, and change what is not so.\n\
         # Units help: measures of the area's unit are also learned from as its shares.\n\
         name = {name:?}\nversion = 1\ntask = {task:?}\ntable = {:?}\nkey = {:?}\n",
        identifier(name, 0),
        key.name
    );
    // Writing to a String cannot fail.
    if let Some(time) = time {
        let _ = writeln!(text, "time = {:?}", time.name);
    }
    let _ = writeln!(text, "target = {:?}", goal.name);
    if let Some(area) = area {
        let _ = writeln!(text, "area = {:?}", area.name);
    }
    let mut seen = BTreeSet::new();
    for column in columns {
        let is_role = column.name == key.name || column.name == goal.name;
        if column.levels.len() <= 1 && !is_role {
            let why = match column.filled {
                0 => "has no value at all",
                _ => "has one value only",
            };
            let _ = writeln!(text, "\n# {:?} {why}: left out.", column.header);
            continue;
        }
        if !seen.insert(&column.name) {
            let _ = writeln!(text, "\n# {:?} stands twice: left out.", column.header);
            continue;
        }
        let kind = if column.name == key.name {
            "text"
        } else {
            column.kind()
        };
        let _ = write!(
            text,
            "\n[[field]]\nname = {:?}\nkind = {kind:?}\n",
            column.name
        );
        if column.header != column.name {
            let _ = writeln!(text, "column = {:?}", column.header);
        }
        if column.filled == rows {
            let _ = writeln!(text, "required = true");
        } else {
            let gaps = rows - column.filled;
            let _ = writeln!(text, "# {gaps} of {rows} rows have none.");
        }
        if kind == "category" {
            let _ = writeln!(text, "# {} levels.", column.levels.len());
        }
    }
    // What is proposed must be a schema.
    records::Schema::parse(&text, name)?;
    Ok(text)
}

fn stem(file: &Path) -> String {
    let stem = file.file_stem().and_then(|stem| stem.to_str());
    stem.unwrap_or("records").to_owned()
}

/// Lower-case letters, digits and underscores, starting with a letter: `fuelType` is `fuel_type`.
fn identifier(header: &str, position: usize) -> String {
    let mut name = String::new();
    let mut before = '_';
    for letter in header.chars() {
        if letter.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            name.push('_');
        }
        match letter.to_ascii_lowercase() {
            letter if letter.is_ascii_alphanumeric() => name.push(letter),
            _ if !name.ends_with('_') => name.push('_'),
            _ => {}
        }
        before = letter;
    }
    let name = name.trim_matches('_');
    let name: String = name.chars().take(60).collect();
    match name.chars().next() {
        None if position == 0 => "id".to_owned(),
        None => format!("column_{}", position + 1),
        Some(first) if first.is_ascii_digit() => format!("c_{name}"),
        Some(_) => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_become_names() {
        for (header, name) in [
            ("fuelType", "fuel_type"),
            ("Price ($)", "price"),
            ("", "id"),
            ("2nd floor", "c_2nd_floor"),
            ("total_area", "total_area"),
        ] {
            assert_eq!(identifier(header, 0), name);
        }
        assert_eq!(identifier("—", 3), "column_4");
    }
}
