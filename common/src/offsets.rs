//! The next offset of each partition, kept in the same database as what was made of the messages.

use std::collections::BTreeMap;

use sqlx::{PgPool, Postgres, Row, Transaction};

/// SQL of the table, for `init.sql` and for services that start without it.
pub const DDL: &str = "CREATE TABLE IF NOT EXISTS offsets (
    cluster text NOT NULL,
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (cluster, consumer, topic, partition)
);
";

/// A stretch of one partition's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The stored offset that the work started from; `None` where none was stored.
    pub from: Option<i64>,
    /// The offset after the last message of the stretch.
    pub next: i64,
}

/// Stretches by topic and partition.
pub type Stretches = BTreeMap<(String, i32), Stretch>;

/// Why offsets could not be advanced.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// Another writer has advanced the partition: this one has lost it and must not commit.
    #[error("another consumer has advanced {topic}/{partition} beyond offset {from:?}")]
    Fenced {
        /// The partition's topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// Where this writer started from.
        from: Option<i64>,
    },
    /// The database failed.
    #[error("the database failed while advancing offsets")]
    Database(#[from] sqlx::Error),
}

/// The stored offsets of a consumer on one cluster's topic, by partition.
///
/// # Errors
/// When the database fails.
pub async fn stored(
    pool: &PgPool,
    cluster: &str,
    consumer: &str,
    topic: &str,
) -> Result<BTreeMap<i32, i64>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT partition, next_offset FROM offsets WHERE cluster = $1 AND consumer = $2 AND topic = $3",
    )
    .bind(cluster)
    .bind(consumer)
    .bind(topic)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}

/// Advances offsets within the caller's transaction, only from where the work started.
///
/// # Errors
/// [`AdvanceError::Fenced`] when a stored offset is not the one started from: roll back.
pub async fn advance(
    transaction: &mut Transaction<'_, Postgres>,
    cluster: &str,
    consumer: &str,
    stretches: &Stretches,
) -> Result<(), AdvanceError> {
    for ((topic, partition), stretch) in stretches {
        let changed = match stretch.from {
            Some(from) => sqlx::query(
                "UPDATE offsets SET next_offset = $5 WHERE cluster = $1 AND consumer = $2 \
                 AND topic = $3 AND partition = $4 AND next_offset = $6",
            )
            .bind(cluster)
            .bind(consumer)
            .bind(topic)
            .bind(partition)
            .bind(stretch.next)
            .bind(from),
            None => sqlx::query(
                "INSERT INTO offsets (cluster, consumer, topic, partition, next_offset) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            )
            .bind(cluster)
            .bind(consumer)
            .bind(topic)
            .bind(partition)
            .bind(stretch.next),
        }
        .execute(&mut **transaction)
        .await?
        .rows_affected();
        if changed != 1 {
            return Err(AdvanceError::Fenced {
                topic: topic.clone(),
                partition: *partition,
                from: stretch.from,
            });
        }
    }
    Ok(())
}

/// Forgets a cluster's offsets: for a broker that is known to start empty.
///
/// # Errors
/// When the database fails.
pub async fn forget_cluster(pool: &PgPool, cluster: &str) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM offsets WHERE cluster = $1")
        .bind(cluster)
        .execute(pool)
        .await?;
    Ok(())
}
