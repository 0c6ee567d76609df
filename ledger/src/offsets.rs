//! The next offset of each partition, kept in the same database as what was made of the messages.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlx::{PgConnection, PgPool, Row};

/// SQL of the table as the newest migration leaves it, for `init.sql`.
pub const DDL: &str = "CREATE TABLE IF NOT EXISTS offsets (
    cluster text NOT NULL,
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    topic_id text,
    PRIMARY KEY (cluster, consumer, topic, partition)
);
";

/// A stretch of one partition's messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The partition's topic; shared, as every batch names it again.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The offset that the work started from, which must be stored when it is committed; `None`
    /// where none may be.
    pub from: Option<i64>,
    /// The offset after the last message of the stretch.
    pub next: i64,
    /// When the last message came to Kafka, in milliseconds since 1970: lag is told in seconds too.
    pub last_ms: Option<i64>,
}

/// The stretches that a batch of messages covers, one a partition.
pub type Stretches = Vec<Stretch>;

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
    /// Trying again does not help and the batch is not to blame: a person has to mend the set-up.
    /// `common::kafka::Pipeline` ends the service with this reason when a write returns it.
    #[error("{0}")]
    Setup(String),
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

/// Advances offsets, within the caller's transaction where there is one, only from where the work
/// started.
///
/// # Errors
/// [`AdvanceError::Fenced`] when a stored offset is not the one started from: roll back. Without a
/// transaction the other partitions' are advanced.
pub async fn advance(
    connection: &mut PgConnection,
    cluster: &str,
    consumer: &str,
    stretches: &[Stretch],
) -> Result<(), AdvanceError> {
    let (known, first): (Vec<&Stretch>, Vec<&Stretch>) =
        stretches.iter().partition(|stretch| stretch.from.is_some());
    for (sql, stretches) in [(UPDATE, known), (INSERT, first)] {
        if stretches.is_empty() {
            continue;
        }
        let topics: Vec<&str> = stretches.iter().map(|stretch| &*stretch.topic).collect();
        let advanced: Vec<(String, i32)> = sqlx::query_as(sql)
            .bind(cluster)
            .bind(consumer)
            .bind(topics)
            .bind(column(&stretches, |stretch| stretch.partition))
            .bind(column(&stretches, |stretch| stretch.next))
            .bind(column(&stretches, |stretch| stretch.from.unwrap_or(0)))
            .fetch_all(&mut *connection)
            .await?;
        let is_advanced = |stretch: &Stretch| {
            let mut places = advanced.iter();
            places.any(|place| *place.0 == *stretch.topic && place.1 == stretch.partition)
        };
        if let Some(lost) = stretches.iter().find(|stretch| !is_advanced(stretch)) {
            return Err(AdvanceError::Fenced {
                topic: lost.topic.to_string(),
                partition: lost.partition,
                from: lost.from,
            });
        }
    }
    Ok(())
}

/// Advances what is stored, and names it.
const UPDATE: &str = "UPDATE offsets AS kept SET next_offset = done.next_offset \
    FROM unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[]) \
    AS done (topic, partition, next_offset, from_offset) \
    WHERE kept.cluster = $1 AND kept.consumer = $2 AND kept.topic = done.topic \
    AND kept.partition = done.partition AND kept.next_offset = done.from_offset \
    RETURNING kept.topic, kept.partition";

/// Stores first offsets, and names them.
const INSERT: &str = "INSERT INTO offsets (cluster, consumer, topic, partition, next_offset) \
    SELECT $1, $2, topic, partition, next_offset \
    FROM unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[]) \
    AS done (topic, partition, next_offset, from_offset) \
    ON CONFLICT DO NOTHING RETURNING topic, partition";

fn column<T>(stretches: &[&Stretch], of: impl Fn(&Stretch) -> T) -> Vec<T> {
    stretches.iter().map(|stretch| of(stretch)).collect()
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
