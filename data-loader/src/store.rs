//! One transaction a batch: rows, rejects and offsets.
//!
//! Rows go straight into the table by `COPY`, or, where a key is there already, beside it and are
//! merged: the last version wins. A row that the database refuses (a check, a trigger) costs itself alone: the batch is then
//! written in halves, each under a savepoint, down to the rows that are refused.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context;
use arrow_array::RecordBatch;
use bytes::BytesMut;
use common::Fault;
use common::kafka::Anchor;
use ledger::arrivals;
use ledger::offsets::{self, AdvanceError, Stretches};
use ledger::rejects::{self, Reject};
use pgpq::ArrowToPostgresBinaryEncoder;
use records::{Schema, table};
use sqlx::{Connection, Executor, PgConnection, Postgres, Transaction};

use crate::PURPOSE;
use crate::origins::Origins;
use crate::route::Route;
use crate::stage::Stage;

/// Rows encoded at a time: the server takes some in while others are encoded.
const CHUNK: usize = 4096;

/// What one transaction writes.
pub(crate) struct Batch {
    pub rows: RecordBatch,
    /// Of the rows.
    pub origins: Origins,
    /// Messages that are no rows.
    pub rejects: Vec<Reject>,
    pub stretches: Stretches,
    /// Fields of its messages that the schema does not name.
    pub unknown_fields: u64,
    /// Bytes of all its messages.
    pub bytes: usize,
}

/// Writes batches.
pub(crate) struct Store {
    anchor: Anchor,
    /// Where the rows come from.
    topic: String,
    table: String,
    arrow: arrow_schema::SchemaRef,
    /// `COPY` into the table.
    copy: String,
    /// Makes the table beside it.
    beside: String,
    /// `COPY` into that.
    copy_beside: String,
    /// From beside into the table.
    merge: String,
    route: Mutex<Route>,
}

impl Store {
    pub fn new(schema: &Schema, topic: &str, anchor: Anchor) -> anyhow::Result<Store> {
        let arrow = schema.arrow(PURPOSE);
        ArrowToPostgresBinaryEncoder::try_new(&arrow)
            .context("the schema has a column that cannot be copied to PostgreSQL")?;
        let table = &schema.table;
        let columns = table::column_list(schema);
        let key = &schema.key;
        // `ctid` is the order of arrival within the batch: of two versions of the same time, the
        // later one wins.
        let (order, newer) = match &schema.time {
            Some(time) => (
                format!("{time} DESC, ctid DESC"),
                format!(" WHERE excluded.{time} >= kept.{time}"),
            ),
            None => ("ctid DESC".to_owned(), String::new()),
        };
        Ok(Store {
            anchor,
            topic: topic.to_owned(),
            arrow,
            table: table.clone(),
            copy: format!("COPY {table} ({columns}) FROM STDIN WITH (FORMAT binary)"),
            beside: format!(
                "CREATE TEMP TABLE IF NOT EXISTS incoming (LIKE {table} INCLUDING DEFAULTS) ON COMMIT DELETE ROWS"
            ),
            copy_beside: format!("COPY incoming ({columns}) FROM STDIN WITH (FORMAT binary)"),
            merge: format!(
                "INSERT INTO {table} AS kept ({columns}) \
                 SELECT DISTINCT ON ({key}) {columns} FROM incoming ORDER BY {key}, {order} \
                 ON CONFLICT ({key}) DO UPDATE SET {}{newer}",
                table::update_list(schema)
            ),
            route: Mutex::default(),
        })
    }

    /// Writes the batch, or nothing of it; the rows that the database refuses become rejects,
    /// which are given back.
    ///
    /// # Errors
    /// When the partition was lost, or the server fails: neither is the fault of a row.
    pub async fn write(&self, batch: &Batch) -> Result<Vec<Reject>, AdvanceError> {
        let mut connection = self.anchor.pool.acquire().await?;
        let written = self.write_on(&mut connection, batch).await;
        if let Err(AdvanceError::Database(_)) = written {
            // The fault may be the session's: one that began read-only stays so.
            connection.close_on_drop();
        }
        written
    }

    async fn write_on(
        &self,
        connection: &mut PgConnection,
        batch: &Batch,
    ) -> Result<Vec<Reject>, AdvanceError> {
        if self.route(|route| route.is_straight()) {
            let mut transaction = connection.begin().await?;
            match self.put_straight(&mut transaction, &batch.rows).await {
                Ok(()) => {
                    self.complete(transaction, batch, &[]).await?;
                    self.route(Route::went_straight);
                    return Ok(Vec::new());
                }
                Err(error) if Fault::of_database(&error) == Fault::Row => {
                    transaction.rollback().await?
                }
                Err(error) => return Err(error.into()),
            }
            self.route(Route::met_known_key);
        }
        let mut transaction = connection.begin().await?;
        match self.merge(&mut transaction, &batch.rows).await {
            Ok(()) => {
                self.complete(transaction, batch, &[]).await?;
                return Ok(Vec::new());
            }
            Err(error) if Fault::of_database(&error) == Fault::Row => {
                transaction.rollback().await?
            }
            Err(error) => return Err(error.into()),
        }
        let mut transaction = connection.begin().await?;
        let refused = self.merge_in_parts(&mut transaction, batch).await?;
        self.complete(transaction, batch, &refused).await?;
        Ok(refused)
    }

