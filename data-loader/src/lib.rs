//! Micro-batches from Kafka to PostgreSQL, exactly once.
//!
//! Rows, rejects and the next offset of each partition are written in one transaction, which only
//! goes through while the stored offsets are still those the batch started from.

mod batch;
mod check;
mod config;
mod control;
mod delist;
mod load;
pub mod metrics;
mod minute_log;
mod origins;
mod pace;
mod refusal;
pub mod rejects;
mod route;
mod stage;
mod statements;
mod store;
mod write;
mod written;

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::Context;
use common::kafka::Anchor;
use common::retention;
use common::{Health, Service, Shutdown, database, http, kafka};
use records::Schema;

pub use config::{Config, LoaderConfig};
pub use control::Control;

/// SQL of the table that the schema describes; those of `ledger` are made by `database::open`.
pub fn tables(schema: &Schema) -> String {
    records::table::ddl(schema) + &records::table::upgrade(schema)
}

/// Loads until shutdown; `listener` serves the HTTP interface.
///
/// # Errors
/// When a setting is wrong, or something fails that waiting does not fix.
pub fn run(config: Config, listener: TcpListener, shutdown: Shutdown) -> Service {
    Box::pin(work(config, listener, shutdown))
}

async fn work(config: Config, listener: TcpListener, shutdown: Shutdown) -> anyhow::Result<()> {
    common::telemetry::declare(metrics::ALL);
    config.kafka.check()?;
    let health = Health::needing(&["database", "kafka", "partitions"]);
    let shutdown = http::drained(&config.http, &health, &shutdown);
    // A service that fails takes its HTTP interface with it.
    let leave = shutdown.child_token();
    let _leave_on_return = leave.clone().drop_guard();
    let control = Arc::new(Control::new(config.loader.autostart));
    let server = tokio::spawn(http::serve(
        config.http.clone(),
        listener,
        health.clone(),
        control.status(),
        control.routes(),
        leave.clone(),
    ));
    let tables = tables(&config.schema);
    let Some(pool) = database::open(&config.database, &tables, &health, &shutdown).await? else {
        return Ok(());
    };
    let listings = [config.listings()];
    if !common::check::must_fit(&pool, &listings, &health, &shutdown).await? {
        return Ok(());
    }
    tokio::spawn(retention::keep(
        pool.clone(),
        config.retention,
        leave.clone(),
    ));
    let topics = &config.kafka.topics;
    let needed = [&*topics.new_data, &*topics.rejects];
    let Some(cluster) = kafka::open(&config.kafka, &needed, &health, &shutdown).await? else {
        return Ok(());
    };
    let anchor = Anchor {
        pool,
        cluster,
        consumer: config.loader.group.clone(),
    };
    let loop_shutdown = shutdown.clone();
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let _entered = runtime.enter();
        load::Loader::new(&config, &runtime, anchor, health, control, loop_shutdown)?.run(&runtime)
    })
    .await
    .context("the loading thread ended unexpectedly")??;
    leave.cancel();
    server.await.context("the HTTP task ended unexpectedly")?
}
