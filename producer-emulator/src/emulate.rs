//! Sends made listings, requests and later prices to their topics.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use common::Shutdown;
use common::kafka::Topics;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rdkafka::producer::{FutureProducer, FutureRecord};
use tokio::sync::Mutex;

use crate::Config;
use crate::hedonic::Hedonics;
use crate::listing::{Generator, Message};
use crate::places::Places;
use crate::streets::{self, StreetSource};

/// Street names asked for.
const STREETS: usize = 1000;
/// Tries to reach Mockaroo, and the first pause between them.
const ATTEMPTS: u32 = 3;
const BACKOFF_MS: u64 = 200;
/// Most messages that one trigger may ask for: a larger number is a slip of the hand.
pub const MOST: usize = 1_000_000;
/// Messages on their way at a time.
const IN_FLIGHT: usize = 1000;
/// Longest wait for a message's delivery.
const DELIVERY: Duration = Duration::from_secs(30);
const DAY_US: i64 = 24 * 3600 * 1_000_000;

/// The emulator: generator and producer.
pub struct Emulator {
    generator: Mutex<(Generator, ChaCha8Rng)>,
    producer: FutureProducer,
    topics: Topics,
    actuals_share: f64,
    actuals_delay: Duration,
    history_days: u32,
    /// Tells the ids of one run from those of another, which may share a database.
    run: String,
    running: AtomicBool,
    shutdown: Shutdown,
    /// Listings sent.
    pub new_data_sent: AtomicU64,
    /// Requests sent.
    pub requests_sent: AtomicU64,
    /// Prices sent that became known later.
    pub actuals_sent: AtomicU64,
    /// Messages among all that were spoilt on purpose.
    pub dirty_sent: AtomicU64,
}

impl Emulator {
    /// Loads places and streets.
    ///
    /// # Errors
    /// When a Kafka property is wrong.
    pub async fn new(config: &Config, shutdown: Shutdown) -> anyhow::Result<Emulator> {
        let settings = &config.emulator;
        let optional = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let source = StreetSource {
            url: optional(&settings.mockaroo_url),
            key: optional(settings.mockaroo_key.expose()),
            count: STREETS,
            timeout_ms: settings.mockaroo_timeout_ms,
            attempts: ATTEMPTS,
            backoff_ms: BACKOFF_MS,
            file: None,
        };
        common::telemetry::choose_tls_provider();
        let streets = streets::streets(&source, &reqwest::Client::new()).await;
        let hedonics = Hedonics {
            seed: settings.seed,
            drift_per_year: settings.drift_per_year,
            noise_sigma: settings.noise_sigma,
            ..Hedonics::default()
        };
        let generator = Generator::new(Places::built_in(), streets, hedonics, settings.dirty_share);
        let times = ChaCha8Rng::seed_from_u64(settings.seed ^ 0x7469_6d65);
        Ok(Emulator {
            generator: Mutex::new((generator, times)),
            producer: config.kafka.producer()?,
            topics: config.kafka.topics.clone(),
            actuals_share: settings.actuals_share.clamp(0.0, 1.0),
            actuals_delay: Duration::from_secs(settings.actuals_delay_s),
            history_days: settings.history_days,
            run: format!("{:x}", chrono::Utc::now().timestamp_millis()),
            running: AtomicBool::new(settings.autostart),
            shutdown,
            new_data_sent: AtomicU64::new(0),
            requests_sent: AtomicU64::new(0),
            actuals_sent: AtomicU64::new(0),
            dirty_sent: AtomicU64::new(0),
        })
    }

