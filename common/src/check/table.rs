//! The table that a schema describes, beside the one that is there.

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
pub(super) struct There {
    pub columns: Vec<ColumnThere>,
    /// Whether two rows of one key are refused, which replacing a row rests on.
    pub has_unique_key: bool,
    pub may_be_read: bool,
}

/// A column as the database has it.
#[derive(Debug)]
pub(super) struct ColumnThere {
    pub name: String,
    /// As `format_type` writes it.
    pub sql_type: String,
    pub is_not_null: bool,
    /// Whether a row that leaves it out has a value all the same.
    pub has_default: bool,
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
                format!("not there yet: made for the schema {schema} at the start"),
            ),
            false => Finding::failed(
                self.check_name(),
                format!("there is no table {name}, which the schema {schema} names"),
                "start data-loader, which makes and fills it, or name another database",
            ),
        }
    }

    /// Judges the table that is there.
    pub(super) fn judge(&self, there: &There) -> Finding {
        let (name, schema) = (&self.name, &self.schema);
        if !there.may_be_read {
            return Finding::failed(
                self.check_name(),
                "this user may not read it",
                format!("GRANT SELECT ON {name} TO the user of database.url"),
            );
        }
        let differences = self.differences(there);
        let worst = match differences.iter().any(|own| own.is_failure) {
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
                "its {} columns are those of the schema {schema}",
                self.columns.len()
            ),
            _ => format!(
                "not as the schema {schema} says: {}",
                join(|own| &own.found, "; ")
            ),
        };
        let mend = (worst != Outcome::Passed).then(|| {
            format!(
                "{} -- or name another table in the schema (table = ...)",
                join(|own| &own.mend, " ")
            )
        });
        Finding {
            outcome: worst,
            mend,
            ..Finding::passed(self.check_name(), found)
        }
    }

    fn differences(&self, there: &There) -> Vec<Difference> {
        let table = &self.name;
        let mut all = Vec::new();
        for own in &self.columns {
            let Column { name, sql_type, .. } = own;
            let wanted = written(sql_type);
            let Some(found) = there.columns.iter().find(|found| found.name == *name) else {
                let rule = match own.is_nullable {
                    true => "",
                    // A table with rows takes no other.
                    false => " NOT NULL DEFAULT ...",
                };
                all.push(Difference {
                    is_failure: true,
                    found: format!("the column {name} ({wanted}) is missing"),
                    mend: format!("ALTER TABLE {table} ADD COLUMN {name} {wanted}{rule};"),
                });
                continue;
            };
            if !is_same(wanted, &found.sql_type) {
                all.push(Difference {
                    // Rows are copied in as their types' own bytes, but read as text.
                    is_failure: self.is_written,
                    found: format!("{name} is {}, expected {wanted}", found.sql_type),
                    mend: format!(
                        "ALTER TABLE {table} ALTER COLUMN {name} TYPE {wanted} USING {name}::{wanted};"
                    ),
                });
            }
            if self.is_written && own.is_nullable && found.is_not_null && !found.has_default {
                all.push(Difference {
                    is_failure: false,
                    found: format!("{name} is NOT NULL, but records may lack it: they are refused"),
                    mend: format!("ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL;"),
                });
            }
        }
        if !self.is_written {
            return all;
        }
        for found in &there.columns {
            let is_known = self.columns.iter().any(|own| own.name == found.name);
            if !is_known && found.is_not_null && !found.has_default {
                let name = &found.name;
                all.push(Difference {
                    is_failure: true,
                    found: format!("{name} is NOT NULL, but the schema has no such field"),
                    mend: format!("ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL;"),
                });
            }
        }
        let key = &self.key;
        let has_key_column = there.columns.iter().any(|found| found.name == *key);
        if has_key_column && !there.has_unique_key {
            all.push(Difference {
                is_failure: true,
                found: format!("{key} is no primary key, so that rows would be doubled"),
                mend: format!("ALTER TABLE {table} ADD PRIMARY KEY ({key});"),
            });
        }
        all
    }
}

/// In what a table is not as the schema says.
struct Difference {
    /// Whether rows cannot be written, or read, because of it.
    is_failure: bool,
    found: String,
    /// The SQL that mends it.
    mend: String,
}

