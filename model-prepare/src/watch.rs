//! Training when enough new listings have come or the champion's answers are too far off, and again,
//! later, where a training failed.

use std::sync::Arc;
use std::time::Duration;

use common::Shutdown;
use ledger::arrivals;
use registry::RegistryConfig;
use serde::Deserialize;
use sqlx::PgPool;
use sqlx::postgres::PgListener;

use crate::control::{Control, Refusal};
use crate::live::{Live, live};
use crate::setback;

/// How often is looked without being told: a notice may be lost with its connection.
const LOOK: Duration = Duration::from_secs(2);
/// How often the live error is looked at: it is worked out no more often.
const LIVE_LOOK: Duration = Duration::from_secs(5);
/// The parameter of a run that says how many rows had been stored when it began.
pub(crate) const ARRIVED: &str = "data.arrived";

/// Section `[prepare.watch]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchConfig {
    /// Listings stored since the last training that make the next one worth it; 0: none do.
    pub new_rows: u64,
    /// The least pause between the beginnings of two trainings: listings may pour in.
    pub pause_s: u64,
    /// Pause before a training that failed is tried again; doubled each time.
    pub retry_s: u64,
    /// The longest that pause becomes.
    pub retry_most_s: u64,
    /// Train when the champion's median error on live answers is beyond so many times that of its
    /// hold-out; 0: it is not looked at. Once a champion: if that does not help, listings must come.
    pub live_error_factor: f64,
    /// Known prices that a live error must rest on.
    pub live_min_labelled: u64,
    /// Roll back where the champion's live error is beyond the one's before it by this share, chance
    /// left aside; 0: it is not looked at.
    pub live_rollback_margin: f64,
    /// Known prices that each of the two must rest on.
    pub live_rollback_min: u64,
    /// Versions that stay beside those with an alias: a loop would fill any disk. 0: all.
    pub keep_versions: usize,
}

impl WatchConfig {
    /// How long to wait after so many failures in a row.
    pub(crate) fn pause_after(&self, failures: u32) -> Duration {
        let doubled = 1_u64
            .checked_shl(failures.saturating_sub(1))
            .unwrap_or(u64::MAX);
        let pause_s = self.retry_s.saturating_mul(doubled);
        Duration::from_secs(pause_s.min(self.retry_most_s).max(1))
    }
}

/// Rows that the loader has stored in all.
pub(crate) async fn arrived(pool: &PgPool, table: &str) -> Result<u64, sqlx::Error> {
    // The loader makes the table: it may not have been here yet.
    let is_there: bool = sqlx::query_scalar("SELECT to_regclass('arrivals') IS NOT NULL")
        .fetch_one(pool)
        .await?;
    if !is_there {
        return Ok(0);
    }
    let stored: i64 = sqlx::query_scalar(
        "SELECT coalesce(sum(stored), 0)::bigint FROM arrivals WHERE source = $1",
    )
    .bind(table)
    .fetch_one(pool)
    .await?;
    Ok(u64::try_from(stored).unwrap_or(0))
}

/// Rows that had been stored when the newest version was fitted, as its run says; where it does not,
/// all there are: only what comes from now on is known to be new.
async fn arrived_before_newest(
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
        None => Ok(arrived(pool, table).await?),
    }
}

/// Trains whenever it is time to, until shutdown.
///
/// # Errors
/// None but those of a task that broke off: what fails is said, and tried again.
pub(crate) async fn watch(
    control: &Arc<Control>,
    pool: &PgPool,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let table = control.table().to_owned();
    let mut listener: Option<PgListener> = None;
    while !shutdown.is_cancelled() {
        if let Err(error) = look(control, pool, &table).await {
            tracing::warn!("cannot see what has arrived: {error:#}");
        }
        if listener.is_none() {
            listener = listen(pool).await;
        }
        let told = async {
            match &mut listener {
                Some(own) => own.try_recv().await.is_ok_and(|told| told.is_some()),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            is_whole = told => if !is_whole {
                // The connection is gone: another is made at the next look.
                listener = None;
            },
            () = tokio::time::sleep(LOOK) => {}
            () = shutdown.cancelled() => {}
        }
    }
    Ok(())
}

async fn listen(pool: &PgPool) -> Option<PgListener> {
    let mut listener = PgListener::connect_with(pool).await.ok()?;
    listener.listen(arrivals::CHANNEL).await.ok()?;
    Some(listener)
}

/// The champion's live error, where it is beyond the bound for the first time.
async fn too_far_off(control: &Arc<Control>, pool: &PgPool) -> anyhow::Result<Option<Live>> {
    let settings = control.watch_settings();
    // A training that failed has a pause of its own.
    if settings.live_error_factor <= 0.0 || control.has_failed() {
        return Ok(None);
    }
    let least = settings.live_min_labelled;
    let found = live(pool, &control.schema().name, control.registry(), least).await?;
    Ok(found.filter(|found| control.is_too_far_off(found)))
}

/// Rolls back where the champion answers worse than the one before it did; true where it has.
async fn rolls_back(control: &Arc<Control>, pool: &PgPool) -> anyhow::Result<bool> {
    let settings = control.watch_settings();
    let found = setback::look(pool, control.schema(), control.registry(), settings).await?;
    Ok(found.is_some_and(|found| control.compared(&found)))
}

/// Looks once, and trains where it is time to.
async fn look(control: &Arc<Control>, pool: &PgPool, table: &str) -> anyhow::Result<()> {
    let stored = arrived(pool, table).await?;
    let before = match control.learned() {
        Some(before) => before,
        None => {
            let found = arrived_before_newest(pool, table, control.registry()).await;
            let before = found.unwrap_or_else(|error| {
                tracing::warn!("{error:#}; only what is stored from now on counts as new");
                stored
            });
            control.set_learned(before);
            before
        }
    };
    let looks_at_live = control.may_look_at_live(LIVE_LOOK);
    if looks_at_live && rolls_back(control, pool).await? {
        return Ok(());
    }
    // Somebody may have emptied the table.
    let new_rows = stored.saturating_sub(before);
    if control.is_due(new_rows) {
        tracing::info!("training: {new_rows} listings are new, or the last one failed");
    } else if looks_at_live && let Some(live) = too_far_off(control, pool).await? {
        tracing::info!(
            "training: v{:06} is off by {:.2} % where it answers, {:.2} % on its hold-out",
            live.champion,
            live.mdape * 100.0,
            live.holdout * 100.0
        );
    } else {
        return Ok(());
    }
    match Arc::clone(control).train().await {
        Err(Refusal::Busy | Refusal::Elsewhere(_)) => {
            tracing::info!("another training is running: this one waits");
        }
        // A failure has been said and counted.
        Ok(_) | Err(Refusal::NoDatabase | Refusal::Failed(_)) => {}
    }
    Ok(())
}