    /// Whether the schedules send.
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed)
    }

    /// Starts or stops the schedules.
    pub fn set_running(&self, running: bool) {
        self.running.store(running, Ordering::Relaxed);
    }

    /// Sends listings with prices, of times within the last `history_days`.
    ///
    /// # Errors
    /// When a message was not delivered; those before it were.
    pub async fn new_data(&self, count: usize) -> anyhow::Result<()> {
        let mut state = self.generator.lock().await;
        let (generator, times) = &mut *state;
        let now_us = chrono::Utc::now().timestamp_micros();
        let history_us = i64::from(self.history_days) * DAY_US;
        for start in (0..count).step_by(IN_FLIGHT) {
            let messages: Vec<Message> = (start..count.min(start + IN_FLIGHT))
                .map(|_| {
                    let number = self.new_data_sent.fetch_add(1, Ordering::Relaxed);
                    let at_us = now_us - times.random_range(0..=history_us.max(1));
                    let listing = generator.listing(format!("{}-l{number}", self.run), at_us);
                    generator.message(&listing, true)
                })
                .collect();
            self.send(&self.topics.new_data, &messages).await?;
        }
        Ok(())
    }

    /// Sends requests of now; for a share of them the price follows on `actuals` after the delay.
    ///
    /// # Errors
    /// When a message was not delivered; those before it were.
    pub async fn requests(&self, count: usize) -> anyhow::Result<()> {
        let mut state = self.generator.lock().await;
        let (generator, times) = &mut *state;
        let now_us = chrono::Utc::now().timestamp_micros();
        let mut actuals = Vec::new();
        for start in (0..count).step_by(IN_FLIGHT) {
            let messages: Vec<Message> = (start..count.min(start + IN_FLIGHT))
                .map(|_| {
                    let number = self.requests_sent.fetch_add(1, Ordering::Relaxed);
                    let listing = generator.listing(format!("{}-r{number}", self.run), now_us);
                    let message = generator.message(&listing, false);
                    if !message.dirty && times.random_bool(self.actuals_share) {
                        actuals.push((listing.id.clone(), listing.price));
                    }
                    message
                })
                .collect();
            self.send(&self.topics.requests, &messages).await?;
        }
        drop(state);
        self.tell_later(actuals);
        Ok(())
    }

    fn tell_later(&self, actuals: Vec<(String, Option<f64>)>) {
        let producer = self.producer.clone();
        let topic = self.topics.actuals.clone();
        let (delay, shutdown) = (self.actuals_delay, self.shutdown.clone());
        self.actuals_sent
            .fetch_add(actuals.len() as u64, Ordering::Relaxed);
        tokio::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = shutdown.cancelled() => return,
            }
            for (id, price) in actuals {
                let observed_at = chrono::Utc::now().to_rfc3339();
                let payload =
                    serde_json::json!({ "id": id, "price": price, "observed_at": observed_at })
                        .to_string();
                let record = FutureRecord::to(&topic).key(&id).payload(&payload);
                if let Err((error, _)) = producer.send(record, DELIVERY).await {
                    tracing::warn!("prices that became known were not sent: {error}");
                    return;
                }
            }
        });
    }

    async fn send(&self, topic: &str, messages: &[Message]) -> anyhow::Result<()> {
        let mut deliveries = Vec::with_capacity(messages.len());
        for message in messages {
            self.dirty_sent
                .fetch_add(u64::from(message.dirty), Ordering::Relaxed);
            let record = FutureRecord::to(topic)
                .key(&message.key)
                .payload(&message.payload);
            let delivery = self
                .producer
                .send_result(record)
                .map_err(|(error, _)| error)
                .with_context(|| format!("topic {topic} does not take messages"))?;
            deliveries.push(delivery);
        }
        for delivery in deliveries {
            tokio::time::timeout(DELIVERY, delivery)
                .await
                .context("Kafka did not confirm a message in time")?
                .context("the producer was closed")?
                .map_err(|(error, _)| error)
                .with_context(|| format!("a message was not delivered to {topic}"))?;
        }
        metrics::counter!("hedonic_emulator_sent_total", "topic" => topic.to_owned())
            .increment(messages.len() as u64);
        Ok(())
    }
}
