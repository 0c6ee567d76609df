//! Answers requests for a price, over Kafka and over HTTP, from one code path.
//!
//! One request, one answer: an answer is stored under its request's id before it is published, the
//! stored one is published again after a crash, and the offset is advanced last.

mod answer;
mod check;
mod config;
mod control;
mod http;
mod levels;
mod lookup;
pub mod metrics;
mod near_names;
mod pending;
mod price;
mod quality;
mod request_options;
mod scorer;
mod serving;
mod source;
mod store;
mod streaming;
mod unseen;

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::{Context, ensure};
use common::kafka::Anchor;
use common::liveness::Retrying;
use common::{Health, Service, Shutdown, database, kafka};
use records::Schema;

pub use answer::{Answer, UnknownFields};
pub use config::{
    ApplierConfig, Config, DashboardConfig, FeaturesConfig, QualityConfig, ScoreConfig,
};
pub use levels::{AnsweredClass, Levels, Probabilities};
pub use quality::Window;
pub use scorer::{Score, Scorer, Scores};
pub use unseen::Unseen;

/// What becomes of answers where `applier.store` is off.
const NOT_STORED: &str = "not stored, and no request is read from Kafka (applier.store = false)";

/// SQL of all tables the applier writes; they are made by `database::open`.
pub fn tables(_schema: &Schema) -> String {
    ledger::migrations::whole()
}

/// Answers until shutdown; `listener` serves the HTTP interface.
///
/// # Errors
/// When a setting is wrong, or something fails that waiting does not fix.
pub fn run(config: Config, listener: TcpListener, shutdown: Shutdown) -> Service {
    Box::pin(work(config, listener, shutdown))
}

async fn work(config: Config, listener: TcpListener, shutdown: Shutdown) -> anyhow::Result<()> {
    common::telemetry::declare(metrics::ALL);
    if !config.applier.store {
        return serve_only(config, listener, shutdown).await;
    }
    ensure!(
        !config.database.url.is_empty(),
        "no database is set, where answers are stored: use --database-url, DATABASE_URL or database.url, such as \
         postgres://user:password@host:5432/hedonic; or --serve-only, which answers over HTTP and stores nothing"
    );
    config.kafka.check()?;
    let health = Health::needing(&["database", "kafka", "partitions"]);
    // A part that cannot continue ends the others; not those who run this service.
    let shutdown = common::http::drained(&config.http, &health, &shutdown);
    // A service that fails takes its HTTP interface with it.
    let leave = shutdown.child_token();
    let _leave_on_return = leave.clone().drop_guard();
    let serving = Arc::new(serving::Serving::new(&config, health.clone())?);
    let watch = Arc::new(quality::Watch::new());
    let rounds = Arc::new(quality::Rounds::new(
        &config,
        Arc::clone(&serving),
        Arc::clone(&watch),
    ));
    let control = Arc::new(control::Control::new(Arc::clone(&serving)));
    let (queue, waiting) = tokio::sync::mpsc::channel(config.applier.store_queue.max(1));
    let pending = Arc::new(pending::Pending::default());
    let lookup = Arc::new(lookup::Lookup::new());
    let predictor = http::Predictor::new(
        &config,
        Arc::clone(&serving),
        Arc::clone(&watch),
        queue,
        Arc::clone(&pending),
        Arc::clone(&lookup),
    );
    let datamart = Arc::new(http::Datamart::new(
        config.features.table.clone(),
        Arc::clone(&config.schema),
    ));
    let dashboard = Arc::new(http::Dashboard::new(
        &config,
        Arc::clone(&serving),
        Arc::clone(&rounds),
        control.status(),
        leave.clone(),
    ));
    let (of_prices, of_quality) = (
        http::routes(Arc::new(predictor), Arc::clone(&datamart), &dashboard),
        quality::routes(Arc::clone(&rounds)),
    );
    let server = tokio::spawn(common::http::serve_on(
        config.applier.http_workers,
        config.http.clone(),
        listener,
        health.clone(),
        control.status(),
        move |routes| {
            of_quality(routes);
            of_prices(routes);
        },
        leave.clone(),
    ));
    tokio::spawn(serving::follow(
        Arc::clone(&serving),
        config.applier.model_poll_ms,
        leave.clone(),
    ));
    let Some(pool) = database::open(&config.database, "", &health, &shutdown).await? else {
        return Ok(());
    };
    datamart.connected(pool.clone());
    dashboard.connected(pool.clone());
    if !common::check::must_fit(&pool, &[], &health, &shutdown).await? {
        return Ok(());
    }
    tokio::spawn(common::retention::keep(
        pool.clone(),
        config.retention,
        leave.clone(),
    ));
    let to_store = store::Queue {
        // Who asked over HTTP has the answer already.
        pool: database::relaxed(&pool),
        waiting,
        pending,
        patience: config.database.patience(),
        retrying: Retrying::new(&health, "storing over HTTP", &config.liveness),
    };
    let storing = {
        let (leave, shutdown) = (leave.clone(), shutdown.clone());
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || {
            let stored = runtime.block_on(store::store_queued(to_store, leave));
            if stored.is_err() {
                // The service ends with the reason.
                shutdown.cancel();
            }
            stored
        })
    };
    tokio::spawn({
        let (pool, leave) = (database::lookups(&pool), leave.clone());
        async move { lookup.serve(pool, leave).await }
    });
    let topics = &config.kafka.topics;
    let needed = [
        &*topics.requests,
        &*topics.answers,
        &*topics.actuals,
        &*topics.rejects,
    ];
    let Some(cluster) = kafka::open(&config.kafka, &needed, &health, &shutdown).await? else {
        return Ok(());
    };
    let anchor = Anchor {
        pool,
        cluster,
        consumer: config.applier.group.clone(),
    };
    let judging = tokio::spawn(quality::keep(
        rounds,
        anchor.pool.clone(),
        config.database.deadline(),
        leave.clone(),
    ));
    let runtime = tokio::runtime::Handle::current();
    let learning = {
        let (config, anchor, leave) = (config.clone(), anchor.clone(), leave.clone());
        let (runtime, health, ending) = (runtime.clone(), health.clone(), shutdown.clone());
        let answering = Arc::clone(&serving);
        tokio::task::spawn_blocking(move || {
            let _entered = runtime.enter();
            let learned =
                quality::Learner::new(&config, &runtime, &anchor, &health, answering, leave)
                    .and_then(|learner| learner.run(&runtime));
            if learned.is_err() {
                // The service ends with the reason.
                ending.cancel();
            }
            learned
        })
    };
    let loop_shutdown = shutdown.clone();
    let answering = tokio::task::spawn_blocking(move || {
        let _entered = runtime.enter();
        streaming::Applier::new(
            &config,
            anchor,
            health,
            serving,
            watch,
            control,
            loop_shutdown,
        )?
        .run()
    });
    answering
        .await
        .context("the answering thread ended unexpectedly")??;
    leave.cancel();
    learning
        .await
        .context("the thread that stores labels ended unexpectedly")??;
    judging
        .await
        .context("the quality task ended unexpectedly")?;
    server.await.context("the HTTP task ended unexpectedly")??;
    storing
        .await
        .context("the storing task ended unexpectedly")?
}

