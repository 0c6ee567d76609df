//! Messages that were not taken: kept with their reason and their bytes.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use sqlx::PgConnection;

/// Bytes of a payload that are kept. As JSON each of them takes six at most, so that the message on the topic
/// `rejects` stays far below the megabyte that Kafka takes.
pub const PAYLOAD_BYTES: usize = 64 * 1024;

/// Longest key that is kept: a shortened one would be another, and lead to another partition.
pub const KEY_BYTES: usize = 16 * 1024;

/// Longest reason that is kept, in bytes: a trigger may raise a text of any length.
const REASON_BYTES: usize = 4 * 1024;

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
    /// The message's key, so that it can be sent again to the same partition; kept up to [`KEY_BYTES`].
    pub key: Option<Vec<u8>>,
    /// The message's bytes as they came: at most [`PAYLOAD_BYTES`] of them are kept.
    pub payload: Vec<u8>,
}

impl Reject {
    /// `topic/partition/offset`, which names it.
    pub fn place(&self) -> String {
        format!("{}/{}/{}", self.topic, self.partition, self.offset)
    }

    /// The payload's first bytes, all of them where they are few enough to be kept.
    pub fn kept_payload(&self) -> &[u8] {
        &self.payload[..self.payload.len().min(PAYLOAD_BYTES)]
    }

    /// Length and SHA-256 of the whole payload, where it is not kept whole.
    fn digest(&self) -> Option<(i64, Vec<u8>)> {
        let length = self.payload.len();
        (length > PAYLOAD_BYTES).then(|| {
            let bytes = i64::try_from(length).unwrap_or(i64::MAX);
            (bytes, Sha256::digest(&self.payload).to_vec())
        })
    }

    /// The key, where it is short enough to be kept.
    pub fn kept_key(&self) -> Option<&[u8]> {
        self.key.as_deref().filter(|key| key.len() <= KEY_BYTES)
    }

    /// The reason, shortened, and what is not kept of the key. PostgreSQL's text cannot hold a NUL, which a
    /// broken payload may carry into it.
    pub fn kept_reason(&self) -> String {
        let mut end = self.reason.len().min(REASON_BYTES);
        while !self.reason.is_char_boundary(end) {
            end -= 1;
        }
        let mut reason = self.reason[..end].replace('\0', "\u{fffd}");
        if end < self.reason.len() {
            reason.push('…');
        }
        if let (Some(key), None) = (&self.key, self.kept_key()) {
            reason += &format!(" (its key of {} bytes is not kept)", key.len());
        }
        reason
    }

    /// The message for the topic `rejects`: below half a megabyte, whatever was rejected.
    pub fn to_json(&self) -> Vec<u8> {
        let mut message = serde_json::json!({
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "code": self.code,
            "reason": self.kept_reason(),
            "payload": String::from_utf8_lossy(self.kept_payload()),
        });
        if let Some((bytes, sha256)) = self.digest() {
            message["payload_bytes"] = bytes.into();
            message["payload_sha256"] = hex(&sha256).into();
        }
        message.to_string().into_bytes()
    }
}

/// A stored reject as it can be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReject {
    /// Cluster of the message.
    pub cluster: String,
    /// The message's key.
    pub key: Option<Vec<u8>>,
    /// What is kept of its bytes.
    pub payload: Vec<u8>,
    /// Length of the whole payload, where only its beginning is kept.
    pub payload_bytes: Option<i64>,
}

/// The reject at a place (topic, partition, offset), the newest where clusters differ; any cluster if `cluster` is
/// empty.
///
/// # Errors
/// When the database fails.
pub async fn at(
    connection: &mut PgConnection,
    (topic, partition, offset): (&str, i32, i64),
    cluster: &str,
) -> Result<Option<StoredReject>, sqlx::Error> {
    let row = sqlx::query_as(
        "SELECT cluster, key, payload, payload_bytes FROM rejects WHERE topic = $1 AND partition = $2 \
         AND \"offset\" = $3 AND ($4 = '' OR cluster = $4) ORDER BY rejected_at DESC LIMIT 1",
    )
    .bind(topic)
    .bind(partition)
    .bind(offset)
    .bind(cluster)
    .fetch_optional(connection)
    .await?;
    Ok(
        row.map(|(cluster, key, payload, payload_bytes)| StoredReject {
            cluster,
            key,
            payload,
            payload_bytes,
        }),
    )
}

