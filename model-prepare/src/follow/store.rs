//! What a follower is, in PostgreSQL: its base, its state, the newest records and the next offsets,
//! changed in one transaction.

use anyhow::Context;
use common::kafka::Anchor;
use ledger::offsets::{self, AdvanceError, Stretch};
use sqlx::{Connection, PgConnection, Row};

use super::counts::Counts;
use super::recent::Seen;

/// SQL of the tables.
pub(super) const DDL: &str = "CREATE TABLE IF NOT EXISTS follows (
    consumer text PRIMARY KEY,
    schema_sha256 text NOT NULL,
    base bytea NOT NULL,
    state bytea NOT NULL,
    counts text NOT NULL,
    read bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS followed (
    consumer text NOT NULL,
    number bigint NOT NULL,
    payload bytea NOT NULL,
    place text NOT NULL,
    arrival_us bigint NOT NULL,
    price double precision NOT NULL,
    value double precision NOT NULL,
    low double precision NOT NULL,
    high double precision NOT NULL,
    base double precision NOT NULL,
    PRIMARY KEY (consumer, number)
);
";

/// What is kept of a follower.
pub(super) struct StoredState {
    /// Changes when the schema does.
    pub(super) schema_sha256: String,
    /// The base's files.
    pub(super) base: Vec<u8>,
    /// The learner's state.
    pub(super) state: Vec<u8>,
    pub(super) counts: Counts,
    /// The newest records, the oldest first.
    pub(super) recent: Vec<Seen>,
}

/// What a batch of messages changes.
pub(super) struct Change {
    /// The state after it.
    pub(super) state: Vec<u8>,
    /// The counts after it.
    pub(super) counts: Counts,
    /// Messages read before it: who finds another number there is not the only one who writes.
    pub(super) read_before: u64,
    /// Its records, as far as they are among the newest that are kept.
    pub(super) seen: Vec<Seen>,
    /// How many are kept.
    pub(super) keep: usize,
    /// What it covers.
    pub(super) stretches: Vec<Stretch>,
}

/// Reads and writes one follower.
#[derive(Clone)]
pub(super) struct Store {
    pub(super) anchor: Anchor,
}

impl Store {
    /// What is kept; `None` where it has never begun.
    ///
    /// # Errors
    /// When the database fails, or what it holds cannot be read.
    pub(super) async fn load(&self) -> anyhow::Result<Option<StoredState>> {
        let Anchor { pool, consumer, .. } = &self.anchor;
        // Both in one look: a batch changes them together.
        let mut transaction = pool.begin().await?;
        sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            .execute(&mut *transaction)
            .await?;
        let found = sqlx::query(
            "SELECT schema_sha256, base, state, counts FROM follows WHERE consumer = $1",
        )
        .bind(consumer)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(found) = found else {
            return Ok(None);
        };
        let counts: String = found.try_get(3)?;
        let recent = sqlx::query(
            "SELECT number, payload, place, arrival_us, price, value, low, high, base \
             FROM followed WHERE consumer = $1 ORDER BY number",
        )
        .bind(consumer)
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let recent: Result<Vec<Seen>, sqlx::Error> = recent.iter().map(Seen::of_row).collect();
        Ok(Some(StoredState {
            schema_sha256: found.try_get(0)?,
            base: found.try_get(1)?,
            state: found.try_get(2)?,
            counts: serde_json::from_str(&counts)
                .context("the follower's counts are not what was written")?,
            recent: recent?,
        }))
    }

