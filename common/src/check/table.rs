//! Compares the table that a schema describes with the existing table.

use std::collections::BTreeMap;

use super::{Finding, Outcome};

/// A table that a schema describes.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// The schema's name, for people.
    pub schema: String,
    /// The column by which a later row replaces one.
    pub key: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Whether the program makes the table and writes it, or only reads.
    pub is_written: bool,
}

/// A column that a schema describes.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// PostgreSQL's type of it.
    pub sql_type: String,
    /// Whether rows may lack it.
    pub is_nullable: bool,
}

/// A table as the database has it.
#[derive(Debug, Default)]
pub(super) struct ExistingTable {
    pub columns: Vec<ExistingColumn>,
    /// Quoted names, for names that are SQL key words.
    pub quoted: BTreeMap<String, String>,
    /// Whether it is partitioned: then it may have no unique index of its key alone.
    pub is_partitioned: bool,
    /// Whether a trigger may fill columns of a new row.
    pub has_insert_trigger: bool,
    /// Whether the table refuses two rows of one key. Replacing a row needs this.
    pub has_unique_key: bool,
    pub may_be_read: bool,
}

/// A column as the database has it.
#[derive(Debug)]
pub(super) struct ExistingColumn {
    pub name: String,
    /// As `format_type` writes it.
    pub sql_type: String,
    pub is_not_null: bool,
    /// Whether the column has a default.
    pub has_default: bool,
    /// Whether PostgreSQL alone gives it its value: `GENERATED ALWAYS`.
    pub is_generated: bool,
}

impl ExistingTable {
    /// A name as SQL takes it.
    fn quoted<'a>(&'a self, name: &'a str) -> &'a str {
        self.quoted.get(name).map_or(name, |quoted| quoted)
    }
}

impl Table {
    pub(super) fn check_name(&self) -> String {
        format!("table {}", self.name)
    }

    /// Judges a table that is not there.
    pub(super) fn absent(&self) -> Finding {
        let Table { name, schema, .. } = self;
        match self.is_written {
            true => Finding::passed(
                self.check_name(),
                format!("it does not exist yet; created for the schema {schema} at the start"),
            ),
            false => Finding::failed(
                self.check_name(),
                format!("the table {name} of the schema {schema} does not exist"),
                "start data-loader, which creates and fills it, or name another database",
            ),
        }
    }

    /// Judges the table that is there.
    pub(super) fn judge(&self, there: &ExistingTable) -> Finding {
        let (name, schema) = (&self.name, &self.schema);
        if !there.may_be_read {
            return Finding::failed(
                self.check_name(),
                "this user may not read it",
                format!(
                    "GRANT SELECT ON {} TO the user of database.url",
                    there.quoted(name)
                ),
            );
        }
        let differences = self.differences(there);
        let worst = match differences.iter().any(|difference| difference.is_failure) {
            true => Outcome::Failed,
            false if differences.is_empty() => Outcome::Passed,
            false => Outcome::Warning,
        };
        let join = |of: fn(&Difference) -> &str, with: &str| {
            let all: Vec<&str> = differences.iter().map(of).collect();
            all.join(with)
        };
        let found = match worst {
            Outcome::Passed => format!(
                "its {} columns match the schema {schema}",
                self.columns.len()
            ),
            _ => format!(
                "differs from the schema {schema}: {}",
                join(|difference| &difference.found, "; ")
            ),
        };
        let mend = (worst != Outcome::Passed).then(|| {
            format!(
                "{} -- or name another table in the schema (table = ...)",
                join(|difference| &difference.mend, " ")
            )
        });
        Finding {
            outcome: worst,
            mend,
            ..Finding::passed(self.check_name(), found)
        }
    }

    fn differences(&self, there: &ExistingTable) -> Vec<Difference> {
        let table = there.quoted(&self.name);
        let mut all = Vec::new();
        for expected in &self.columns {
            self.compare(expected, table, there, &mut all);
        }
        if !self.is_written {
            return all;
        }
        for found in &there.columns {
            let is_known = self.columns.iter().any(|column| column.name == found.name);
            if !is_known && found.is_not_null && !found.has_default {
                let name = there.quoted(&found.name);
                let found = match there.has_insert_trigger {
                    true => format!("{name} is NOT NULL without a default: a trigger must fill it"),
                    false => format!("{name} is NOT NULL, but the schema has no such field"),
                };
                all.push(Difference {
                    is_failure: !there.has_insert_trigger,
                    found,
                    mend: format!("ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL;"),
                });
            }
        }
        let has_key_column = there.columns.iter().any(|found| found.name == self.key);
        if has_key_column && !there.has_unique_key {
            let key = there.quoted(&self.key);
            all.push(match there.is_partitioned {
                true => Difference {
                    is_failure: false,
                    found: format!(
                        "it is partitioned without a unique index on {key} alone: loaders write it \
                         one after another, and search all partitions for existing keys"
                    ),
                    mend: format!(
                        "CREATE INDEX ON {table} ({key}), or partition it by {key} with PRIMARY KEY ({key})"
                    ),
                },
                false => Difference {
                    is_failure: true,
                    found: format!("{key} is not a primary key, so rows would be duplicated"),
                    mend: format!("ALTER TABLE {table} ADD PRIMARY KEY ({key});"),
                },
            });
        }
        all
    }

