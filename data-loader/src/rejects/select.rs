//! Which rejects are meant.

use std::str::FromStr;

use sqlx::postgres::PgRow;
use sqlx::types::chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use sqlx::{FromRow, PgPool, Row};

/// `topic/partition/offset`: where a message was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The topic it came from.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Place, String> {
        let parse = || {
            let mut parts = text.rsplitn(3, '/');
            let offset = parts.next()?.parse().ok()?;
            let partition = parts.next()?.parse().ok()?;
            let topic = parts.next().filter(|topic| !topic.is_empty())?.to_owned();
            Some(Place {
                topic,
                partition,
                offset,
            })
        };
        parse().ok_or_else(|| {
            format!("expected topic/partition/offset, such as new_data/0/1234, found {text:?}")
        })
    }
}

/// What all of the rejects must be; what is not given does not matter.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Selection {
    /// Only those with this code, such as malformed or refused
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// Only those of this topic
    #[arg(long, value_name = "TOPIC")]
    pub topic: Option<String>,
    /// Only those of this Kafka cluster, by its id: offsets of two clusters may be the same
    #[arg(long, value_name = "ID")]
    pub cluster: Option<String>,
    /// Only those rejected since, such as 2026-05-01 or 2026-05-01T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<DateTime<Utc>>,
}

fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let day = || {
        Some(
            text.parse::<NaiveDate>()
                .ok()?
                .and_time(NaiveTime::MIN)
                .and_utc(),
        )
    };
    text.parse().ok().or_else(day).ok_or_else(|| {
        "expected a day such as 2026-05-01, or a time such as 2026-05-01T12:00:00Z".to_owned()
    })
}

/// A reject as the table has it.
#[derive(Debug)]
pub(super) struct Rejected {
    pub cluster: String,
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub code: String,
    pub reason: String,
    pub key: Option<Vec<u8>>,
    /// The first bytes where it was too large to be kept.
    pub payload: Vec<u8>,
    /// Length and SHA-256 of the whole message, where the payload is shortened.
    pub payload_bytes: Option<i64>,
    pub payload_sha256: Option<Vec<u8>>,
    pub rejected_at: DateTime<Utc>,
    pub replayed_at: Option<DateTime<Utc>>,
}

impl FromRow<'_, PgRow> for Rejected {
    fn from_row(row: &PgRow) -> Result<Rejected, sqlx::Error> {
        Ok(Rejected {
            cluster: row.try_get("cluster")?,
            topic: row.try_get("topic")?,
            partition: row.try_get("partition")?,
            offset: row.try_get("offset")?,
            code: row.try_get("code")?,
            reason: row.try_get("reason")?,
            key: row.try_get("key")?,
            payload: row.try_get("payload")?,
            payload_bytes: row.try_get("payload_bytes")?,
            payload_sha256: row.try_get("payload_sha256")?,
            rejected_at: row.try_get("rejected_at")?,
            replayed_at: row.try_get("replayed_at")?,
        })
    }
}

impl Rejected {
    pub fn place(&self) -> String {
        format!("{}/{}/{}", self.topic, self.partition, self.offset)
    }

    /// What is not kept of the message, for people; `None` where all of it is.
    pub fn shortened(&self) -> Option<String> {
        let bytes = self.payload_bytes?;
        let kept = self.payload.len();
        let sha256 = ledger::rejects::hex(self.payload_sha256.as_deref().unwrap_or_default());
        Some(format!(
            "the first {kept} of its {bytes} bytes are stored; SHA-256 of all: {sha256}"
        ))
    }
}

/// Condition on a reject, with `$1` to `$4` as [`select`] binds them.
const WHERE: &str = "($1::text IS NULL OR code = $1) AND ($2::text IS NULL OR topic = $2) \
     AND ($3::text IS NULL OR cluster = $3) AND ($4::timestamptz IS NULL OR rejected_at >= $4)";

impl Selection {
    /// How many there are by code, the most common first.
    pub(super) async fn count(&self, pool: &PgPool) -> Result<Vec<(String, i64)>, sqlx::Error> {
        let sql = format!(
            "SELECT code, count(*) FROM rejects WHERE {WHERE} GROUP BY 1 ORDER BY 2 DESC, 1"
        );
        sqlx::query_as(&sql)
            .bind(&self.code)
            .bind(&self.topic)
            .bind(&self.cluster)
            .bind(self.since)
            .fetch_all(pool)
            .await
    }

    /// How many that are to be sent again cannot be, as their message was not kept whole.
    pub(super) async fn count_shortened(
        &self,
        pool: &PgPool,
        until: DateTime<Utc>,
    ) -> Result<i64, sqlx::Error> {
        let sql = format!(
            "SELECT count(*) FROM rejects WHERE {WHERE} AND rejected_at < $5 \
             AND replayed_at IS NULL AND payload_bytes IS NOT NULL"
        );
        sqlx::query_scalar(&sql)
            .bind(&self.code)
            .bind(&self.topic)
            .bind(&self.cluster)
            .bind(self.since)
            .bind(until)
            .fetch_one(pool)
            .await
    }

    /// The newest so many.
    pub(super) async fn newest(
        &self,
        pool: &PgPool,
        limit: u32,
    ) -> Result<Vec<Rejected>, sqlx::Error> {
        let sql = format!(
            "SELECT * FROM rejects WHERE {WHERE} ORDER BY rejected_at DESC, topic, partition, \"offset\" DESC LIMIT $5"
        );
        sqlx::query_as(&sql)
            .bind(&self.code)
            .bind(&self.topic)
            .bind(&self.cluster)
            .bind(self.since)
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await
    }

    /// The next so many that are to be sent again, of those rejected before `until`: what comes
    /// back meanwhile is not sent in a circle. Those whose message was not kept whole are left out.
    pub(super) async fn to_replay(
        &self,
        pool: &PgPool,
        until: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<Rejected>, sqlx::Error> {
        let sql = format!(
            "SELECT * FROM rejects WHERE {WHERE} AND rejected_at < $5 AND replayed_at IS NULL AND payload_bytes IS NULL ORDER BY cluster, topic, partition, \"offset\" LIMIT $6"
        );
        sqlx::query_as(&sql)
            .bind(&self.code)
            .bind(&self.topic)
            .bind(&self.cluster)
            .bind(self.since)
            .bind(until)
            .bind(limit)
            .fetch_all(pool)
            .await
    }
}

/// The reject at a place.
///
/// # Errors
/// When there is none, or one on each of several clusters.
pub(super) async fn at(
    pool: &PgPool,
    place: &Place,
    cluster: Option<&str>,
) -> anyhow::Result<Rejected> {
    let mut found: Vec<Rejected> = sqlx::query_as(
        "SELECT * FROM rejects WHERE topic = $1 AND partition = $2 AND \"offset\" = $3 \
         AND ($4::text IS NULL OR cluster = $4)",
    )
    .bind(&place.topic)
    .bind(place.partition)
    .bind(place.offset)
    .bind(cluster)
    .fetch_all(pool)
    .await?;
    let Place {
        topic,
        partition,
        offset,
    } = place;
    if found.len() > 1 {
        let clusters: Vec<&str> = found.iter().map(|one| &*one.cluster).collect();
        anyhow::bail!(
            "{topic}/{partition}/{offset} was rejected on several clusters ({}): choose one with \
             --cluster ID",
            clusters.join(", ")
        );
    }
    found.pop().ok_or_else(|| {
        anyhow::anyhow!(
            "there is no reject {topic}/{partition}/{offset}: `data-loader rejects list` shows all \
             rejects"
        )
    })
}