/// Answers over HTTP from the registry alone: without a database no answer is stored, and without Kafka no
/// request is read from there.
async fn serve_only(
    config: Config,
    listener: TcpListener,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    ensure!(
        !config.applier.adaptive_intervals,
        "applier.adaptive_intervals needs the labels of stored answers, and applier.store is false (--serve-only): \
         set one of the two"
    );
    let health = Health::default();
    health.leave_out("answers", NOT_STORED);
    tracing::warn!("answers over HTTP are {NOT_STORED}");
    let shutdown = common::http::drained(&config.http, &health, &shutdown);
    let leave = shutdown.child_token();
    let _leave_on_return = leave.clone().drop_guard();
    let serving = Arc::new(serving::Serving::new(&config, health.clone())?);
    let watch = Arc::new(quality::Watch::new());
    let rounds = Arc::new(quality::Rounds::new(
        &config,
        Arc::clone(&serving),
        Arc::clone(&watch),
    ));
    let control = Arc::new(control::Control::without_store(
        Arc::clone(&serving),
        NOT_STORED,
    ));
    // Nothing goes into the queue: the predictor settles its answers itself.
    let (queue, _) = tokio::sync::mpsc::channel(1);
    let predictor = http::Predictor::new(
        &config,
        Arc::clone(&serving),
        watch,
        queue,
        Arc::default(),
        Arc::new(lookup::Lookup::new()),
    );
    let datamart = http::Datamart::new(config.features.table.clone(), Arc::clone(&config.schema));
    let dashboard = Arc::new(http::Dashboard::new(
        &config,
        Arc::clone(&serving),
        Arc::clone(&rounds),
        control.status(),
        leave.clone(),
    ));
    let (of_prices, of_quality) = (
        http::routes(Arc::new(predictor), Arc::new(datamart), &dashboard),
        quality::routes(rounds),
    );
    let server = common::http::serve_on(
        config.applier.http_workers,
        config.http.clone(),
        listener,
        health,
        control.status(),
        move |routes| {
            of_quality(routes);
            of_prices(routes);
        },
        leave.clone(),
    );
    tokio::spawn(serving::follow(
        serving,
        config.applier.model_poll_ms,
        leave.clone(),
    ));
    tokio::spawn(async move {
        shutdown.cancelled().await;
        leave.cancel();
    });
    server.await
}
