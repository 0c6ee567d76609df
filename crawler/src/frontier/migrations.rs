//! The crawler's tables, by versions: each step is made once, anyone who starts first.

use anyhow::ensure;
use sqlx::{Executor, PgPool};

/// Key of the advisory lock under which steps are made.
const LOCK: i64 = 0x0068_6564_6372_6177;

/// The steps, the oldest first. One that has been released is never changed.
const STEPS: [&str; 1] = [DDL];

/// Step 1.
pub const DDL: &str = "CREATE TABLE IF NOT EXISTS crawler_sites (
    origin text PRIMARY KEY,
    lane text NOT NULL,
    robots_status integer,
    robots_body text NOT NULL,
    robots_error text,
    robots_expires_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS crawler_hosts (
    lane text PRIMARY KEY,
    next_at timestamptz NOT NULL DEFAULT now(),
    busy_until timestamptz,
    failures integer NOT NULL DEFAULT 0,
    stopped_at timestamptz,
    stopped_reason text
);
CREATE TABLE IF NOT EXISTS crawler_pages (
    url text PRIMARY KEY,
    origin text NOT NULL,
    lane text NOT NULL,
    kind text NOT NULL,
    depth integer NOT NULL,
    redirects integer NOT NULL,
    found_on text,
    found_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL,
    reason text,
    detail text,
    not_before timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    checked_at timestamptz,
    fetched_at timestamptz,
    status integer,
    etag text,
    last_modified text,
    bytes bigint,
    rules text,
    extraction jsonb
);
CREATE INDEX IF NOT EXISTS crawler_pages_due ON crawler_pages (lane, state, checked_at);
CREATE TABLE IF NOT EXISTS crawler_listings (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL,
    version integer NOT NULL,
    url text NOT NULL,
    record jsonb NOT NULL,
    provenance jsonb NOT NULL,
    digest text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    refused text,
    gone_at timestamptz,
    UNIQUE (id, version)
);
CREATE INDEX IF NOT EXISTS crawler_listings_url ON crawler_listings (url);
CREATE INDEX IF NOT EXISTS crawler_listings_unpublished ON crawler_listings (seq)
    WHERE published_at IS NULL AND refused IS NULL;
";

/// Makes the steps that the database does not have yet.
///
/// # Errors
/// When the database refuses, or has steps of a newer crawler.
pub async fn migrate(pool: &PgPool) -> anyhow::Result<()> {
    let mut transaction = pool.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *transaction)
        .await?;
    transaction
        .execute(
            "CREATE TABLE IF NOT EXISTS crawler_migrations (
                version integer PRIMARY KEY,
                made_at timestamptz NOT NULL DEFAULT now()
            )",
        )
        .await?;
    let there: i32 = sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM crawler_migrations")
        .fetch_one(&mut *transaction)
        .await?;
    let known = STEPS.len() as i32;
    ensure!(
        there <= known,
        "the tables crawler_* have version {there}, and this crawler knows versions up to {known}: \
         use the newer crawler, or another database"
    );
    for (version, step) in (1..).zip(STEPS).skip(there as usize) {
        transaction.execute(step).await?;
        sqlx::query("INSERT INTO crawler_migrations (version) VALUES ($1)")
            .bind(version)
            .execute(&mut *transaction)
            .await?;
        tracing::info!(version, "created the crawler's tables");
    }
    transaction.commit().await?;
    Ok(())
}
