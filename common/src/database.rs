//! PostgreSQL: the pool, and waiting for a server that is late.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use serde::Deserialize;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Executor, PgPool};

use crate::health::Health;
use crate::secret::Secret;
use crate::shutdown::Shutdown;

/// Key of the advisory lock under which tables are made: several services start at once.
const TABLES_LOCK: i64 = 0x0068_6564_6f6e_6963;

/// Section `[database]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// Where the database is; carries the password.
    pub url: Secret,
    /// Bounds what one service takes of the server's connections.
    pub max_connections: u32,
    /// Bounds the wait for a connection.
    pub timeout_ms: u64,
}

impl DatabaseConfig {
    /// The URL as what connects.
    ///
    /// # Errors
    /// When it is missing or is no URL; the message does not repeat it.
    pub(crate) fn options(&self) -> anyhow::Result<PgConnectOptions> {
        anyhow::ensure!(
            !self.url.is_empty(),
            "no database is set: give --database-url, DATABASE_URL or database.url, \
             such as postgres://user:password@host:5432/hedonic"
        );
        self.url.expose().parse().map_err(|_| {
            // The parser's message may repeat the password.
            anyhow::anyhow!(
                "the database URL is not valid; expected postgres://user:password@host:5432/database"
            )
        })
    }
}

/// Connects, retrying with backoff until the server answers; `None` when shut down before.
///
/// # Errors
/// When the URL is missing or is no URL: waiting would not help.
pub async fn connect(
    config: &DatabaseConfig,
    health: &Health,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<PgPool>> {
    let options = config.options()?;
    let place = place(&options);
    health.waiting("database", format!("connecting to PostgreSQL at {place}"));
    let attempt = || async {
        PgPoolOptions::new()
            .max_connections(config.max_connections)
            .acquire_timeout(Duration::from_millis(config.timeout_ms))
            .connect_with(options.clone())
            .await
    };
    let connecting = attempt.retry(forever()).notify(|error, wait| {
        let why = format!("PostgreSQL at {place} does not answer: {error}");
        tracing::warn!(retry_in_ms = wait.as_millis() as u64, "{why}");
        health.waiting("database", why);
    });
    tokio::select! {
        pool = connecting => {
            health.ready("database");
            Ok(Some(pool?))
        }
        () = shutdown.cancelled() => Ok(None),
    }
}

/// Where the server is, for people.
pub(crate) fn place(options: &PgConnectOptions) -> String {
    format!("{}:{}", options.get_host(), options.get_port())
}

/// Connects and makes tables with `sql`, retrying with backoff until both are done; `None` when
/// shut down before.
///
/// # Errors
/// When the URL is missing or is no URL: waiting would not help.
pub async fn open(
    config: &DatabaseConfig,
    sql: &str,
    health: &Health,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<PgPool>> {
    let Some(pool) = connect(config, health, shutdown).await? else {
        return Ok(None);
    };
    let making = (|| make_tables(&pool, sql))
        .retry(forever())
        .notify(|error, wait| {
            let why = format!("the tables cannot be made: {error}");
            tracing::warn!(retry_in_ms = wait.as_millis() as u64, "{why}");
            health.waiting("database", why);
        });
    tokio::select! {
        made = making => {
            made?;
            health.ready("database");
        }
        () = shutdown.cancelled() => return Ok(None),
    }
    Ok(Some(pool))
}

/// A connection to the same database whose commits are not waited for: a crash of the server may
/// lose the last ones, in order. For what can be done again.
pub fn relaxed(pool: &PgPool) -> PgPool {
    let options = PgConnectOptions::clone(&pool.connect_options());
    PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(pool.options().get_acquire_timeout())
        .connect_lazy_with(options.options([("synchronous_commit", "off")]))
}

/// Makes tables with `sql`; several services may do so at once.
///
/// # Errors
/// When the database refuses.
pub async fn make_tables(pool: &PgPool, sql: &str) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(TABLES_LOCK)
        .execute(&mut *transaction)
        .await?;
    transaction.execute(sql).await?;
    transaction.commit().await
}

/// Backoff from 0.1 s to 5 s with jitter, without end: for things that come back.
pub fn forever() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times()
}
