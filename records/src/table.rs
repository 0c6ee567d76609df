//! The database table that a schema describes.

use crate::identifier::{index_name, literal, quoted};
use crate::schema::{DELISTED_AT, Kind, Purpose, Schema};

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
    let table = quoted(&schema.table);
    let mut sql = format!("CREATE TABLE IF NOT EXISTS {table} (\n");
    let mut line = |line: &str| {
        sql.push_str(line);
        sql.push('\n');
    };
    for column in columns(schema) {
        let Column { name, sql_type, .. } = column;
        let constraint = match column.is_nullable {
            _ if name == schema.key => " PRIMARY KEY",
            true => "",
            false => " NOT NULL",
        };
        line(&format!("    {} {sql_type}{constraint},", quoted(name)));
    }
    if schema.marks_delisted() {
        line(&format!("    {DELISTED_AT} timestamptz,"));
    }
    line("    stored_at timestamptz NOT NULL DEFAULT now()\n);");
    if let Some(time) = &schema.time {
        let (index, time) = (index_name(&schema.table, time), quoted(time));
        let index = quoted(&index);
        line(&format!(
            "CREATE INDEX IF NOT EXISTS {index} ON {table} ({time});"
        ));
    }
    sql
}

/// SQL that gives a table that is there already the column of delisted listings, where the schema marks
/// them; a table that has it is not locked.
pub fn upgrade(schema: &Schema) -> String {
    if !schema.marks_delisted() {
        return String::new();
    }
    let table = quoted(&schema.table);
    format!(
        "DO $$ BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = {}::regclass AND attname = '{DELISTED_AT}'
        AND NOT attisdropped
    ) THEN
        ALTER TABLE {table} ADD COLUMN {DELISTED_AT} timestamptz;
    END IF;
END $$;
",
        literal(&table)
    )
}

/// The columns a decoded batch fills, separated by commas, for `COPY` and `INSERT`.
pub fn column_list(schema: &Schema) -> String {
    let names = columns(schema).map(|column| quoted(column.name));
    names.collect::<Vec<_>>().join(", ")
}

/// `SET` clause that replaces a row by the one of `source` that came later. A listing that comes again is
/// no longer delisted.
pub fn update_list(schema: &Schema, source: &str) -> String {
    let replaced = columns(schema).map(|column| column.name);
    let mut all: Vec<String> = replaced
        .filter(|name| *name != schema.key)
        .map(|name| format!("{0} = {source}.{0}", quoted(name)))
        .collect();
    if schema.marks_delisted() {
        all.push(format!("{DELISTED_AT} = NULL"));
    }
    if all.is_empty() {
        // A record may be its key alone.
        all.push(format!("{0} = {source}.{0}", quoted(&schema.key)));
    }
    all.join(", ")
}

/// Select list under which a `COPY … TO STDOUT (FORMAT csv, HEADER)` of the table reads back through
/// [`crate::file::Delimited`] by [`Schema::of_table`]: times as microseconds, which need no session time zone.
pub fn export_list(schema: &Schema) -> String {
    schema
        .columns(Purpose::Listing)
        .map(|field| {
            let name = quoted(&field.name);
            match field.kind {
                Kind::Timestamp => {
                    format!("(extract(epoch FROM {name}) * 1000000)::bigint AS {name}")
                }
                _ => name.into_owned(),
            }
        })
        .collect::<Vec<_>>()
        .join(", ")
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

    #[test]
    fn key_words_are_quoted_and_delisted_listings_are_marked() {
        let text = "name='x'\nversion=1\ntask='regression'\ntable='order'\nkey='user'\n\
            time='when'\ntarget='limit'\n[delisting]\ntombstone='mark'\n\
            [[field]]\nname='user'\nkind='text'\n[[field]]\nname='when'\nkind='timestamp'\n\
            [[field]]\nname='limit'\nkind='number'\n";
        let schema = Schema::parse(text, "x").expect("valid");
        assert_eq!(
            ddl(&schema),
            "CREATE TABLE IF NOT EXISTS \"order\" (\n    \"user\" text PRIMARY KEY,\n    \
             \"when\" timestamptz NOT NULL,\n    \"limit\" double precision NOT NULL,\n    \
             delisted_at timestamptz,\n    stored_at timestamptz NOT NULL DEFAULT now()\n);\n\
             CREATE INDEX IF NOT EXISTS order_when ON \"order\" (\"when\");\n"
        );
        assert!(upgrade(&schema).contains("'\"order\"'::regclass"));
        assert_eq!(upgrade(&Schema::real_estate()), "");
        assert_eq!(
            update_list(&schema, "excluded"),
            "\"when\" = excluded.\"when\", \"limit\" = excluded.\"limit\", delisted_at = NULL"
        );
        assert!(export_list(&schema).contains("epoch FROM \"when\""));
    }
}