    /// Compares one column with the existing column.
    fn compare(
        &self,
        column: &Column,
        table: &str,
        there: &ExistingTable,
        all: &mut Vec<Difference>,
    ) {
        let name = there.quoted(&column.name);
        let expected = written(&column.sql_type);
        let mut columns = there.columns.iter();
        let Some(found) = columns.find(|found| found.name == column.name) else {
            let rule = match column.is_nullable {
                true => "",
                // A table with rows takes no other.
                false => " NOT NULL DEFAULT ...",
            };
            all.push(Difference {
                is_failure: true,
                found: format!("the column {name} ({expected}) is missing"),
                mend: format!("ALTER TABLE {table} ADD COLUMN {name} {expected}{rule};"),
            });
            return;
        };
        if !is_same(expected, &found.sql_type) {
            let takes_values = is_number(expected) && is_number(&found.sql_type);
            all.push(Difference {
                // Rows are copied in as their types' own bytes, or converted from number to number; they
                // are read as text.
                is_failure: self.is_written && !takes_values,
                found: match takes_values {
                    true => format!(
                        "{name} is {}, expected {expected}: values are converted, and rejected \
                         beyond its range",
                        found.sql_type
                    ),
                    false => format!("{name} is {}, expected {expected}", found.sql_type),
                },
                mend: format!(
                    "ALTER TABLE {table} ALTER COLUMN {name} TYPE {expected} USING {name}::{expected};"
                ),
            });
        }
        if self.is_written && found.is_generated {
            all.push(Difference {
                is_failure: true,
                found: format!("{name} is GENERATED ALWAYS, but records contain it"),
                mend: format!(
                    "ALTER TABLE {table} ALTER COLUMN {name} DROP EXPRESSION; \
                     (or DROP IDENTITY for an identity column)"
                ),
            });
        }
        if self.is_written && column.is_nullable && found.is_not_null && !found.has_default {
            all.push(Difference {
                is_failure: false,
                found: format!(
                    "{name} is NOT NULL, but records may lack it: such records are \
                                rejected"
                ),
                mend: format!("ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL;"),
            });
        }
    }
}

/// One difference between a table and the schema.
struct Difference {
    /// Whether rows cannot be written, or read, because of it.
    is_failure: bool,
    found: String,
    /// The SQL that fixes it.
    mend: String,
}

/// A type's name as `format_type` writes it.
fn written(sql_type: &str) -> &str {
    match sql_type {
        "timestamptz" => "timestamp with time zone",
        other => other,
    }
}

/// Whether the types are equivalent: all text types have the same bytes on the wire.
fn is_same(expected: &str, found: &str) -> bool {
    expected == found || (expected == "text" && found.starts_with("character varying"))
}

