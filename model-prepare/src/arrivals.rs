//! How many listings data-loader has stored, now and when the newest version was fitted.

use common::database::within;
use registry::RegistryConfig;
use sqlx::PgPool;

use crate::deadline::SHORT_QUERY;
use crate::run_files::names::ARRIVED;

/// Records that were ever stored in `table`; 0 where the loader has not run yet.
///
/// # Errors
/// When the database fails, or does not answer within [`SHORT_QUERY`].
pub(crate) async fn stored(pool: &PgPool, table: &str) -> Result<u64, sqlx::Error> {
    within(pool, SHORT_QUERY, async |connection| {
        ledger::arrivals::stored(connection, table).await
    })
    .await
}

/// Rows that had been stored when the newest version was fitted, as its run says; where it does not,
/// all there are: only what comes from now on is known to be new.
pub(crate) async fn arrived_before_newest(
    pool: &PgPool,
    table: &str,
    registry: &RegistryConfig,
) -> anyhow::Result<u64> {
    let config = registry.clone();
    let looking = tokio::task::spawn_blocking(move || -> anyhow::Result<Option<String>> {
        let registry = registry::open(&config)?;
        let Some(newest) = registry.versions()?.pop() else {
            return Ok(Some("0".to_owned()));
        };
        let Some(run) = registry.info(newest.number)?.run else {
            return Ok(None);
        };
        let run = registry.run(&run)?;
        Ok(run.and_then(|run| run.params.get(ARRIVED).cloned()))
    });
    match looking.await??.and_then(|text| text.parse().ok()) {
        Some(before) => Ok(before),
        None => Ok(stored(pool, table).await?),
    }
}