    fn route<T>(&self, ask: impl FnOnce(&mut Route) -> T) -> T {
        // Whatever it remembers is a guess.
        ask(&mut self.route.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Rejects and offsets, and the commit.
    async fn complete(
        &self,
        mut transaction: Transaction<'_, Postgres>,
        batch: &Batch,
        refused: &[Reject],
    ) -> Result<(), AdvanceError> {
        let Anchor {
            cluster, consumer, ..
        } = &self.anchor;
        let began = Instant::now();
        rejects::store(&mut transaction, cluster, &batch.rejects).await?;
        rejects::store(&mut transaction, cluster, refused).await?;
        offsets::advance(&mut transaction, cluster, consumer, &batch.stretches).await?;
        let stored = batch.rows.num_rows() - refused.len();
        let rejected = batch.rejects.len() + refused.len();
        arrivals::count(&mut transaction, &self.table, stored, rejected).await?;
        transaction.commit().await?;
        Stage::Commit.took(began);
        Ok(())
    }

    /// Halves what is refused, in the order of arrival, down to single rows.
    async fn merge_in_parts(
        &self,
        transaction: &mut Transaction<'_, Postgres>,
        batch: &Batch,
    ) -> Result<Vec<Reject>, sqlx::Error> {
        let mut refused = Vec::new();
        let all = 0..batch.rows.num_rows();
        let mut parts = vec![all];
        while let Some(part) = parts.pop() {
            let mut savepoint = transaction.begin().await?;
            let rows = batch.rows.slice(part.start, part.len());
            match self.merge(&mut savepoint, &rows).await {
                Ok(()) => savepoint.commit().await?,
                Err(error) if Fault::of_database(&error) == Fault::Row => {
                    savepoint.rollback().await?;
                    if part.len() == 1 {
                        let reason = said(&error);
                        refused.push(batch.origins.refused(&self.topic, part.start, reason));
                    } else {
                        let middle = part.start + part.len() / 2;
                        parts.push(middle..part.end);
                        parts.push(part.start..middle);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(refused)
    }

    /// Copies rows into the table; their keys must be new.
    async fn put_straight(
        &self,
        connection: &mut PgConnection,
        rows: &RecordBatch,
    ) -> Result<(), sqlx::Error> {
        let began = Instant::now();
        self.copy(connection, &self.copy, rows).await?;
        Stage::Copy.took(began);
        Ok(())
    }

    /// Copies rows beside the table and merges them into it: the last version of a key wins.
    async fn merge(
        &self,
        connection: &mut PgConnection,
        rows: &RecordBatch,
    ) -> Result<(), sqlx::Error> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let began = Instant::now();
        connection.execute(self.beside.as_str()).await?;
        self.copy(connection, &self.copy_beside, rows).await?;
        connection.execute(self.merge.as_str()).await?;
        Stage::Merge.took(began);
        Ok(())
    }

    /// Sends rows in PostgreSQL's binary COPY format.
    async fn copy(
        &self,
        connection: &mut PgConnection,
        statement: &str,
        rows: &RecordBatch,
    ) -> Result<(), sqlx::Error> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let wrong = |error: pgpq::error::ErrorKind| sqlx::Error::Encode(error.into());
        let mut encoder = ArrowToPostgresBinaryEncoder::try_new(&self.arrow).map_err(wrong)?;
        let mut copy = connection.copy_in_raw(statement).await?;
        let mut buffer = BytesMut::new();
        encoder.write_header(&mut buffer).map_err(wrong)?;
        for begin in (0..rows.num_rows()).step_by(CHUNK) {
            if begin > 0 {
                copy.send(&buffer[..]).await?;
                buffer.clear();
            }
            let chunk = rows.slice(begin, CHUNK.min(rows.num_rows() - begin));
            encoder.write_batch(&chunk, &mut buffer).map_err(wrong)?;
        }
        encoder.write_footer(&mut buffer).map_err(wrong)?;
        copy.send(&buffer[..]).await?;
        copy.finish().await?;
        Ok(())
    }
}

/// What the server says, with the name of what it is about.
fn said(error: &sqlx::Error) -> String {
    let Some(refusal) = error.as_database_error() else {
        return error.to_string();
    };
    let code = refusal.code().unwrap_or_default();
    format!("the database refused it ({code}): {}", refusal.message())
}
