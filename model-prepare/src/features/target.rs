//! Where a datamart is to be.

use std::path::PathBuf;

use anyhow::bail;
use records::Schema;

/// Longest name of a table: PostgreSQL takes 63 bytes, and the new one has an ending while it is made.
const MOST_BYTES: usize = 58;
/// The ending of a table that is being made.
pub(super) const NEW: &str = "__new";

/// A file, or a table of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// Ends in `.parquet`.
    File(PathBuf),
    /// A table's name that needs no quotes but where it is a word of SQL.
    Table(String),
}

impl Target {
    /// # Errors
    /// When the name is neither, or that of the records' own table.
    pub(super) fn parse(name: &str, schema: &Schema) -> anyhow::Result<Target> {
        if name.to_ascii_lowercase().ends_with(".parquet") {
            return Ok(Target::File(name.into()));
        }
        let starts_well =
            name.starts_with(|letter: char| letter.is_ascii_lowercase() || letter == '_');
        let is_plain =
            |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        if !starts_well || !name.chars().all(is_plain) || name.len() > MOST_BYTES {
            bail!(
                "expected a file ending in .parquet, or a table's name of at most {MOST_BYTES} small \
                 letters, digits and _ that does not begin with a digit, found {name:?}"
            );
        }
        if name == schema.table {
            bail!(
                "expected a table of its own for the features, found {name}, which is that of the \
                 records: give another name"
            );
        }
        Ok(Target::Table(name.to_owned()))
    }
}

/// A name as SQL takes it, be it a word of SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_tables_are_told_apart() {
        let schema = Schema::real_estate();
        let parse = |name: &str| Target::parse(name, &schema);
        assert_eq!(
            parse("a/B.Parquet").expect("a file"),
            Target::File("a/B.Parquet".into())
        );
        assert_eq!(
            parse("order").expect("a table"),
            Target::Table("order".into())
        );
        let long = "x".repeat(59);
        for wrong in [
            "", "x.csv", "a b", "a;drop", "A", "1a", "ä", "a\"b", &long, "listings",
        ] {
            let error = parse(wrong).expect_err(wrong).to_string();
            assert!(
                error.contains("expected")
                    && (error.contains(wrong) || error.contains(&format!("{wrong:?}"))),
                "{error}"
            );
        }
    }
}
