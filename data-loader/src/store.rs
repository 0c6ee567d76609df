//! One transaction a batch: rows, tombstones, rejects and offsets.
//!
//! Rows go straight into the table by `COPY`, or, where a key is there already, into a staging table and are
//! merged: the last version wins. A row that the database refuses (a check, a trigger) costs itself alone:
//! the batch is then merged row by row (`refusal`).

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use arrow_array::RecordBatch;
use bytes::BytesMut;
use common::Fault;
use common::database::{Patience, Session};
use common::kafka::Anchor;
use ledger::arrivals;
use ledger::offsets::{self, AdvanceError};
use ledger::rejects::{self, Reject};
use pgpq::ArrowToPostgresBinaryEncoder;
use records::Schema;
use sqlx::{Connection, Executor, PgConnection, Postgres, Transaction};

use crate::batch::{Batch, PURPOSE, Part, Steps};
use crate::route::Route;
use crate::stage::Stage;
use crate::statements::{Statements, Uniqueness, uniqueness};
use crate::written::Written;

/// Rows encoded at a time: the server takes some in while others are encoded.
const CHUNK: usize = 4096;

/// Writes batches.
pub(crate) struct Store {
    pub(crate) anchor: Anchor,
    /// Where the rows come from.
    pub(crate) topic: String,
    schema: Schema,
    arrow: arrow_schema::SchemaRef,
    /// Bounds one try to write a batch.
    patience: Patience,
    /// Known once the table was checked.
    statements: OnceLock<Statements>,
    route: Mutex<Route>,
}

impl Store {
    pub fn new(
        schema: &Schema,
        topic: &str,
        anchor: Anchor,
        limit: Duration,
    ) -> anyhow::Result<Store> {
        let arrow = schema.arrow(PURPOSE);
        ArrowToPostgresBinaryEncoder::try_new(&arrow)
            .context("the schema has a column that COPY does not support")?;
        Ok(Store {
            anchor,
            topic: topic.to_owned(),
            schema: schema.clone(),
            arrow,
            patience: Patience::new(limit),
            statements: OnceLock::new(),
            route: Mutex::default(),
        })
    }

    /// Writes the batch, or nothing of it; the rows that the database refuses become rejects,
    /// which are given back.
    ///
    /// # Errors
    /// When the partition was lost, or the server fails, or does not answer in time: none is the fault of a
    /// row.
    pub async fn write(&self, batch: &Batch) -> Result<Written, AdvanceError> {
        let bound = self.patience.bound();
        let mut session = Session::begin(&self.anchor.pool, bound).await?;
        let (until, began) = (session.until(), Instant::now());
        let writing = self.write_on(&mut session, batch);
        let Ok(written) = tokio::time::timeout_at(until, writing).await else {
            self.patience.silent();
            let why = format!(
                "PostgreSQL did not write a batch within {} s (loader.write_timeout_ms is the most)",
                bound.as_secs_f64()
            );
            let error = std::io::Error::new(std::io::ErrorKind::TimedOut, why);
            return Err(AdvanceError::Database(error.into()));
        };
        self.patience.answered(began.elapsed());
        // After an error of the database the fault may be the session's: one that began read-only stays so.
        if !matches!(written, Err(AdvanceError::Database(_))) {
            session.give_back();
        }
        written
    }

    async fn write_on(
        &self,
        connection: &mut PgConnection,
        batch: &Batch,
    ) -> Result<Written, AdvanceError> {
        let statements = self.statements(connection).await?;
        let may_go_straight =
            statements.uniqueness == Uniqueness::Index && batch.tombstones.is_empty();
        if may_go_straight && self.route(|route| route.is_straight()) {
            match self.write_straight(connection, batch).await {
                Ok(()) => {
                    self.route(Route::went_straight);
                    return Ok(Written::default());
                }
                Err(error) if is_of_a_row(&error) => self.route(Route::met_known_key),
                Err(error) => return Err(error),
            }
        }
        match self.write_merged(connection, batch).await {
            Err(error) if is_of_a_row(&error) => {}
            written => return written,
        }
        let has_language = has_plpgsql(connection).await?;
        let mut transaction = connection.begin().await?;
        let written = match has_language {
            true => self.merge_by_rows(&mut transaction, batch).await?,
            false => self.merge_by_halves(&mut transaction, batch).await?,
        };
        self.complete(transaction, batch, &written).await?;
        Ok(written)
    }

    async fn write_straight(
        &self,
        connection: &mut PgConnection,
        batch: &Batch,
    ) -> Result<(), AdvanceError> {
        let statements = self.statements(connection).await?;
        let mut transaction = connection.begin().await?;
        let began = Instant::now();
        self.copy(&mut transaction, &statements.copy, &batch.rows)
            .await?;
        Stage::Copy.took(began);
        self.complete(transaction, batch, &Written::default()).await
    }

