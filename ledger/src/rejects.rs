//! Messages that were not taken: kept with their reason and their bytes.

use sqlx::PgConnection;

/// SQL of the table as the newest migration leaves it, for `init.sql`.
pub const DDL: &str = "CREATE TABLE IF NOT EXISTS rejects (
    cluster text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    \"offset\" bigint NOT NULL,
    code text NOT NULL,
    reason text NOT NULL,
    key bytea,
    payload bytea NOT NULL,
    rejected_at timestamptz NOT NULL DEFAULT now(),
    replayed_at timestamptz,
    payload_bytes bigint,
    payload_sha256 bytea,
    PRIMARY KEY (cluster, topic, partition, \"offset\")
);
CREATE INDEX IF NOT EXISTS rejects_by_time ON rejects (rejected_at);
";

/// One rejected message.
#[derive(Debug, Clone, PartialEq)]
pub struct Reject {
    /// Where it came from: the topic.
    pub topic: String,
    /// Where it came from: the partition.
    pub partition: i32,
    /// Where it came from: the offset.
    pub offset: i64,
    /// Short stable name of the reason, for counting.
    pub code: &'static str,
    /// The reason in words.
    pub reason: String,
    /// The message's key, so that it can be sent again to the same partition.
    pub key: Option<Vec<u8>>,
    /// The message's bytes as they came.
    pub payload: Vec<u8>,
}

impl Reject {
    /// `topic/partition/offset`, which names it.
    pub fn place(&self) -> String {
        format!("{}/{}/{}", self.topic, self.partition, self.offset)
    }

    /// The message for the topic `rejects`.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::json!({
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "code": self.code,
            "reason": self.reason,
            "payload": String::from_utf8_lossy(&self.payload),
        })
        .to_string()
        .into_bytes()
    }
}

/// Stores rejects within the caller's transaction; one stored before stays as it was.
///
/// # Errors
/// When the database fails.
pub async fn store(
    connection: &mut PgConnection,
    cluster: &str,
    rejects: &[Reject],
) -> Result<(), sqlx::Error> {
    if rejects.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO rejects (cluster, topic, partition, \"offset\", code, reason, key, payload) \
         SELECT $1, * FROM unnest($2::text[], $3::int[], $4::bigint[], $5::text[], $6::text[], $7::bytea[], $8::bytea[]) \
         ON CONFLICT DO NOTHING",
    )
    .bind(cluster)
    .bind(rejects.iter().map(|r| r.topic.as_str()).collect::<Vec<_>>())
    .bind(rejects.iter().map(|r| r.partition).collect::<Vec<_>>())
    .bind(rejects.iter().map(|r| r.offset).collect::<Vec<_>>())
    .bind(rejects.iter().map(|r| r.code).collect::<Vec<_>>())
    // PostgreSQL's text cannot hold a NUL, which a broken payload may carry into its reason.
    .bind(rejects.iter().map(|r| r.reason.replace('\0', "\u{fffd}")).collect::<Vec<_>>())
    .bind(rejects.iter().map(|r| r.key.as_deref()).collect::<Vec<_>>())
    .bind(rejects.iter().map(|r| r.payload.as_slice()).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
