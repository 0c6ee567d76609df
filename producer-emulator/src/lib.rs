//! Makes listings and requests, and sends them to Kafka.

mod actuals;
mod check;
mod config;
pub mod dirt;
pub mod emulate;
pub mod hedonic;
mod http;
mod in_flight;
mod kafka_connection;
pub mod listing;
pub mod metrics;
pub mod places;
pub mod replay;
mod schedule;
pub mod streets;

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use common::{Health, Service, Shutdown, kafka};
use tokio::time::Instant;

pub use config::{Config, EmulatorConfig};
pub use emulate::Emulator;
use streets::StreetSource;

/// Street names asked for.
const STREETS: usize = 1000;
/// Tries to reach Mockaroo, and the first pause between them.
const ATTEMPTS: u32 = 3;
const BACKOFF_MS: u64 = 200;
/// For what is under way, and for the prices that would become known later, when leaving.
const LEAVING: Duration = Duration::from_secs(2);

/// Serves triggers and schedules until shutdown. Kafka may come later, go and come back.
///
/// # Errors
/// When a setting is wrong, or something fails that waiting does not fix.
pub fn run(config: Config, listener: TcpListener, shutdown: Shutdown) -> Service {
    Box::pin(work(config, listener, shutdown))
}

async fn work(config: Config, listener: TcpListener, shutdown: Shutdown) -> anyhow::Result<()> {
    let health = Health::default();
    let shutdown = common::http::drained(&config.http, &health, &shutdown);
    health.waiting(kafka_connection::KAFKA, "not checked yet");
    health.waiting("streets", "requesting street names");
    let streets = street_source(&config.emulator)?;
    let client = street_client(&config.emulator)?;
    let mut emulator = Emulator::new(&config, health.clone(), shutdown.clone())?;
    let every = Duration::from_secs(config.emulator.mockaroo_every_s);
    emulator.refresh_from(streets.clone(), client.clone(), every);
    let emulator = Arc::new(emulator);
    let leave = shutdown.child_token();
    let _leave_on_return = leave.clone().drop_guard();
    let mut server = tokio::spawn(common::http::serve(
        config.http.clone(),
        listener,
        health.clone(),
        http::status(&emulator),
        http::routes(&emulator),
        leave.clone(),
    ));
    let topics = &config.kafka.topics;
    let needed = [&*topics.new_data, &*topics.requests, &*topics.actuals];
    let asking = async {
        tokio::select! {
            names = streets::streets(&streets, &client) => {
                emulator.begin(names);
                health.ready("streets");
            }
            () = shutdown.cancelled() => {}
        }
    };
    let (opened, ()) = tokio::join!(
        kafka::open(&config.kafka, &needed, &health, &shutdown),
        asking
    );
    if opened?.is_none() {
        leave.cancel();
        return server.await.context("the HTTP task ended unexpectedly")?;
    }
    emulator.kafka_connection.is_there();
    let schedules = emulator.schedules.run(&emulator, &leave);

    let stop_labels = Shutdown::new();
    let (labelling, stop) = (Arc::clone(&emulator), stop_labels.clone());
    let mut labels_task = tokio::spawn(async move {
        let topic = &labelling.topics.actuals;
        let (producer, kafka_connection) = (&labelling.producer, &labelling.kafka_connection);
        labelling
            .actuals
            .publish(producer, topic, kafka_connection, stop)
            .await;
    });
    let timeout = Duration::from_millis(config.kafka.timeout_ms);
    let watching = emulator
        .kafka_connection
        .watch(&emulator.producer, &topics.new_data, timeout);
    let ended = tokio::select! {
        ended = &mut server => Some(ended),
        () = shutdown.cancelled() => None,
        () = watching => None,
        () = schedules => None,
    };

    let until = Instant::now() + LEAVING;
    emulator.batches.close();
    // A batch that is late is abandoned with the messages that Kafka did not confirm.
    let in_time = tokio::time::timeout_at(until, emulator.batches.wait()).await;
    stop_labels.cancel();
    let published = tokio::time::timeout_at(until, &mut labels_task).await;
    if in_time.is_err() || published.is_err() {
        labels_task.abort();
        let pending = emulator.actuals.pending();
        tracing::warn!(
            pending,
            "Kafka did not confirm in time: discarded unconfirmed messages and {pending} labels"
        );
    }
    leave.cancel();
    match ended {
        Some(ended) => ended,
        None => server.await,
    }
    .context("the HTTP task ended unexpectedly")?
}

/// # Errors
/// When the user's own file of streets cannot be used.
fn street_source(settings: &EmulatorConfig) -> anyhow::Result<StreetSource> {
    let optional = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
    let file = optional(&settings.streets_file).map(PathBuf::from);
    if let Some(file) = &file {
        streets::load(file)?;
    }
    Ok(StreetSource {
        url: optional(settings.mockaroo_url.expose()),
        key: optional(settings.mockaroo_key.expose()),
        count: STREETS,
        timeout_ms: settings.mockaroo_timeout_ms,
        attempts: ATTEMPTS,
        backoff_ms: BACKOFF_MS,
        file,
    })
}

/// A client that does not follow redirects: the key would go along.
fn street_client(settings: &EmulatorConfig) -> anyhow::Result<reqwest::Client> {
    common::telemetry::choose_tls_provider();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_millis(settings.mockaroo_timeout_ms))
        .build()
        .context("cannot create the HTTP client for street names")
}
