//! The existing rows of a datamart: looked up, put, revised.

use anyhow::Context;
use arrow_array::RecordBatch;
use records::{Decoder, Purpose, timestamp};
use sqlx::{Executor, PgConnection, Row};
use valuation::datamart::{CONTENT_HASH, EXCLUDED, Rows, SOURCE_LINE, State};

use crate::features::copy::copy;
use crate::features::target::quoted;

/// Rows that are put into the table.
const INCOMING: &str = "incoming_features";

/// The existing rows.
pub(super) struct ExistingRows<'a> {
    /// As SQL names it.
    table: String,
    state: &'a State,
}

impl<'a> ExistingRows<'a> {
    /// Those of a table that a state has made.
    pub(super) fn new(table: &str, state: &'a State) -> ExistingRows<'a> {
        ExistingRows {
            table: quoted(table),
            state,
        }
    }

    /// The records of keys.
    pub(super) async fn of_keys(
        &self,
        connection: &mut PgConnection,
        keys: &[&str],
    ) -> anyhow::Result<Rows> {
        let key = quoted(&self.state.schema.key);
        let found = sqlx::query(&self.select(&format!("{key} = ANY($1)")))
            .bind(keys)
            .fetch_all(connection)
            .await
            .with_context(|| format!("cannot read {}", self.table))?;
        self.decode(&found)
    }

    /// Records of other keys that state what some of the hashes say.
    pub(super) async fn alike(
        &self,
        connection: &mut PgConnection,
        hashes: &[i64],
        keys: &[&str],
    ) -> anyhow::Result<Rows> {
        let key = quoted(&self.state.schema.key);
        let condition = format!(
            "{CONTENT_HASH} = ANY($1) AND NOT EXISTS \
             (SELECT FROM unnest($2::text[]) AS own (key) WHERE own.key = {key})"
        );
        let found = sqlx::query(&self.select(&condition))
            .bind(hashes)
            .bind(keys)
            .fetch_all(connection)
            .await
            .with_context(|| format!("cannot read {}", self.table))?;
        self.decode(&found)
    }

    fn select(&self, condition: &str) -> String {
        let fields = self.state.schema.columns(Purpose::Listing);
        let fields: Vec<String> = fields.map(|field| quoted(&field.name)).collect();
        format!(
            "SELECT row_to_json((SELECT one FROM (SELECT {}) one))::text, {SOURCE_LINE} FROM {} \
             WHERE {condition}",
            fields.join(", "),
            self.table
        )
    }

    fn decode(&self, found: &[sqlx::postgres::PgRow]) -> anyhow::Result<Rows> {
        let mut decoder = Decoder::new(&self.state.schema, Purpose::Listing);
        let now_us = timestamp::now_us();
        let mut lines = Vec::with_capacity(found.len());
        for row in found {
            let record: String = row.try_get(0)?;
            decoder.push(record.as_bytes(), now_us).map_err(|reason| {
                anyhow::anyhow!(
                    "a row of {} does not fit its own schema: {reason}; it was changed: \
                     materialise again with --refit",
                    self.table
                )
            })?;
            lines.push(row.try_get(1)?);
        }
        let batch = decoder.finish().batch;
        Ok(Rows { batch, lines })
    }

    /// Writes rows, in the place of those of their keys.
    pub(super) async fn put(
        &self,
        connection: &mut PgConnection,
        batch: &RecordBatch,
    ) -> anyhow::Result<()> {
        self.stage(connection, batch).await?;
        let key = &self.state.schema.key;
        let names: Vec<String> = batch
            .schema()
            .fields()
            .iter()
            .map(|field| quoted(field.name()))
            .collect();
        let updates: Vec<String> = names
            .iter()
            .filter(|name| **name != quoted(key))
            .map(|name| format!("{name} = excluded.{name}"))
            .collect();
        let names = names.join(", ");
        let sql = format!(
            "INSERT INTO {} ({names}) SELECT {names} FROM {INCOMING} \
             ON CONFLICT ({}) DO UPDATE SET {}",
            self.table,
            quoted(key),
            updates.join(", ")
        );
        connection
            .execute(sql.as_str())
            .await
            .with_context(|| format!("cannot write {}", self.table))?;
        Ok(())
    }

    /// Writes which rule takes rows that are there; says for how many it is another now.
    pub(super) async fn revise(
        &self,
        connection: &mut PgConnection,
        batch: &RecordBatch,
    ) -> anyhow::Result<usize> {
        self.stage(connection, batch).await?;
        let key = quoted(&self.state.schema.key);
        let sql = format!(
            "UPDATE {} AS kept SET {EXCLUDED} = new.{EXCLUDED} FROM {INCOMING} AS new \
             WHERE kept.{key} = new.{key} AND kept.{EXCLUDED} IS DISTINCT FROM new.{EXCLUDED}",
            self.table
        );
        let done = connection
            .execute(sql.as_str())
            .await
            .with_context(|| format!("cannot write {}", self.table))?;
        Ok(usize::try_from(done.rows_affected()).unwrap_or_default())
    }

    /// Copies rows beside the table.
    async fn stage(
        &self,
        connection: &mut PgConnection,
        batch: &RecordBatch,
    ) -> anyhow::Result<()> {
        let sql = format!(
            "DROP TABLE IF EXISTS {INCOMING}; \
             CREATE TEMP TABLE {INCOMING} (LIKE {}) ON COMMIT DROP",
            self.table
        );
        connection
            .execute(sql.as_str())
            .await
            .context("cannot make a temporary table")?;
        copy(connection, INCOMING, batch).await
    }
}
