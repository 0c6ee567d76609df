//! The database table that a schema describes.

use std::fmt::Write;

use crate::schema::{Kind, Purpose, Schema};

/// A column of the schema's table that records fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column<'a> {
    /// Its name.
    pub name: &'a str,
    /// PostgreSQL's type of it.
    pub sql_type: &'static str,
    /// Whether rows may lack it.
    pub is_nullable: bool,
}

/// The columns of the schema's table that records fill.
pub fn columns(schema: &Schema) -> impl Iterator<Item = Column<'_>> {
    schema.columns(Purpose::Listing).map(|field| Column {
        name: &field.name,
        sql_type: field.kind.sql_type(),
        is_nullable: schema.is_nullable(field),
    })
}

/// SQL that makes the schema's table and its index, where they are not there yet.
pub fn ddl(schema: &Schema) -> String {
    let table = &schema.table;
    let mut sql = format!("CREATE TABLE IF NOT EXISTS {table} (\n");
    for column in columns(schema) {
        let Column { name, sql_type, .. } = column;
        let constraint = match column.is_nullable {
            _ if name == schema.key => " PRIMARY KEY",
            true => "",
            false => " NOT NULL",
        };
        writeln!(sql, "    {name} {sql_type}{constraint},")
            .expect("writing to a String cannot fail");
    }
    sql.push_str("    stored_at timestamptz NOT NULL DEFAULT now()\n);\n");
    if let Some(time) = &schema.time {
        writeln!(
            sql,
            "CREATE INDEX IF NOT EXISTS {table}_{time} ON {table} ({time});"
        )
        .expect("writing to a String cannot fail");
    }
    sql
}

/// The columns a decoded batch fills, separated by commas, for `COPY` and `INSERT`.
pub fn column_list(schema: &Schema) -> String {
    names(schema).join(", ")
}

/// `SET` clause that replaces a row by the one that came later.
pub fn update_list(schema: &Schema) -> String {
    names(schema)
        .into_iter()
        .filter(|name| *name != schema.key)
        .map(|name| format!("{name} = excluded.{name}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Select list under which a `COPY … TO STDOUT (FORMAT csv, HEADER)` of the table reads back through
/// [`crate::file::Delimited`]: times as microseconds, which need no session time zone.
pub fn export_list(schema: &Schema) -> String {
    schema
        .columns(Purpose::Listing)
        .map(|field| match field.kind {
            Kind::Timestamp => format!(
                "(extract(epoch FROM {0}) * 1000000)::bigint AS {0}",
                field.name
            ),
            _ => field.name.clone(),
        })
        .collect::<Vec<_>>()
        .join(", ")
}

fn names(schema: &Schema) -> Vec<&str> {
    schema
        .columns(Purpose::Listing)
        .map(|field| field.name.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_follows_the_schema() {
        let sql = ddl(&Schema::real_estate());
        assert!(
            sql.starts_with("CREATE TABLE IF NOT EXISTS listings (\n    id text PRIMARY KEY,\n")
        );
        assert!(sql.contains("    listed_at timestamptz NOT NULL,\n"));
        assert!(sql.contains("    area double precision,\n"));
        assert!(sql.contains("    price double precision NOT NULL,\n"));
        assert!(sql.ends_with("ON listings (listed_at);\n"));
    }
}
