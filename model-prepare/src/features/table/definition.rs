//! The SQL that makes a datamart's table.

use anyhow::ensure;
use arrow_array::RecordBatch;
use arrow_schema::DataType;
use records::Schema;
use valuation::datamart::{CONTENT_HASH, State};

use crate::features::target::quoted;

/// Columns of a table of PostgreSQL, and bytes of a row, at most (its documentation, appendix K); a
/// text that is long stands elsewhere and leaves 18 bytes.
const MOST_COLUMNS: usize = 1600;
const MOST_BYTES: usize = 8160;
const TEXT_BYTES: usize = 18;

fn sql_type(kind: &DataType) -> &'static str {
    match kind {
        DataType::Utf8 => "text",
        DataType::Float64 => "double precision",
        DataType::Int64 => "bigint",
        DataType::Boolean => "boolean",
        _ => "timestamptz",
    }
}

/// SQL that makes the table (as SQL names it) of a batch's columns.
pub(super) fn ddl(table: &str, schema: &Schema, batch: &RecordBatch) -> String {
    let columns = batch.schema();
    let columns = columns.fields().iter().map(|field| {
        let constraint = match field.is_nullable() {
            _ if *field.name() == schema.key => " PRIMARY KEY",
            true => "",
            false => " NOT NULL",
        };
        let name = quoted(field.name());
        format!("    {name} {}{constraint}", sql_type(field.data_type()))
    });
    let columns: Vec<String> = columns.collect();
    format!("CREATE TABLE {table} (\n{}\n)", columns.join(",\n"))
}

/// SQL of the indexes: of what says the same, and of the time by which a training reads.
pub(super) fn indexes(table: &str, schema: &Schema) -> String {
    let mut sql = format!("CREATE INDEX ON {table} ({CONTENT_HASH});");
    if let Some(time) = &schema.time {
        sql.push_str(&format!(" CREATE INDEX ON {table} ({});", quoted(time)));
    }
    sql
}

/// SQL that says of each column of features what it is.
pub(super) fn comments(table: &str, state: &State) -> String {
    let comment = |name: &str, about: &str| {
        let about = about.replace('\'', "''");
        format!("COMMENT ON COLUMN {table}.{} IS '{about}';", quoted(name))
    };
    let columns = state.columns.iter();
    let comments: Vec<String> = columns
        .map(|column| comment(&column.name, &column.about))
        .collect();
    comments.join(" ")
}

/// Whether PostgreSQL can hold the rows.
pub(super) fn check_width(batch: &RecordBatch) -> anyhow::Result<()> {
    let schema = batch.schema();
    let columns = schema.fields().len();
    let bytes = |kind: &DataType| match kind {
        DataType::Utf8 => TEXT_BYTES,
        DataType::Boolean => 1,
        _ => 8,
    };
    let widths = schema.fields().iter().map(|field| bytes(field.data_type()));
    let width: usize = widths.sum::<usize>() + 32 + columns.div_ceil(8);
    ensure!(
        columns <= MOST_COLUMNS && width <= MOST_BYTES,
        "expected rows of at most {MOST_COLUMNS} columns and {MOST_BYTES} bytes, which is what \
         PostgreSQL takes, found {columns} and {width}: write a file, --to features.parquet"
    );
    Ok(())
}
