//! Training when enough new listings have come or the champion's answers are too far off, and again,
//! later, where a training failed.

use std::sync::Arc;
use std::time::Duration;

use common::liveness::LivenessConfig;
use common::{Fault, Health, Shutdown};
use ledger::arrivals::CHANNEL;
use sqlx::PgPool;
use sqlx::postgres::PgListener;

use super::auto_rollback;
use super::control::{Control, Refusal};
use super::live_error::{Live, live};
use crate::arrivals::{arrived_before_newest, stored};

/// How often it looks without a notice: a notice may be lost with its connection.
const LOOK: Duration = Duration::from_secs(2);
/// Longest one look may take: a database that is silent must not stop the next.
const LONGEST_LOOK: Duration = Duration::from_secs(60);
/// The part of the health report that this is about.
const PART: &str = "watching";
/// How often the live error is checked: it is computed no more often.
const LIVE_LOOK: Duration = Duration::from_secs(5);

/// Looks that failed, one after the other.
struct Failures {
    health: Health,
    /// After so many it is not ready.
    most: u32,
    in_a_row: u32,
    /// Of those, the last ones that waiting does not fix.
    of_setup: u32,
}

impl Failures {
    fn new(health: &Health, liveness: &LivenessConfig) -> Failures {
        Failures {
            health: health.clone(),
            most: liveness.unready_after_retries.max(1),
            in_a_row: 0,
            of_setup: 0,
        }
    }

    fn none(&mut self) {
        if self.in_a_row >= self.most {
            self.health.ready(PART);
        }
        (self.in_a_row, self.of_setup) = (0, 0);
    }

    /// One more; it is retried.
    ///
    /// # Errors
    /// When trying again will not help. Not at the first time: another service may be making the
    /// tables just now.
    fn count(&mut self, error: anyhow::Error) -> anyhow::Result<()> {
        self.in_a_row = self.in_a_row.saturating_add(1);
        let fault = error
            .chain()
            .find_map(|cause| cause.downcast_ref::<sqlx::Error>())
            .map(Fault::of_database);
        self.of_setup = match fault {
            Some(Fault::Setup) => self.of_setup + 1,
            _ => 0,
        };
        let why = format!("cannot see what has arrived: {error:#}");
        tracing::warn!(failures = self.in_a_row, "{why}");
        if self.of_setup >= self.most {
            return Err(error.context(
                "cannot count the arrived listings, and waiting will not help: check the tables and the rights \
                 of the database (--check names what is missing)",
            ));
        }
        if self.in_a_row >= self.most {
            self.health.waiting(PART, why);
        }
        Ok(())
    }
}

/// Trains whenever it is time to, until shutdown.
///
/// # Errors
/// When it cannot see what has arrived, and waiting will not help.
pub(crate) async fn watch(
    control: &Arc<Control>,
    pool: &PgPool,
    health: &Health,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let table = control.table().to_owned();
    let mut failures = Failures::new(health, control.liveness());
    let mut listener: Option<PgListener> = None;
    while !shutdown.is_cancelled() {
        let looking = tokio::time::timeout(LONGEST_LOOK, look(control, pool, &table));
        let found = tokio::select! {
            found = looking => found.unwrap_or_else(|_| Err(anyhow::anyhow!(
                "no answer within {} s", LONGEST_LOOK.as_secs()
            ))),
            () = shutdown.cancelled() => return Ok(()),
        };
        match found {
            Ok(is_due) => {
                failures.none();
                if is_due {
                    train(control).await;
                }
            }
            Err(error) => failures.count(error)?,
        }
        if listener.is_none() {
            let listening = tokio::time::timeout(LONGEST_LOOK, listen(pool));
            listener = listening.await.ok().flatten();
        }
        let notified = async {
            match &mut listener {
                Some(listener) => listener
                    .try_recv()
                    .await
                    .is_ok_and(|notice| notice.is_some()),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            is_connected = notified => if !is_connected {
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
    listener.listen(CHANNEL).await.ok()?;
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
    let found = auto_rollback::look(pool, control.schema(), control.registry(), settings).await?;
    Ok(found.is_some_and(|found| control.compared(&found)))
}

/// Whether it is time to train.
async fn look(control: &Arc<Control>, pool: &PgPool, table: &str) -> anyhow::Result<bool> {
    let stored = stored(pool, table).await?;
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
        return Ok(false);
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
        return Ok(false);
    }
    Ok(true)
}

async fn train(control: &Arc<Control>) {
    match Arc::clone(control).train().await {
        Err(Refusal::Busy | Refusal::Elsewhere(_)) => {
            tracing::info!("another training is running: this one waits");
        }
        // A failure is logged and counted.
        Ok(_) | Err(Refusal::NoDatabase | Refusal::Failed(_)) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: u32 = 3;

    fn failures(health: &Health) -> Failures {
        let layered = common::Layered::defaults().expect("the defaults");
        let liveness = LivenessConfig {
            unready_after_retries: MOST,
            ..layered.section("liveness").expect("a section")
        };
        Failures::new(health, &liveness)
    }

    #[test]
    fn looks_that_go_on_failing_are_seen_and_what_waiting_does_not_mend_ends_the_service() {
        let health = Health::default();
        let mut failures = failures(&health);
        let passing = || anyhow::Error::new(sqlx::Error::PoolTimedOut).context("looking");
        for number in 1..=2 * MOST {
            failures.count(passing()).expect("it is tried again");
            assert_eq!(health.is_ready(), number < MOST, "{number}");
        }
        assert!(health.report()[PART].contains("cannot see what has arrived"));
        failures.none();
        assert!(health.is_ready());

        let setup = || anyhow::Error::new(sqlx::Error::ColumnNotFound("stored".to_owned()));
        failures.count(setup()).expect("once may be a migration");
        failures.count(passing()).expect("it is tried again");
        for _ in 1..MOST {
            failures.count(setup()).expect("it is tried again");
        }
        let error = failures.count(setup()).expect_err("it is not mended");
        assert!(format!("{error:#}").contains("--check"), "{error:#}");
    }
}
