//! New data is an event: what arrived is counted by minute, and sent to listeners.

use sqlx::{PgConnection, Postgres, Transaction};

/// Channel of `NOTIFY`; the payload is JSON: `{"table": "listings", "stored": 120, "rejected": 3}`.
pub const CHANNEL: &str = "hedonic_arrivals";

/// SQL of the table as the newest migration leaves it, for `init.sql`.
pub const DDL: &str = "CREATE TABLE IF NOT EXISTS arrivals (
    source text NOT NULL,
    minute timestamptz NOT NULL,
    stored bigint NOT NULL,
    rejected bigint NOT NULL,
    PRIMARY KEY (source, minute)
);
";

/// Counts what arrived in `table` within the caller's transaction: listeners hear of it when it is
/// committed. Last before the commit, as other writers wait for the minute's row.
///
/// # Errors
/// When the database fails.
pub async fn count(
    transaction: &mut Transaction<'_, Postgres>,
    table: &str,
    stored: usize,
    rejected: usize,
) -> Result<(), sqlx::Error> {
    let payload = serde_json::json!({ "table": table, "stored": stored, "rejected": rejected });
    sqlx::query(
        "WITH counted AS (\
         INSERT INTO arrivals AS kept (source, minute, stored, rejected) \
         VALUES ($1, date_trunc('minute', now()), $2, $3) \
         ON CONFLICT (source, minute) DO UPDATE SET stored = kept.stored + excluded.stored, \
         rejected = kept.rejected + excluded.rejected) \
         SELECT pg_notify($4, $5)",
    )
    .bind(table)
    .bind(i64::try_from(stored).unwrap_or(i64::MAX))
    .bind(i64::try_from(rejected).unwrap_or(i64::MAX))
    .bind(CHANNEL)
    .bind(payload.to_string())
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Records that were ever stored in `table`; 0 where the loader has not run yet.
///
/// # Errors
/// When the database fails.
pub async fn stored(connection: &mut PgConnection, table: &str) -> Result<u64, sqlx::Error> {
    let is_there: bool = sqlx::query_scalar("SELECT to_regclass('arrivals') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !is_there {
        return Ok(0);
    }
    let stored: i64 = sqlx::query_scalar(
        "SELECT coalesce(sum(stored), 0)::bigint FROM arrivals WHERE source = $1",
    )
    .bind(table)
    .fetch_one(connection)
    .await?;
    Ok(u64::try_from(stored).unwrap_or(0))
}
