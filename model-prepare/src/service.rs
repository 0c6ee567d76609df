//! Training by schedule and on demand, behind the HTTP interface.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use common::{Health, Shutdown, database, http};
use tokio_cron_scheduler::{Job, JobScheduler};

use crate::Config;
use crate::control::{Control, Refusal};

/// How often the time of the next run is looked up for `/status`.
const LOOK: Duration = Duration::from_millis(500);

/// Says whether an expression is a schedule.
///
/// # Errors
/// When it is not; the message has an example.
pub fn check_schedule(expression: &str) -> anyhow::Result<()> {
    job(expression, None).map(drop)
}

fn job(expression: &str, control: Option<Arc<Control>>) -> anyhow::Result<Job> {
    Job::new_async(expression, move |_, _| {
        let control = control.clone();
        Box::pin(async move {
            let Some(control) = control else { return };
            // A failure has been said and counted; the schedule goes on.
            if let Err(Refusal::Busy) = control.train().await {
                tracing::warn!("the training before is still running: this one is left out");
            }
        })
    })
    .map_err(|_| {
        anyhow::anyhow!(
            "{expression:?} is not a schedule: expected six parts, second minute hour day month \
             weekday, in UTC, such as \"0 0 3 * * *\" (every day at 3) or \"0 */10 * * * *\" \
             (every ten minutes)"
        )
    })
}

/// Trains by `schedule`, where there is one, and on `POST /train`, until shutdown; `listener`
/// serves the HTTP interface. A training that fails is reported, and the schedule goes on.
///
/// # Errors
/// When a setting is wrong, or something fails that waiting does not mend.
pub async fn run(
    config: Config,
    schedule: Option<String>,
    listener: TcpListener,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    serve(config, schedule, false, listener, shutdown).await
}

/// The same, and trains when `prepare.watch.new_rows` listings have been stored since the last
/// training; one that failed is tried again, with longer and longer pauses.
///
/// # Errors
/// As [`run`].
pub async fn watch(
    config: Config,
    schedule: Option<String>,
    listener: TcpListener,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    serve(config, schedule, true, listener, shutdown).await
}

async fn serve(
    config: Config,
    schedule: Option<String>,
    watches: bool,
    listener: TcpListener,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    if let Some(expression) = &schedule {
        check_schedule(expression)?;
    }
    crate::config::check_registry(&config.registry.path)?;
    // A service that breaks off takes its HTTP interface with it.
    let leave = shutdown.child_token();
    let _leave_on_return = leave.clone().drop_guard();
    let health = Health::needing(&["database"]);
    let database_config = config.database.patient();
    let control = Arc::new(Control::new(config, schedule.clone()));
    let server = tokio::spawn(http::serve(
        listener,
        health.clone(),
        control.status(),
        control.routes(),
        leave.clone(),
    ));
    let Some(pool) = database::connect(&database_config, &health, &shutdown).await? else {
        return Ok(());
    };
    control.connected(pool.clone());
    let scheduled = async {
        match &schedule {
            Some(expression) => follow(expression, &control, &shutdown).await,
            None => {
                shutdown.cancelled().await;
                Ok(())
            }
        }
    };
    let watched = async {
        if watches {
            control.watches();
            return crate::watch::watch(&control, &pool, &shutdown).await;
        }
        Ok(())
    };
    tokio::try_join!(scheduled, watched)?;
    control.idle().await;
    leave.cancel();
    server.await.context("the HTTP task broke off")?
}

async fn follow(
    expression: &str,
    control: &Arc<Control>,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let mut scheduler = JobScheduler::new().await?;
    let id = scheduler
        .add(job(expression, Some(Arc::clone(control)))?)
        .await?;
    scheduler.start().await?;
    tracing::info!("training by schedule {expression:?} (UTC); Ctrl-C leaves");
    while !shutdown.is_cancelled() {
        let next = scheduler.next_tick_for_job(id).await?;
        control.next_run(next.map(|at| records::timestamp::format(at.timestamp_micros())));
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = shutdown.cancelled() => {}
        }
    }
    Ok(scheduler.shutdown().await?)
}