    async fn write_merged(
        &self,
        connection: &mut PgConnection,
        batch: &Batch,
    ) -> Result<Written, AdvanceError> {
        let statements = self.statements(connection).await?;
        let mut transaction = connection.begin().await?;
        let Steps {
            before,
            tombstones,
            after,
        } = self.steps(batch)?;
        self.merge(&mut transaction, &before.rows).await?;
        let mut written = Written::default();
        if let (Some(delist), false) = (&statements.delist, tombstones.is_empty()) {
            written.delisted = crate::delist::all(&mut transaction, delist, &tombstones).await?;
        }
        if let Some(after) = after {
            transaction.execute(statements.clear.as_str()).await?;
            self.merge(&mut transaction, &after.rows).await?;
        }
        self.complete(transaction, batch, &written).await?;
        Ok(written)
    }

    /// The statements, by the table as it was when first looked at.
    pub(crate) async fn statements(
        &self,
        connection: &mut PgConnection,
    ) -> Result<&Statements, sqlx::Error> {
        if let Some(statements) = self.statements.get() {
            return Ok(statements);
        }
        let uniqueness = uniqueness(connection, &self.schema).await?;
        if uniqueness == Uniqueness::Lock {
            tracing::info!(
                table = self.schema.table,
                "the table is partitioned and has no unique key on one column: loaders write it \
                 one after another, so that each key exists once"
            );
        }
        let made = Statements::new(&self.schema, uniqueness);
        Ok(self.statements.get_or_init(|| made))
    }

    pub(crate) fn steps<'a>(&self, batch: &'a Batch) -> Result<Steps<'a>, sqlx::Error> {
        let steps = batch.steps(&self.schema.key);
        steps.map_err(|error| sqlx::Error::Configuration(error.into()))
    }

    fn route<T>(&self, choose: impl FnOnce(&mut Route) -> T) -> T {
        // Whatever it remembers is a guess.
        choose(&mut self.route.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Rejects and offsets, and the commit.
    async fn complete(
        &self,
        mut transaction: Transaction<'_, Postgres>,
        batch: &Batch,
        written: &Written,
    ) -> Result<(), AdvanceError> {
        let Anchor {
            cluster, consumer, ..
        } = &self.anchor;
        let began = Instant::now();
        for rejects in [
            &batch.rejects,
            &written.refused_rows,
            &written.refused_tombstones,
        ] {
            rejects::store(&mut transaction, cluster, rejects).await?;
        }
        offsets::advance(&mut transaction, cluster, consumer, &batch.stretches).await?;
        let stored = batch.rows.num_rows() - written.refused_rows.len();
        let rejected = batch.rejects.len() + written.refused().count();
        arrivals::count(&mut transaction, &self.schema.table, stored, rejected).await?;
        transaction.commit().await?;
        Stage::Commit.took(began);
        Ok(())
    }

    /// Copies rows into the staging table and merges them: the last version of a key wins.
    pub(crate) async fn merge(
        &self,
        connection: &mut PgConnection,
        rows: &RecordBatch,
    ) -> Result<(), sqlx::Error> {
        let statements = self.statements(connection).await?;
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let began = Instant::now();
        self.fill_stage(connection, rows).await?;
        connection.execute(statements.merge.as_str()).await?;
        Stage::Merge.took(began);
        Ok(())
    }

    /// Copies rows into the staging table, which is made where it is not there.
    pub(crate) async fn fill_stage(
        &self,
        connection: &mut PgConnection,
        rows: &RecordBatch,
    ) -> Result<(), sqlx::Error> {
        let statements = self.statements(connection).await?;
        connection.execute(statements.stage.as_str()).await?;
        self.copy(connection, &statements.copy_stage, rows).await
    }

    /// The row's message as a reject of the database.
    pub(crate) fn refused(
        &self,
        batch: &Batch,
        part: &Part,
        row: usize,
        reason: String,
    ) -> Result<Reject, sqlx::Error> {
        let place = part
            .place(row)
            .filter(|place| *place < batch.rows.num_rows());
        let place = place.ok_or_else(|| {
            sqlx::Error::Protocol(format!(
                "the database refused row {row}, which the loader did not send"
            ))
        })?;
        Ok(batch.origins.refused(&self.topic, place, reason))
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

/// Whether it is the fault of a row, also one that shows at the commit (a deferred constraint).
pub(crate) fn is_of_a_row(error: &AdvanceError) -> bool {
    matches!(error, AdvanceError::Database(error) if Fault::of_database(error) == Fault::Row)
}

/// Whether rows can be merged one by one on the server.
async fn has_plpgsql(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_language WHERE lanname = 'plpgsql' \
         AND has_language_privilege(oid, 'USAGE'))",
    )
    .fetch_one(connection)
    .await
}