/// A type's name as `format_type` writes it.
fn written(sql_type: &str) -> &str {
    match sql_type {
        "timestamptz" => "timestamp with time zone",
        other => other,
    }
}

/// Whether one is as good as the other: texts of all kinds have the same bytes on the wire.
fn is_same(wanted: &str, found: &str) -> bool {
    wanted == found || (wanted == "text" && found.starts_with("character varying"))
}

/// A table that a program makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    pub name: String,
    /// Whether it has an index beside its key: PostgreSQL lets only the owner make one, and asks that even
    /// where it is there already.
    pub is_owned: bool,
}

/// The tables that SQL makes, each once.
pub(super) fn made_by(ddl: &str) -> Vec<Made> {
    let mut made: Vec<Made> = Vec::new();
    for line in ddl.lines() {
        let rest = line.strip_prefix("CREATE TABLE IF NOT EXISTS ");
        if let Some(name) = rest.and_then(|rest| rest.split([' ', '(']).next())
            && !made.iter().any(|own| own.name == name)
        {
            made.push(Made {
                name: name.to_owned(),
                is_owned: false,
            });
        }
        let rest = line.strip_prefix("CREATE INDEX IF NOT EXISTS ");
        let on = rest.and_then(|rest| rest.split_once(" ON "));
        if let Some(name) = on.and_then(|(_, on)| on.split([' ', '(']).next()) {
            for own in made.iter_mut().filter(|own| own.name == name) {
                own.is_owned = true;
            }
        }
    }
    made
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

    fn there() -> There {
        let column = |name: &str, sql_type: &str, is_not_null, has_default| ColumnThere {
            name: name.to_owned(),
            sql_type: sql_type.to_owned(),
            is_not_null,
            has_default,
        };
        There {
            columns: vec![
                column("id", "character varying(40)", true, false),
                column("listed_at", "timestamp with time zone", true, false),
                column("floor", "bigint", false, false),
                column("stored_at", "timestamp with time zone", true, true),
            ],
            has_unique_key: true,
            may_be_read: true,
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
        let judged = |change: fn(&mut There)| {
            let mut there = there();
            change(&mut there);
            table(true).judge(&there)
        };
        type Case = (fn(&mut There), Outcome, &'static str, &'static str);
        let cases: [Case; 6] = [
            (
                |own| drop(own.columns.remove(2)),
                Outcome::Failed,
                "the column floor (bigint) is missing",
                "ALTER TABLE homes ADD COLUMN floor bigint;",
            ),
            (
                |own| drop(own.columns.remove(1)),
                Outcome::Failed,
                "the column listed_at (timestamp with time zone) is missing",
                "NOT NULL DEFAULT",
            ),
            (
                |own| own.columns[2].sql_type = "integer".to_owned(),
                Outcome::Failed,
                "floor is integer, expected bigint",
                "ALTER TABLE homes ALTER COLUMN floor TYPE bigint",
            ),
            (
                |own| own.columns[2].is_not_null = true,
                Outcome::Warning,
                "floor is NOT NULL",
                "ALTER COLUMN floor DROP NOT NULL",
            ),
            (
                |own| own.columns[3].has_default = false,
                Outcome::Failed,
                "stored_at is NOT NULL, but the schema has no such field",
                "ALTER COLUMN stored_at DROP NOT NULL",
            ),
            (
                |own| own.has_unique_key = false,
                Outcome::Failed,
                "id is no primary key",
                "ADD PRIMARY KEY (id)",
            ),
        ];
        for (change, outcome, found, mend) in cases {
            let judged = judged(change);
            assert_eq!(judged.outcome, outcome, "{judged:?}");
            assert!(judged.found.contains(found), "{judged:?}");
            assert!(
                judged.mend.as_ref().is_some_and(|own| own.contains(mend)),
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
    fn the_tables_of_a_ddl_are_named_once_and_those_with_an_index_are_owned() {
        let ddl = [
            ledger::offsets::DDL,
            ledger::rejects::DDL,
            "CREATE INDEX IF NOT EXISTS rejects_code ON rejects (code);\n",
            ledger::offsets::DDL,
        ]
        .concat();
        let made = |name: &str, is_owned| Made {
            name: name.to_owned(),
            is_owned,
        };
        assert_eq!(
            made_by(&ddl),
            [made("offsets", false), made("rejects", true)]
        );
        assert_eq!(made_by(""), []);
    }
}
