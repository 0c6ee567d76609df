//! The champion's error on live answers, as model-application computes it from known prices.

use common::database::within;
use ledger::quality;
use registry::RegistryConfig;
use sqlx::PgPool;

use crate::deadline::SHORT_QUERY;

/// The champion's error on live answers beside what its hold-out let expect; both are median absolute
/// percentage errors, fractions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Live {
    /// Number of the champion.
    pub(crate) champion: u64,
    /// On answers whose price is known, of the shortest window that has enough of them.
    pub(crate) mdape: f64,
    /// On its hold-out.
    pub(crate) holdout: f64,
}

/// The newest figures of the champion with at least `least` known prices; `None` where there are none,
/// or nothing is known of its hold-out.
///
/// # Errors
/// When the registry or the database cannot be read.
pub(crate) async fn live(
    pool: &PgPool,
    schema: &str,
    registry: &RegistryConfig,
    least: u64,
) -> anyhow::Result<Option<Live>> {
    if !within(pool, SHORT_QUERY, async |connection| {
        quality::is_kept(connection).await
    })
    .await?
    {
        return Ok(None);
    }
    let config = registry.clone();
    let looking = tokio::task::spawn_blocking(move || -> anyhow::Result<Option<(u64, f64)>> {
        let registry = registry::open(&config)?;
        let Some(champion) = registry.champion()? else {
            return Ok(None);
        };
        let Some(run) = registry.info(champion.number)?.run else {
            return Ok(None);
        };
        let holdout = registry.run(&run)?.and_then(|run| run.value("mdape"));
        Ok(holdout.map(|holdout| (champion.number, holdout)))
    });
    let Some((champion, holdout)) = looking.await?? else {
        return Ok(None);
    };
    let model = format!("{schema}@{}", registry::Version::name(champion));
    let least = i64::try_from(least).unwrap_or(i64::MAX);
    let found = within(pool, SHORT_QUERY, async |connection| {
        quality::newest_mdape(connection, &model, least).await
    })
    .await?;
    Ok(found.map(|mdape| Live {
        champion,
        mdape,
        holdout,
    }))
}