/// Marks a reject as sent again.
///
/// # Errors
/// When the database fails.
pub async fn mark(
    connection: &mut PgConnection,
    (topic, partition, offset): (&str, i32, i64),
    cluster: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE rejects SET replayed_at = now() WHERE cluster = $1 AND topic = $2 AND partition = $3 \
         AND \"offset\" = $4",
    )
    .bind(cluster)
    .bind(topic)
    .bind(partition)
    .bind(offset)
    .execute(connection)
    .await?;
    Ok(())
}

/// Bytes as people compare them: a SHA-256 as `sha256sum` prints it.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
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
    let digests = rejects.iter().map(Reject::digest);
    let (lengths, digests): (Vec<Option<i64>>, Vec<Option<Vec<u8>>>) = digests
        .map(|digest| {
            digest.map_or((None, None), |(length, sha256)| {
                (Some(length), Some(sha256))
            })
        })
        .unzip();
    sqlx::query(
        "INSERT INTO rejects (cluster, topic, partition, \"offset\", code, reason, key, payload, \
         payload_bytes, payload_sha256) \
         SELECT $1, * FROM unnest($2::text[], $3::int[], $4::bigint[], $5::text[], $6::text[], \
         $7::bytea[], $8::bytea[], $9::bigint[], $10::bytea[]) \
         ON CONFLICT DO NOTHING",
    )
    .bind(cluster)
    .bind(rejects.iter().map(|r| r.topic.as_str()).collect::<Vec<_>>())
    .bind(rejects.iter().map(|r| r.partition).collect::<Vec<_>>())
    .bind(rejects.iter().map(|r| r.offset).collect::<Vec<_>>())
    .bind(rejects.iter().map(|r| r.code).collect::<Vec<_>>())
    .bind(rejects.iter().map(Reject::kept_reason).collect::<Vec<_>>())
    .bind(rejects.iter().map(Reject::kept_key).collect::<Vec<_>>())
    .bind(rejects.iter().map(Reject::kept_payload).collect::<Vec<_>>())
    .bind(lengths)
    .bind(digests)
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reject(payload: Vec<u8>) -> Reject {
        Reject {
            topic: "requests".to_owned(),
            partition: 0,
            offset: 7,
            code: "malformed",
            reason: "not a JSON object".to_owned(),
            key: Some(vec![b'k'; 900_000]),
            payload,
        }
    }

    #[test]
    fn a_reject_fits_into_a_message_whatever_was_rejected() {
        for byte in [0_u8, 1, b'"', b'\\', 0xff, b'x'] {
            let reject = Reject {
                reason: "\u{1}".repeat(2_000_000),
                ..reject(vec![byte; 3_000_000])
            };
            let json = reject.to_json();
            assert!(json.len() < 500_000, "{byte}: {} bytes", json.len());
            let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
            assert_eq!(json["payload_bytes"], 3_000_000);
            assert_eq!(json["payload_sha256"].as_str().map(str::len), Some(64));
            assert!(
                json["reason"]
                    .as_str()
                    .is_some_and(|reason| reason.contains("key of 900000"))
            );
        }
    }

    #[test]
    fn a_payload_that_is_kept_whole_has_no_digest() {
        let whole = reject(vec![b'x'; PAYLOAD_BYTES]);
        let json: serde_json::Value = serde_json::from_slice(&whole.to_json()).expect("JSON");
        assert!(json.get("payload_bytes").is_none() && whole.digest().is_none());
        assert_eq!(whole.kept_payload().len(), PAYLOAD_BYTES);
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex(&Sha256::digest(b"")), empty);
    }
}
