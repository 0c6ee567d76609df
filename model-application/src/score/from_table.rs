//! Rows of a table, in the order of their keys.

use anyhow::{Context, ensure};
use records::decode::Decoder;
use records::identifier::{quoted, quoted_path};
use records::{Purpose, Schema, timestamp};
use sqlx::{PgPool, Row};

use super::batch::{ROWS, Read};

pub(super) struct FromTable {
    pool: PgPool,
    table: String,
    /// Gives key and record as JSON, of rows after a key.
    sql: String,
    decoder: Decoder,
    last_key: Option<String>,
}

impl FromTable {
    /// # Errors
    /// When there is no such table, or it lacks what the schema requires.
    pub async fn open(pool: PgPool, table: &str, schema: &Schema) -> anyhow::Result<FromTable> {
        let sql = "SELECT attname::text FROM pg_attribute \
                   WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped";
        let found: Vec<String> = sqlx::query_scalar(sql).bind(table).fetch_all(&pool).await?;
        ensure!(!found.is_empty(), "there is no table {table}");
        let fields: Vec<_> = schema.columns(Purpose::Request).collect();
        let is_there = |name: &str| found.iter().any(|column| column == name);
        let missing: Vec<&str> = fields
            .iter()
            .filter(|field| field.required && !is_there(&field.name))
            .map(|field| field.name.as_str())
            .collect();
        ensure!(
            missing.is_empty() && is_there(&schema.key),
            "the table {table} lacks columns that the schema {} requires: {}",
            schema.name,
            missing.join(", ")
        );
        let columns: Vec<String> = fields
            .iter()
            .filter(|field| is_there(&field.name))
            .map(|field| quoted(&field.name).into_owned())
            .collect();
        let (columns, key) = (columns.join(", "), quoted(&schema.key));
        let from = quoted_path(table);
        Ok(FromTable {
            pool,
            table: table.to_owned(),
            sql: format!(
                "SELECT {key}::text, row_to_json(one)::text FROM (SELECT {columns} FROM {from}) one \
                 WHERE $1::text IS NULL OR {key} > $1 ORDER BY {key} LIMIT {ROWS}"
            ),
            decoder: Decoder::new(schema, Purpose::Request),
            last_key: None,
        })
    }

    pub fn identity(&self) -> String {
        format!("the table {}", self.table)
    }

    pub fn skip_to(&mut self, key: Option<String>) {
        self.last_key = key;
    }

    pub async fn next(&mut self) -> anyhow::Result<Option<Read>> {
        let rows = sqlx::query(&self.sql)
            .bind(&self.last_key)
            .fetch_all(&self.pool)
            .await
            .with_context(|| format!("cannot read the table {}", self.table))?;
        let arrival_us = timestamp::now_us();
        let mut refused = Vec::new();
        for row in &rows {
            let (key, record): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            if let Err(reason) = self.decoder.push(record.as_bytes(), arrival_us) {
                refused.push((format!("the row {key}"), reason.to_string()));
            }
            self.last_key = Some(key);
        }
        if rows.is_empty() {
            return Ok(None);
        }
        Ok(Some(Read {
            rows: self.decoder.finish().batch,
            refused,
            read: rows.len() as u64,
            last_key: self.last_key.clone(),
        }))
    }
}
