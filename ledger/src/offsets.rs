//! The next offset of each partition, kept in the same database as what was made of the messages.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlx::{Connection, PgConnection, Row};

/// SQL of the tables as the newest migration leaves them, for `init.sql`.
pub const DDL: &str = "CREATE TABLE IF NOT EXISTS topic_ids (
    cluster text NOT NULL,
    topic text NOT NULL,
    first_id text NOT NULL,
    PRIMARY KEY (cluster, topic)
);
CREATE TABLE IF NOT EXISTS offsets (
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
    /// The id that the broker has given the topic, stored beside the offset; `None` where it gives none.
    pub topic_id: Option<Arc<str>>,
    /// The offset that the work started from, which must be stored when it is committed; `None`
    /// where none may be.
    pub from: Option<i64>,
    /// The offset after the last message of the stretch.
    pub next: i64,
    /// When the last message came to Kafka, in milliseconds since 1970: lag is reported in seconds too.
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
    /// Trying again does not help and the batch is not to blame: a person has to fix the set-up.
    /// `common::kafka::Pipeline` ends the service with this reason when a write returns it.
    #[error("{0}")]
    Setup(String),
}

/// What is stored of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The offset after the last message worked on.
    pub next: i64,
    /// The id of the topic it is an offset of; `None` where that was not known.
    pub topic_id: Option<String>,
}

/// Sets the next offset of a partition, whatever is stored: for a consumer that starts again.
///
/// # Errors
/// When the database fails.
pub async fn set(
    connection: &mut PgConnection,
    (cluster, consumer): (&str, &str),
    (topic, partition): (&str, i32),
    next: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO offsets (cluster, consumer, topic, partition, next_offset) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (cluster, consumer, topic, partition) \
         DO UPDATE SET next_offset = excluded.next_offset",
    )
    .bind(cluster)
    .bind(consumer)
    .bind(topic)
    .bind(partition)
    .bind(next)
    .execute(connection)
    .await?;
    Ok(())
}

/// The stored offsets of a consumer on one cluster's topic, by partition.
///
/// # Errors
/// When the database fails.
pub async fn stored(
    connection: &mut PgConnection,
    cluster: &str,
    consumer: &str,
    topic: &str,
) -> Result<BTreeMap<i32, Stored>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT partition, next_offset, topic_id FROM offsets WHERE cluster = $1 AND consumer = $2 AND topic = $3",
    )
    .bind(cluster)
    .bind(consumer)
    .bind(topic)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let stored = Stored {
                next: row.try_get(1)?,
                topic_id: row.try_get(2)?,
            };
            Ok((row.try_get(0)?, stored))
        })
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
            .bind(column(&stretches, |stretch| stretch.topic_id.as_deref()))
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

/// Advances what is stored, and names it. A topic made again has offsets of its own.
const UPDATE: &str = "UPDATE offsets AS kept SET next_offset = done.next_offset, \
    topic_id = coalesce(done.topic_id, kept.topic_id) \
    FROM unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::text[]) \
    AS done (topic, partition, next_offset, from_offset, topic_id) \
    WHERE kept.cluster = $1 AND kept.consumer = $2 AND kept.topic = done.topic \
    AND kept.partition = done.partition AND kept.next_offset = done.from_offset \
    AND coalesce(kept.topic_id = done.topic_id, true) \
    RETURNING kept.topic, kept.partition";

/// Stores first offsets, and names them.
const INSERT: &str = "INSERT INTO offsets \
    (cluster, consumer, topic, partition, next_offset, topic_id) \
    SELECT $1, $2, topic, partition, next_offset, topic_id \
    FROM unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::text[]) \
    AS done (topic, partition, next_offset, from_offset, topic_id) \
    ON CONFLICT DO NOTHING RETURNING topic, partition";

fn column<'a, T>(stretches: &[&'a Stretch], of: impl Fn(&'a Stretch) -> T) -> Vec<T> {
    stretches.iter().map(|stretch| of(stretch)).collect()
}

/// Forgets a cluster's offsets: for a broker that is known to start empty.
///
/// # Errors
/// When the database fails.
pub async fn forget_cluster(
    connection: &mut PgConnection,
    cluster: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM offsets WHERE cluster = $1")
        .bind(cluster)
        .execute(connection)
        .await?;
    Ok(())
}

/// Whether `topic_id` is not the first id met of a topic of this name: the topic was deleted and made again,
/// and its partitions and offsets are no new places. `old_id` is the id of the topic that is known to be gone,
/// where one is.
///
/// # Errors
/// When the database fails.
pub async fn was_made_again(
    connection: &mut PgConnection,
    cluster: &str,
    topic: &str,
    topic_id: &str,
    old_id: Option<&str>,
) -> Result<bool, sqlx::Error> {
    let first: Option<String> = sqlx::query_scalar(FIRST_ID)
        .bind(cluster)
        .bind(topic)
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(first) = first {
        return Ok(first != topic_id);
    }
    // Another member of the group may be first.
    sqlx::query("INSERT INTO topic_ids (cluster, topic, first_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(cluster)
        .bind(topic)
        .bind(old_id.unwrap_or(topic_id))
        .execute(&mut *connection)
        .await?;
    let first: String = sqlx::query_scalar(FIRST_ID)
        .bind(cluster)
        .bind(topic)
        .fetch_one(&mut *connection)
        .await?;
    Ok(first != topic_id)
}

const FIRST_ID: &str = "SELECT first_id FROM topic_ids WHERE cluster = $1 AND topic = $2";

/// Forgets a consumer's offsets of a topic that was deleted and made again, and gives the number of
/// partitions; `topic_id` is the new topic's, where it is known. Rejects of the old topic keep all they
/// have, but the name of the cluster gets `/gone` and the time at its end: the new topic's rejects have
/// the same topics, partitions and offsets. Who comes second finds that done.
///
/// # Errors
/// When the database fails.
pub async fn forget_topic(
    connection: &mut PgConnection,
    cluster: &str,
    consumer: &str,
    topic: &str,
    topic_id: Option<&str>,
) -> Result<u64, sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let has_rejects: bool = sqlx::query_scalar("SELECT to_regclass('rejects') IS NOT NULL")
        .fetch_one(&mut *transaction)
        .await?;
    // Another consumer may have begun the new topic: what is rejected by now is of that one.
    let rename = sqlx::query(
        "UPDATE rejects SET cluster = cluster || '/gone ' || now()::text \
         WHERE cluster = $1 AND topic = $2 AND NOT EXISTS (SELECT FROM offsets AS kept \
         WHERE kept.cluster = $1 AND kept.topic = $2 AND kept.topic_id = $3)",
    )
    .bind(cluster)
    .bind(topic)
    .bind(topic_id);
    if has_rejects {
        rename.execute(&mut *transaction).await?;
    }
    let forgotten = sqlx::query(
        "DELETE FROM offsets WHERE cluster = $1 AND consumer = $2 AND topic = $3 \
         AND coalesce(topic_id <> $4, true)",
    )
    .bind(cluster)
    .bind(consumer)
    .bind(topic)
    .bind(topic_id)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(forgotten.rows_affected())
}
