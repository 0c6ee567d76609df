//! The tables that the services' own SQL makes.

use super::table::{Column, Table};
use crate::database::tables::{name, names};

/// The tables that SQL makes, each once, as they are written there.
pub(super) fn made_by(ddl: &str) -> Vec<String> {
    let mut made: Vec<String> = Vec::new();
    for name in names(ddl, "CREATE TABLE IF NOT EXISTS ") {
        if !made.contains(&name) {
            made.push(name);
        }
    }
    made
}

/// The table that a DDL makes, with one column per line.
pub(super) fn of_ddl(ddl: &str) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for line in ddl.lines() {
        if let Some(rest) = line.strip_prefix("CREATE TABLE IF NOT EXISTS ") {
            tables.push(Table {
                name: name(rest).unwrap_or_default(),
                schema: "of the services".to_owned(),
                // Not compared: it has several columns.
                key: String::new(),
                columns: Vec::new(),
                is_written: true,
            });
        } else if let Some(rest) = line.strip_prefix("    ")
            && !rest.starts_with("PRIMARY KEY")
            && let Some((column, rest)) = rest.trim_end_matches(',').split_once(' ')
            && let Some(table) = tables.last_mut()
        {
            let ends = [" NOT NULL", " DEFAULT", " PRIMARY KEY"];
            let end = ends.iter().filter_map(|word| rest.find(word)).min();
            table.columns.push(Column {
                name: column.trim_matches('"').to_owned(),
                sql_type: rest[..end.unwrap_or(rest.len())].to_owned(),
                is_nullable: !rest.contains("NOT NULL") && !rest.contains("PRIMARY KEY"),
            });
        }
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_of_a_ddl_are_named_once_with_their_columns() {
        let ddl = [
            ledger::offsets::DDL,
            ledger::rejects::DDL,
            ledger::offsets::DDL,
        ]
        .concat();
        assert_eq!(made_by(&ddl), ["topic_ids", "offsets", "rejects"]);
        assert_eq!(made_by(""), [""; 0]);
        let tables = of_ddl(ledger::rejects::DDL);
        assert_eq!(tables.len(), 1);
        let columns = &tables[0].columns;
        let offset = columns.iter().find(|column| column.name == "offset");
        assert!(offset.is_some_and(|column| column.sql_type == "bigint" && !column.is_nullable));
        let rejected_at = columns.iter().find(|column| column.name == "rejected_at");
        assert!(rejected_at.is_some_and(|column| column.sql_type == "timestamptz"));
        assert_eq!(columns.last().map(|column| column.is_nullable), Some(true));
    }
}
