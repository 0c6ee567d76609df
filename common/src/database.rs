//! PostgreSQL: the pool, deadlines, the tables, and waiting for a server that is late.

mod config;
mod patience;
mod pooler;
mod session;
mod spare;
pub(crate) mod tables;
mod timeouts;

use std::time::Duration;

use anyhow::Context;
use backon::{ExponentialBuilder, Retryable};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use crate::fault::Fault;
use crate::health::Health;
use crate::shutdown::Shutdown;

pub use config::DatabaseConfig;
pub use patience::Patience;
pub(crate) use pooler::Pooler;
pub use session::{Session, patiently, within};
pub use spare::Spare;
pub use tables::make_tables;
pub use timeouts::Timeouts;

/// Connects, retrying with backoff until the server answers; `None` when shut down before.
///
/// # Errors
/// When the URL is missing or is not a URL, or a pooler is in front of the server that the services cannot
/// work through: waiting would not help.
pub async fn connect(
    config: &DatabaseConfig,
    health: &Health,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<PgPool>> {
    let options = config.options()?;
    let place = place(&options);
    health.waiting("database", format!("connecting to PostgreSQL at {place}"));
    let attempt = || connect_once(config, &options);
    let connecting = attempt.retry(forever()).notify(|error, wait| {
        let why = format!("PostgreSQL at {place} does not answer: {error}");
        tracing::warn!(retry_in_ms = wait.as_millis() as u64, "{why}");
        health.waiting("database", why);
    });
    tokio::select! {
        pool = connecting => {
            let (pool, pooler) = pool?;
            if let Some(pooler) = pooler {
                pooler.must_serve()?;
                tracing::warn!(place, "{}", pooler.remark());
            }
            health.ready("database");
            Ok(Some(pool))
        }
        () = shutdown.cancelled() => Ok(None),
    }
}

/// A pool with one connection in it, and the pooler that is in front of the server, if any.
async fn connect_once(
    config: &DatabaseConfig,
    options: &PgConnectOptions,
) -> Result<(PgPool, Option<Pooler>), sqlx::Error> {
    let limit = Duration::from_millis(config.timeout_ms);
    let pooler = match tokio::time::timeout(limit, Pooler::before(config, options)).await {
        Ok(found) => found?,
        Err(_) => return Err(sqlx::Error::PoolTimedOut),
    };
    let (options, statement) = match &pooler {
        None => (config.timeouts.on_start(options), None),
        Some(pooler) if pooler.keeps_sessions() => {
            (options.clone(), Some(config.timeouts.as_statement()))
        }
        Some(_) => (options.clone(), None),
    };
    let pool = session::pool_options(statement)
        .max_connections(config.max_connections)
        .acquire_timeout(limit)
        .connect_with(options)
        .await?;
    Ok((pool, pooler))
}

/// Where the server is, for people.
pub(crate) fn place(options: &PgConnectOptions) -> String {
    format!("{}:{}", options.get_host(), options.get_port())
}

/// Connects, brings the tables of [`ledger`] up to date and makes those of `sql` that are missing,
/// retrying with backoff until all is done; `None` when shut down before. Where nothing is missing, no lock
/// is waited for and no DDL is run.
///
/// # Errors
/// When the URL is missing or is not a URL, or the user may not make or alter a table that is missing or too
/// old: waiting would not help.
pub async fn open(
    config: &DatabaseConfig,
    sql: &str,
    health: &Health,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<PgPool>> {
    let Some(pool) = connect(config, health, shutdown).await? else {
        return Ok(None);
    };
    let making = (|| tables::prepare(&pool, sql))
        .retry(forever())
        .when(|error| Fault::of_database(error.database()) != Fault::Setup)
        .notify(|error, wait| {
            let why = format!("the tables are not ready: {}", error.whole());
            tracing::warn!(retry_in_ms = wait.as_millis() as u64, "{why}");
            health.waiting("database", why);
        });
    tokio::select! {
        made = making => {
            made.context(
                "cannot create the tables: allow the user of database.url to create tables, and \
                 make it the owner of existing ones; --check names each",
            )?;
            health.ready("database");
        }
        () = shutdown.cancelled() => return Ok(None),
    }
    Ok(Some(pool))
}

/// A connection to the same database whose commits are not waited for: a crash of the server may
/// lose the last ones, in order. For what can be done again. Through a pooler commits are waited for, as
/// the session may be another's a moment later.
pub fn relaxed(pool: &PgPool) -> PgPool {
    single(pool, [("synchronous_commit", "off")])
}

/// A connection to the same database for lookups by key that come again and again: they are planned once, by
/// the key's index, also where the table was empty then. Through a pooler they are planned as any others.
pub fn lookups(pool: &PgPool) -> PgPool {
    let settings = [
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_seqscan", "off"),
    ];
    single(pool, settings)
}

/// A pool of one connection with settings of its own, where a session is the client's own.
fn single<const N: usize>(pool: &PgPool, settings: [(&str, &str); N]) -> PgPool {
    let mut options = PgConnectOptions::clone(&pool.connect_options());
    if timeouts::are_in(&options) {
        options = options.options(settings);
    }
    session::pool_options(None)
        .max_connections(1)
        .acquire_timeout(pool.options().get_acquire_timeout())
        .connect_lazy_with(options)
}

/// Backoff from 0.1 s to 5 s with jitter, without end: for things that come back.
pub fn forever() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times()
}
