//! Where rows come from or go to.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Endings of files that are neither: `schema.table` with such a name is taken for a slip.
const OTHER_FILES: [&str; 9] = [
    ".json", ".jsonl", ".txt", ".xls", ".xlsx", ".gz", ".zip", ".arrow", ".avro",
];

/// A file, or a table of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// By its name's ending: `.csv`, `.tsv` (only read) or `.parquet`.
    File(PathBuf),
    /// A table, or `schema.table`.
    Table(String),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Place, String> {
        let lower = text.to_ascii_lowercase();
        let is_file = [".csv", ".tsv", ".parquet"]
            .iter()
            .any(|ending| lower.ends_with(ending));
        if is_file {
            return Ok(Place::File(text.into()));
        }
        let is_word = |part: &str| {
            part.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
                && part
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        let parts: Vec<&str> = text.split('.').collect();
        let is_other = OTHER_FILES.iter().any(|ending| lower.ends_with(ending));
        if !is_other && parts.len() <= 2 && parts.iter().all(|part| is_word(part)) {
            return Ok(Place::Table(text.to_owned()));
        }
        Err(format!(
            "expected a file ending in .csv or .parquet, or a table name of lower-case letters, \
             digits and _, found {text}"
        ))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path) => write!(out, "{}", path.display()),
            Place::Table(table) => write!(out, "the table {table}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_tables_are_told_apart() {
        assert_eq!("a/b.CSV".parse(), Ok(Place::File("a/b.CSV".into())));
        assert_eq!("listings".parse(), Ok(Place::Table("listings".into())));
        assert_eq!("mart.x_1".parse(), Ok(Place::Table("mart.x_1".into())));
        for wrong in ["", "a b", "a;drop", "A", "1a", "a.b.c", "x.json", "a\"b"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