    /// Begins afresh: what was kept is forgotten. `from` are the offsets to resume at, by partition; where
    /// there are none, those that the follower has, or the topic's beginning.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn begin(
        &self,
        kept: &StoredState,
        topic: &str,
        from: Option<&[(i32, i64)]>,
    ) -> anyhow::Result<()> {
        let Anchor {
            pool,
            cluster,
            consumer,
        } = &self.anchor;
        let mut transaction = pool.begin().await?;
        sqlx::query("DELETE FROM followed WHERE consumer = $1")
            .bind(consumer)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "INSERT INTO follows (consumer, schema_sha256, base, state, counts, read) \
             VALUES ($1, $2, $3, $4, $5, 0) ON CONFLICT (consumer) DO UPDATE SET \
             schema_sha256 = excluded.schema_sha256, base = excluded.base, \
             state = excluded.state, counts = excluded.counts, read = 0",
        )
        .bind(consumer)
        .bind(&kept.schema_sha256)
        .bind(&kept.base)
        .bind(&kept.state)
        .bind(serde_json::to_string(&kept.counts)?)
        .execute(&mut *transaction)
        .await?;
        for (partition, next) in from.unwrap_or_default() {
            offsets::set(
                &mut transaction,
                (cluster, consumer),
                (topic, *partition),
                *next,
            )
            .await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Writes what a batch has changed, or nothing of it.
    ///
    /// # Errors
    /// When another follower of this name has gone on, or the database fails.
    pub(super) async fn write(&self, change: &Change) -> Result<(), AdvanceError> {
        let mut connection = self.anchor.pool.acquire().await?;
        let written = self.write_on(&mut connection, change).await;
        if let Err(AdvanceError::Database(_)) = written {
            // The fault may be the session's.
            connection.close_on_drop();
        }
        written
    }

    async fn write_on(
        &self,
        connection: &mut PgConnection,
        change: &Change,
    ) -> Result<(), AdvanceError> {
        let Anchor {
            cluster, consumer, ..
        } = &self.anchor;
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let counts = serde_json::to_string(&change.counts)
            .map_err(|error| sqlx::Error::Encode(error.into()))?;
        let mut transaction = connection.begin().await?;
        let changed = sqlx::query(
            "UPDATE follows SET state = $2, counts = $3, read = $4 \
             WHERE consumer = $1 AND read = $5",
        )
        .bind(consumer)
        .bind(&change.state)
        .bind(counts)
        .bind(whole(change.counts.read))
        .bind(whole(change.read_before))
        .execute(&mut *transaction)
        .await?;
        if changed.rows_affected() != 1 {
            let first = change.stretches.first();
            return Err(AdvanceError::Fenced {
                topic: first.map_or_else(String::new, |message| message.topic.to_string()),
                partition: first.map_or(-1, |message| message.partition),
                from: first.and_then(|message| message.from),
            });
        }
        self.keep(&mut transaction, change).await?;
        offsets::advance(&mut transaction, cluster, consumer, &change.stretches).await?;
        Ok(transaction.commit().await?)
    }

    /// The newest records: those of the batch, and of those before as many as there is room for.
    async fn keep(
        &self,
        connection: &mut PgConnection,
        change: &Change,
    ) -> Result<(), sqlx::Error> {
        let Some(newest) = change.seen.last() else {
            return Ok(());
        };
        let consumer = &self.anchor.consumer;
        let keep = i64::try_from(change.keep).unwrap_or(i64::MAX);
        sqlx::query("DELETE FROM followed WHERE consumer = $1 AND number <= $2")
            .bind(consumer)
            .bind(newest.number.saturating_sub(keep))
            .execute(&mut *connection)
            .await?;
        let seen = &change.seen;
        let column = |of: fn(&Seen) -> f64| seen.iter().map(of).collect::<Vec<f64>>();
        sqlx::query(
            "INSERT INTO followed SELECT $1, * FROM unnest($2::bigint[], $3::bytea[], \
             $4::text[], $5::bigint[], $6::float8[], $7::float8[], $8::float8[], $9::float8[], \
             $10::float8[])",
        )
        .bind(consumer)
        .bind(seen.iter().map(|row| row.number).collect::<Vec<i64>>())
        .bind(
            seen.iter()
                .map(|row| row.payload.as_slice())
                .collect::<Vec<_>>(),
        )
        .bind(
            seen.iter()
                .map(|row| row.place.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(seen.iter().map(|row| row.arrival_us).collect::<Vec<i64>>())
        .bind(column(|row| row.predicted.price))
        .bind(column(|row| row.predicted.value))
        .bind(column(|row| row.predicted.low))
        .bind(column(|row| row.predicted.high))
        .bind(column(|row| row.predicted.base))
        .execute(connection)
        .await?;
        Ok(())
    }
}
