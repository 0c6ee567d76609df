//! Online learning: reads the topic of new data as it streams and moves a line after the market.
//!
//! What is learned, what was read and the newest records are written in one transaction with the next
//! offsets: killed at any moment and started again it continues where it was, to the last bit.

mod base;
pub(crate) mod config;
mod control;
mod counts;
mod learner;
mod packed;
mod publish;
mod recent;
pub(crate) mod screen;
mod store;
mod stored;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use common::kafka::Anchor;
use common::{Health, Shutdown, database, http, kafka};

use self::config::Follow;
use self::control::Control;
use self::learner::Learner;
use self::screen::Screen;
use self::store::Store;
use crate::config::check_registry;
use crate::metrics;
use crate::training_lock::TrainingLock;

/// Pause before a follower asks again whether another of its name is gone.
const ELSEWHERE: Duration = Duration::from_secs(1);

/// SQL of all tables a follower writes, for `--check`.
pub(crate) fn tables() -> String {
    format!("{}{}", ledger::offsets::DDL, store::DDL)
}

/// Follows until shutdown, or until it has read what it was to read; `listener` serves the HTTP
/// interface, the coefficients are shown on `screen`.
///
/// # Errors
/// When a setting is wrong, or something fails that waiting does not fix.
pub async fn follow(
    options: Follow,
    screen: Screen,
    listener: TcpListener,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    common::telemetry::declare(metrics::ALL);
    options.kafka.check()?;
    options.follow.options().check()?;
    check_registry(&options.training.registry.path)?;
    let health = Health::needing(&["database", "kafka", "turn", "base", "partitions"]);
    let shutdown = http::drained(&options.training.http, &health, &shutdown);
    // A service that fails takes its HTTP interface with it.
    let leave = shutdown.child_token();
    let _leave_on_return = leave.clone().drop_guard();
    let control = Arc::new(Control::default());
    let server = tokio::spawn(http::serve(
        options.training.http.clone(),
        listener,
        health.clone(),
        control.status(),
        |_| {},
        leave.clone(),
    ));
    let database = options.training.database.patient();
    let Some(pool) = database::open(&database, store::DDL, &health, &shutdown).await? else {
        return Ok(());
    };
    let needed = [&*options.kafka.topics.new_data];
    let Some(cluster) = kafka::open(&options.kafka, &needed, &health, &shutdown).await? else {
        return Ok(());
    };
    let group = options.follow.group.clone();
    let name = format!("hedonic: following as {group}");
    let lock = loop {
        if let Some(lock) = TrainingLock::try_named(&pool, name.clone()).await? {
            health.ready("turn");
            break lock;
        }
        let why = format!("another follower runs as {group} (follow.group): waiting for its end");
        tracing::info!("{why}");
        health.waiting("turn", why);
        tokio::select! {
            () = tokio::time::sleep(ELSEWHERE) => {}
            () = shutdown.cancelled() => return Ok(()),
        }
    };
    let store = Store {
        anchor: Anchor {
            pool,
            cluster,
            consumer: group,
        },
    };
    let standing = base::stand(&options, &store, &health, &shutdown).await?;
    if let Some(standing) = standing {
        let (shutdown, runtime) = (shutdown.clone(), tokio::runtime::Handle::current());
        tokio::task::spawn_blocking(move || {
            let _entered = runtime.enter();
            Learner::new(options, standing, store, control, screen, health, shutdown)?.run()
        })
        .await
        .context("the following thread stopped")??;
    }
    lock.release().await;
    leave.cancel();
    server.await.context("the HTTP task stopped")?
}