/// Whether PostgreSQL converts numbers to it when they are assigned.
fn is_number(sql_type: &str) -> bool {
    ["smallint", "integer", "bigint", "real", "double precision"].contains(&sql_type)
        || sql_type.starts_with("numeric")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(is_written: bool) -> Table {
        let column = |name: &str, sql_type: &str, is_nullable| Column {
            name: name.to_owned(),
            sql_type: sql_type.to_owned(),
            is_nullable,
        };
        Table {
            name: "homes".to_owned(),
            schema: "real-estate".to_owned(),
            key: "id".to_owned(),
            columns: vec![
                column("id", "text", false),
                column("listed_at", "timestamptz", false),
                column("floor", "bigint", true),
            ],
            is_written,
        }
    }

    fn there() -> ExistingTable {
        let column = |name: &str, sql_type: &str, is_not_null, has_default| ExistingColumn {
            name: name.to_owned(),
            sql_type: sql_type.to_owned(),
            is_not_null,
            has_default,
            is_generated: false,
        };
        ExistingTable {
            columns: vec![
                column("id", "character varying(40)", true, false),
                column("listed_at", "timestamp with time zone", true, false),
                column("floor", "bigint", false, false),
                column("stored_at", "timestamp with time zone", true, true),
            ],
            has_unique_key: true,
            may_be_read: true,
            ..ExistingTable::default()
        }
    }

    #[test]
    fn a_table_that_holds_what_the_schema_says_passes() {
        let found = table(true).judge(&there());
        assert_eq!(found.outcome, Outcome::Passed, "{found:?}");
        assert_eq!(found.mend, None);
    }

    #[test]
    fn each_difference_is_named_with_the_sql_that_mends_it() {
        let judged = |change: fn(&mut ExistingTable)| {
            let mut there = there();
            change(&mut there);
            table(true).judge(&there)
        };
        type Case = (fn(&mut ExistingTable), Outcome, &'static str, &'static str);
        let cases: [Case; 10] = [
            (
                |table| drop(table.columns.remove(2)),
                Outcome::Failed,
                "the column floor (bigint) is missing",
                "ALTER TABLE homes ADD COLUMN floor bigint;",
            ),
            (
                |table| drop(table.columns.remove(1)),
                Outcome::Failed,
                "the column listed_at (timestamp with time zone) is missing",
                "NOT NULL DEFAULT",
            ),
            (
                |table| table.columns[2].sql_type = "text".to_owned(),
                Outcome::Failed,
                "floor is text, expected bigint",
                "ALTER TABLE homes ALTER COLUMN floor TYPE bigint",
            ),
            (
                |table| table.columns[2].sql_type = "integer".to_owned(),
                Outcome::Warning,
                "floor is integer, expected bigint",
                "ALTER TABLE homes ALTER COLUMN floor TYPE bigint",
            ),
            (
                |table| table.columns[2].is_not_null = true,
                Outcome::Warning,
                "floor is NOT NULL",
                "ALTER COLUMN floor DROP NOT NULL",
            ),
            (
                |table| table.columns[3].has_default = false,
                Outcome::Failed,
                "stored_at is NOT NULL, but the schema has no such field",
                "ALTER COLUMN stored_at DROP NOT NULL",
            ),
            (
                |table| table.has_unique_key = false,
                Outcome::Failed,
                "id is not a primary key",
                "ADD PRIMARY KEY (id)",
            ),
            (
                |table| (table.has_unique_key, table.is_partitioned) = (false, true),
                Outcome::Warning,
                "partitioned without a unique index on id",
                "CREATE INDEX ON homes (id)",
            ),
            (
                |table| (table.columns[3].has_default, table.has_insert_trigger) = (false, true),
                Outcome::Warning,
                "a trigger must fill it",
                "ALTER COLUMN stored_at DROP NOT NULL",
            ),
            (
                |table| {
                    (table.columns[2].is_generated, table.columns[2].has_default) = (true, true)
                },
                Outcome::Failed,
                "floor is GENERATED ALWAYS",
                "ALTER COLUMN floor DROP EXPRESSION",
            ),
        ];
        for (change, outcome, found, mend) in cases {
            let judged = judged(change);
            assert_eq!(judged.outcome, outcome, "{judged:?}");
            assert!(judged.found.contains(found), "{judged:?}");
            assert!(
                judged
                    .mend
                    .as_ref()
                    .is_some_and(|remedy| remedy.contains(mend)),
                "{judged:?}"
            );
        }
    }

    #[test]
    fn who_only_reads_minds_less_but_needs_the_table() {
        let mut other = there();
        other.columns[2].sql_type = "integer".to_owned();
        other.has_unique_key = false;
        assert_eq!(table(false).judge(&other).outcome, Outcome::Warning);
        other.may_be_read = false;
        assert_eq!(table(false).judge(&other).outcome, Outcome::Failed);
        assert_eq!(table(false).absent().outcome, Outcome::Failed);
        assert_eq!(table(true).absent().outcome, Outcome::Passed);
    }

    #[test]
    fn a_name_that_is_a_key_word_is_quoted_in_the_sql_that_mends() {
        let mut there = there();
        there.columns.remove(2);
        there
            .quoted
            .insert("floor".to_owned(), "\"floor\"".to_owned());
        there
            .quoted
            .insert("homes".to_owned(), "\"homes\"".to_owned());
        let mend = table(true).judge(&there).mend.unwrap_or_default();
        let sql = "ALTER TABLE \"homes\" ADD COLUMN \"floor\" bigint;";
        assert!(mend.contains(sql), "{mend}");
    }
}
