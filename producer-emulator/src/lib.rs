//! Makes listings and requests, and sends them to Kafka.

pub mod dirt;
pub mod emulate;
pub mod hedonic;
mod http;
pub mod listing;
pub mod places;
pub mod streets;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use common::kafka::KafkaConfig;
use common::{Health, Secret, Shutdown, kafka};
use serde::Deserialize;
use tokio_cron_scheduler::{Job, JobScheduler};

pub use emulate::Emulator;

/// Section `[emulator]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmulatorConfig {
    /// Address of the HTTP interface.
    pub http: String,
    /// The same seed makes the same listings.
    pub seed: u64,
    /// Whether the schedules start without `POST /start`.
    pub autostart: bool,
    /// Pause between two batches of listings.
    pub new_data_every_s: u64,
    /// Listings of a batch.
    pub new_data_count: usize,
    /// Pause between two batches of requests.
    pub requests_every_s: u64,
    /// Requests of a batch.
    pub requests_count: usize,
    /// Share of messages spoilt on purpose.
    pub dirty_share: f64,
    /// Share of requests whose price becomes known.
    pub actuals_share: f64,
    /// After how long it becomes known.
    pub actuals_delay_s: u64,
    /// Rise of the market per year.
    pub drift_per_year: f64,
    /// Standard deviation of the noise on the logarithm of a price.
    pub noise_sigma: f64,
    /// Listings carry times of the last so many days.
    pub history_days: u32,
    /// Where street names come from; empty: the file.
    pub mockaroo_url: String,
    /// Mockaroo's key.
    pub mockaroo_key: Secret,
    /// Bounds the wait for Mockaroo.
    pub mockaroo_timeout_ms: u64,
}

/// Everything the emulator needs to run.
#[derive(Debug, Clone)]
pub struct Config {
    /// Section `[kafka]`.
    pub kafka: KafkaConfig,
    /// Section `[emulator]`.
    pub emulator: EmulatorConfig,
}

impl Config {
    /// Takes the emulator's sections out of the layers.
    ///
    /// # Errors
    /// When a setting is not valid.
    pub fn new(layered: &common::Layered) -> anyhow::Result<Config> {
        Ok(Config {
            kafka: layered.section("kafka")?,
            emulator: layered.section("emulator")?,
        })
    }
}

/// Serves triggers and schedules until shutdown.
///
/// # Errors
/// When a setting is wrong, or something fails that waiting does not mend.
pub async fn run(config: Config, listener: TcpListener, shutdown: Shutdown) -> anyhow::Result<()> {
    let health = Health::default();
    let emulator = Arc::new(Emulator::new(&config, shutdown.clone()).await?);
    let leave = shutdown.child_token();
    let _leave_on_return = leave.clone().drop_guard();
    let server = tokio::spawn(common::http::serve(
        listener,
        health.clone(),
        http::status(&emulator),
        http::routes(&emulator),
        leave,
    ));
    if kafka::connect(&config.kafka, &health, &shutdown)
        .await?
        .is_none()
    {
        return Ok(());
    }
    let topics = &config.kafka.topics;
    let needed = [&*topics.new_data, &*topics.requests, &*topics.actuals];
    kafka::ensure_topics(&config.kafka, &needed).await?;
    let mut scheduler = schedule(&config.emulator, &emulator).await?;
    server.await.context("the HTTP task broke off")??;
    scheduler.shutdown().await?;
    Ok(())
}

async fn schedule(
    config: &EmulatorConfig,
    emulator: &Arc<Emulator>,
) -> anyhow::Result<JobScheduler> {
    let scheduler = JobScheduler::new().await?;
    for (every_s, count, is_new_data) in [
        (config.new_data_every_s, config.new_data_count, true),
        (config.requests_every_s, config.requests_count, false),
    ] {
        let emulator = Arc::clone(emulator);
        let job = Job::new_repeated_async(Duration::from_secs(every_s.max(1)), move |_, _| {
            let emulator = Arc::clone(&emulator);
            Box::pin(async move {
                if !emulator.is_running() {
                    return;
                }
                let sent = if is_new_data {
                    emulator.new_data(count).await
                } else {
                    emulator.requests(count).await
                };
                if let Err(error) = sent {
                    tracing::warn!("a scheduled batch was not sent whole: {error:#}");
                }
            })
        })?;
        scheduler.add(job).await?;
    }
    scheduler.start().await?;
    Ok(scheduler)
}
