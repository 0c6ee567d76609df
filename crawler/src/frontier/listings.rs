//! Versions of listings, and which of them Kafka does not have yet.

use sqlx::PgConnection;

use super::{Frontier, FrontierError};
use crate::extract::Listing;

/// A version that Kafka has not confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpublished {
    /// Its place in the order of arrival.
    pub seq: i64,
    /// The listing's id: the message's key.
    pub id: String,
    /// The message.
    pub record: String,
}

impl Frontier {
    /// The oldest versions that are not published, of each listing one: a later one must not overtake it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn unpublished(&self, most: i64) -> Result<Vec<Unpublished>, FrontierError> {
        self.keep_trying(|| async {
            let rows: Vec<(i64, String, String)> = sqlx::query_as(
                "SELECT seq, id, record::text FROM crawler_listings l \
                 WHERE published_at IS NULL AND refused IS NULL AND NOT EXISTS (\
                   SELECT FROM crawler_listings e WHERE e.id = l.id AND e.seq < l.seq \
                     AND e.published_at IS NULL AND e.refused IS NULL) \
                 ORDER BY seq LIMIT $1",
            )
            .bind(most)
            .fetch_all(&self.pool)
            .await?;
            let unpublished = |(seq, id, record)| Unpublished { seq, id, record };
            Ok(rows.into_iter().map(unpublished).collect())
        })
        .await
    }

    /// Kafka has these.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn published(&self, seqs: &[i64]) -> Result<(), FrontierError> {
        self.keep_trying(|| async {
            sqlx::query("UPDATE crawler_listings SET published_at = now() WHERE seq = ANY($1)")
                .bind(seqs)
                .execute(&self.pool)
                .await
                .map(drop)
        })
        .await
    }

    /// Kafka will never take this one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn unpublishable(&self, seq: i64, why: &str) -> Result<(), FrontierError> {
        self.keep_trying(|| async {
            sqlx::query("UPDATE crawler_listings SET refused = $2 WHERE seq = $1")
                .bind(seq)
                .bind(why)
                .execute(&self.pool)
                .await
                .map(drop)
        })
        .await
    }
}

/// Keeps a listing as a new version where it differs from the last one: 1 where it does.
pub(super) async fn keep(
    connection: &mut PgConnection,
    page: &str,
    listing: &Listing,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "WITH last AS (\
           SELECT version, digest, gone_at FROM crawler_listings WHERE id = $1 \
           ORDER BY version DESC LIMIT 1) \
         INSERT INTO crawler_listings (id, version, url, record, provenance, digest) \
         SELECT $1, coalesce((SELECT version FROM last), 0) + 1, $2, $3::jsonb, $4::jsonb, $5 \
         WHERE NOT EXISTS (SELECT FROM last WHERE digest = $5 AND gone_at IS NULL)",
    )
    .bind(&listing.id)
    .bind(page)
    .bind(serde_json::json!(listing.record).to_string())
    .bind(serde_json::json!(listing.provenance).to_string())
    .bind(listing.digest())
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// The page of these listings is gone.
pub(super) async fn gone(connection: &mut PgConnection, page: &str) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE crawler_listings SET gone_at = now() WHERE url = $1 AND gone_at IS NULL")
        .bind(page)
        .execute(connection)
        .await
        .map(drop)
}
