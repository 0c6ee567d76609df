//! Training by schedule and on demand, behind the HTTP interface.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::Context;
use common::schedule::Schedule;
use common::{Health, Service, Shutdown, database, http};

use super::control::{Control, Refusal};
use super::watch;
use crate::config::{Config, check_registry};
use crate::metrics;

/// Checks the expression of a schedule.
///
/// # Errors
/// When it is not; the message has an example.
pub fn check_schedule(expression: &str) -> anyhow::Result<()> {
    Schedule::parse(expression)?;
    Ok(())
}

/// Trains by `schedule`, where there is one, and on `POST /train`, until shutdown; `listener`
/// serves the HTTP interface. A training that fails is reported, and the schedule continues.
///
/// # Errors
/// When a setting is wrong, or something fails that waiting does not fix.
pub fn run(
    config: Config,
    schedule: Option<String>,
    listener: TcpListener,
    shutdown: Shutdown,
) -> Service {
    Box::pin(serve(config, schedule, false, listener, shutdown))
}

/// The same, and trains when `prepare.watch.new_rows` listings have been stored since the last
/// training; one that failed is retried, with longer and longer pauses.
///
/// # Errors
/// As [`run`].
pub fn watch(
    config: Config,
    schedule: Option<String>,
    listener: TcpListener,
    shutdown: Shutdown,
) -> Service {
    Box::pin(serve(config, schedule, true, listener, shutdown))
}

async fn serve(
    config: Config,
    schedule: Option<String>,
    watches: bool,
    listener: TcpListener,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    common::telemetry::declare(metrics::ALL);
    let moments = schedule.as_deref().map(Schedule::parse).transpose()?;
    check_registry(&config.registry.path)?;
    let health = Health::needing(&["database"]);
    let shutdown = http::drained(&config.http, &health, &shutdown);
    // A service that fails takes its HTTP interface with it.
    let leave = shutdown.child_token();
    let _leave_on_return = leave.clone().drop_guard();
    let (database_config, http_config) = (config.database.patient(), config.http.clone());
    let control = Arc::new(Control::new(config, schedule.clone()));
    let server = tokio::spawn(http::serve(
        http_config,
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
        if let Some(moments) = &moments {
            tracing::info!(schedule, "training by schedule (UTC); Ctrl-C stops it");
            follow(moments, &control, &shutdown).await;
        }
        shutdown.cancelled().await;
        Ok(())
    };
    let watched = async {
        if watches {
            control.watches();
            return watch::watch(&control, &pool, &health, &shutdown).await;
        }
        Ok(())
    };
    tokio::try_join!(scheduled, watched)?;
    control.idle().await;
    leave.cancel();
    server.await.context("the HTTP task stopped")?
}

/// Trains at the schedule's moments until shutdown. A moment that comes while a training runs is left
/// out; of those missed while the process was stopped or the machine slept, one is made up for.
async fn follow(schedule: &Schedule, control: &Arc<Control>, shutdown: &Shutdown) {
    let mut moments = schedule.from_now();
    loop {
        let waiting = moments.next(|next| {
            let next = records::timestamp::format(next.timestamp_micros());
            control.next_run(Some(next));
        });
        tokio::select! {
            () = waiting => {}
            () = shutdown.cancelled() => return,
        }
        let control = Arc::clone(control);
        tokio::spawn(async move {
            // A failure is logged and counted; the schedule continues.
            if let Err(Refusal::Busy) = control.train().await {
                tracing::warn!("the previous training is still running: this one is skipped");
            }
        });
    }
}
