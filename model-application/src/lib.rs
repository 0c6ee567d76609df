//! Answers requests for a price, over Kafka and over HTTP, from one code path.
//!
//! One request, one answer: an answer is stored under its request's id before it is published, the
//! stored one is published again after a crash, and the offset is advanced last.

mod apply;
mod config;
mod control;
mod predict;
mod price;
mod serving;
mod store;

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::Context;
use common::kafka::Anchor;
use common::{Health, Shutdown, database, http, kafka};
use records::Schema;

pub use config::{ApplierConfig, Config};

/// SQL of all tables the applier writes.
pub fn tables(_schema: &Schema) -> String {
    format!(
        "{}{}{}",
        store::DDL,
        common::offsets::DDL,
        common::rejects::DDL
    )
}

/// Answers until shutdown; `listener` serves the HTTP interface.
///
/// # Errors
/// When a setting is wrong, or something fails that waiting does not mend.
pub async fn run(config: Config, listener: TcpListener, shutdown: Shutdown) -> anyhow::Result<()> {
    config.kafka.check()?;
    // A service that breaks off takes its HTTP interface with it.
    let leave = shutdown.child_token();
    let _leave_on_return = leave.clone().drop_guard();
    let health = Health::default();
    let serving = Arc::new(serving::Serving::new(
        &config.registry,
        Arc::clone(&config.schema),
        health.clone(),
    ));
    let control = Arc::new(control::Control::new(Arc::clone(&serving)));
    let (queue, waiting) = tokio::sync::mpsc::channel(config.applier.store_queue.max(1));
    let predictor = Arc::new(predict::Predictor::new(
        &config,
        Arc::clone(&serving),
        queue,
    ));
    let server = tokio::spawn(http::serve(
        listener,
        health.clone(),
        control.status(),
        predict::routes(predictor),
        leave.clone(),
    ));
    tokio::spawn(serving::follow(
        Arc::clone(&serving),
        config.applier.model_poll_ms,
        leave.clone(),
    ));
    let tables = tables(&config.schema);
    let Some(pool) = database::open(&config.database, &tables, &health, &shutdown).await? else {
        return Ok(());
    };
    let storing = tokio::spawn(store::store_queued(pool.clone(), waiting, leave.clone()));
    let topics = &config.kafka.topics;
    let needed = [&*topics.requests, &*topics.answers, &*topics.rejects];
    let Some(cluster) = kafka::open(&config.kafka, &needed, &health, &shutdown).await? else {
        return Ok(());
    };
    let anchor = Anchor {
        pool,
        cluster,
        consumer: config.applier.group.clone(),
    };
    let runtime = tokio::runtime::Handle::current();
    let loop_shutdown = shutdown.clone();
    tokio::task::spawn_blocking(move || {
        let _entered = runtime.enter();
        apply::Applier::new(&config, anchor, health, serving, control, loop_shutdown)?.run(&runtime)
    })
    .await
    .context("the answering thread broke off")??;
    leave.cancel();
    server.await.context("the HTTP task broke off")??;
    storing.await.context("the storing task broke off")
}
