//! Makes listings and requests and sends them; counts what was delivered.

mod not_sent;
mod refresh;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use common::kafka::Topics;
use common::{Health, Shutdown};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use records::Purpose;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio_util::task::TaskTracker;

use crate::Config;
use crate::actuals::Actuals;
use crate::hedonic::Hedonics;
use crate::in_flight::InFlight;
use crate::kafka_connection::KafkaConnection;
use crate::listing::{Generator, Message};
use crate::metrics::SENT;
use crate::places::Places;
use crate::schedule::Schedules;
use crate::streets::StreetSource;

pub use crate::config::MOST;
pub use not_sent::NotSent;
use refresh::Refresh;

/// An hour in microseconds.
const HOUR_US: f64 = 3600e6;
/// Prices are rounded to thousands, as the price function's are.
const ROUNDED_TO: f64 = 1000.0;
/// Messages made before others get a turn.
const TURN: usize = 256;
const DAY_US: i64 = 24 * 3600 * 1_000_000;

/// What one stream of messages is drawn from.
struct Stream {
    generator: Generator,
    /// Draws the times of listings, or which requests' prices become known.
    rng: ChaCha8Rng,
}

/// Counts of one stream.
#[derive(Default)]
pub(crate) struct Counts {
    /// Numbers the ids.
    pub made: AtomicU64,
    /// Delivered.
    pub sent: AtomicU64,
    /// Cancelled by the client, or refused.
    pub undelivered: AtomicU64,
    /// Corrupted on purpose, of those delivered.
    pub dirty: AtomicU64,
}

/// What a message on its way stands for.
struct OnItsWay {
    dirty: bool,
    /// Id and price of a request whose price becomes known.
    actual: Option<(String, f64)>,
}

/// The emulator: generators and producer.
pub struct Emulator {
    /// Apart, so that the n-th listing does not depend on how many requests came before it. Not
    /// there until the street names are.
    streams: OnceLock<(Mutex<Stream>, Mutex<Stream>)>,
    /// Asks for the street names again, where they come from a service.
    refresh: Option<Refresh>,
    places: Places,
    hedonics: Hedonics,
    dirty_share: f64,
    /// Rise of the market per hour since `began`, in log price.
    drift_per_hour: f64,
    began_us: i64,
    pub(crate) producer: common::kafka::Producer,
    pub(crate) topics: Topics,
    actuals_share: f64,
    history_us: i64,
    /// Reports the ids of one run from those of another, which may share a database.
    run: String,
    running: AtomicBool,
    shutdown: Shutdown,
    /// Batches go on here when the client that requested them has gone.
    runtime: Handle,
    /// Batches under way: waited for when the service leaves.
    pub(crate) batches: TaskTracker,
    pub(crate) kafka_connection: KafkaConnection,
    pub(crate) actuals: Actuals,
    pub(crate) new_data: Counts,
    pub(crate) requests: Counts,
    pub(crate) schedules: Schedules,
}

impl Emulator {
    /// An emulator that still needs its streets ([`Emulator::begin`]) and Kafka.
    ///
    /// # Errors
    /// When a Kafka property is wrong, or the cities' file cannot be used.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn new(config: &Config, health: Health, shutdown: Shutdown) -> anyhow::Result<Emulator> {
        common::telemetry::declare(crate::metrics::ALL);
        let settings = &config.emulator;
        let places = match settings.cities_file.as_str() {
            "" => Places::built_in(),
            path => Places::load(Path::new(path))?,
        };
        Ok(Emulator {
            streams: OnceLock::new(),
            refresh: None,
            places,
            hedonics: Hedonics {
                seed: settings.seed,
                drift_per_year: settings.drift_per_year,
                noise_sigma: settings.noise_sigma,
                ..Hedonics::default()
            },
            dirty_share: settings.dirty_share,
            drift_per_hour: settings.drift_per_hour,
            began_us: chrono::Utc::now().timestamp_micros(),
            producer: config.kafka.producer()?,
            topics: config.kafka.topics.clone(),
            actuals_share: settings.actuals_share,
            history_us: i64::from(settings.history_days) * DAY_US,
            run: format!("{:x}", chrono::Utc::now().timestamp_millis()),
            running: AtomicBool::new(settings.autostart),
            shutdown,
            runtime: Handle::current(),
            batches: TaskTracker::new(),
            schedules: Schedules::new(settings, &health),
            kafka_connection: KafkaConnection::new(health),
            actuals: Actuals::new(Duration::from_secs(settings.actuals_delay_s)),
            new_data: Counts::default(),
            requests: Counts::default(),
        })
    }

    /// Asks the source for street names again before batches, not more often than `every`.
    pub(crate) fn refresh_from(
        &mut self,
        source: StreetSource,
        client: reqwest::Client,
        every: Duration,
    ) {
        self.refresh = Refresh::new(source, client, every);
    }

    /// Gives it the names of streets; a second call changes nothing.
    pub fn begin(&self, streets: Vec<String>) {
        let seed = self.hedonics.seed ^ 0x7469_6d65;
        let generator = |streets| {
            let places = self.places.clone();
            Generator::new(places, streets, self.hedonics.clone(), self.dirty_share)
        };
        let times = ChaCha8Rng::seed_from_u64(seed);
        let mut knowns = times.clone();
        knowns.set_stream(1);
        let listings = Stream {
            generator: generator(streets.clone()),
            rng: times,
        };
        let requests = Stream {
            generator: generator(streets).of_requests(),
            rng: knowns,
        };
        // An error means that it has begun already.
        let _ = self
            .streams
            .set((Mutex::new(listings), Mutex::new(requests)));
    }

    /// Whether the schedules send.
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed)
    }

    /// Starts or stops the schedules; remembered while Kafka is not there.
    pub fn set_running(&self, running: bool) {
        self.running.store(running, Ordering::Relaxed);
    }

    /// Makes and sends `count` messages: listings with prices, of times within the last
    /// `history_days`, or requests of now, for a share of which the price follows on `actuals`.
    /// Continues when the caller fails.
    ///
    /// # Errors
    /// When not all were delivered; the counts state how many were.
    pub async fn generate(self: &Arc<Self>, purpose: Purpose, count: usize) -> Result<(), NotSent> {
        self.kafka_connection
            .wait()
            .await
            .map_err(|what| NotSent::Waiting { what })?;
        let so_far = Arc::new(AtomicU64::new(0));
        let (emulator, counted) = (Arc::clone(self), Arc::clone(&so_far));
        let batch = async move { emulator.send(purpose, count, &counted).await };
        let batch = self.batches.spawn_on(batch, &self.runtime);
        let delivered = || so_far.load(Ordering::Relaxed);
        tokio::select! {
            biased;
            sent = batch => sent.unwrap_or_else(|_| Err(NotSent::Leaving {
                delivered: delivered(),
                count,
            })),
            () = self.kafka_connection.gone() => Err(NotSent::Away {
                what: self.kafka_connection.waiting_for(),
                delivered: delivered(),
                count,
            }),
        }
    }

    async fn send(
        &self,
        purpose: Purpose,
        count: usize,
        delivered: &AtomicU64,
    ) -> Result<(), NotSent> {
        let waiting = || NotSent::Waiting {
            what: "the street names are missing".to_owned(),
        };
        let (listings, requests) = self.streams.get().ok_or_else(waiting)?;
        let (stream, topic, counts) = match purpose {
            Purpose::Listing => (listings, self.topics.new_data.as_str(), &self.new_data),
            Purpose::Request => (requests, self.topics.requests.as_str(), &self.requests),
        };
        let names = match &self.refresh {
            Some(refresh) => tokio::select! {
                names = refresh.names() => names,
                () = self.shutdown.cancelled() => None,
            },
            None => None,
        };
        let mut stream = stream.lock().await;
        if let Some(names) = names {
            stream.generator.set_streets(names);
        }
        let counter = metrics::counter!(SENT.name(), "topic" => topic.to_owned());
        let refused = AtomicU64::new(0);
        let mut why = None;
        let settle = |message: OnItsWay, result: Result<(), rdkafka::error::KafkaError>| {
            if let Err(error) = result {
                counts.undelivered.fetch_add(1, Ordering::Relaxed);
                refused.fetch_add(1, Ordering::Relaxed);
                why = Some(error.to_string());
                return;
            }
            counter.increment(1);
            delivered.fetch_add(1, Ordering::Relaxed);
            counts.sent.fetch_add(1, Ordering::Relaxed);
            let dirty = u64::from(message.dirty);
            counts.dirty.fetch_add(dirty, Ordering::Relaxed);
            if let Some((id, price)) = message.actual {
                self.actuals.add(id, price);
            }
        };
        let mut in_flight = InFlight::new(&self.producer, topic, settle);
        let (mut made, mut is_behind) = (0, false);
        while made < count && refused.load(Ordering::Relaxed) == 0 {
            if made % TURN == 0 {
                tokio::task::yield_now().await;
                tokio::select! {
                    has_room = self.actuals.room() => is_behind = !has_room,
                    () = self.shutdown.cancelled() => {}
                }
            }
            if self.shutdown.is_cancelled() || is_behind {
                break;
            }
            let number = counts.made.fetch_add(1, Ordering::Relaxed);
            let (message, actual) = self.make(purpose, &mut stream, number);
            let what = OnItsWay {
                dirty: message.dirty,
                actual,
            };
            in_flight.send(&message.key, &message.payload, what).await;
            made += 1;
        }
        in_flight.settle_all().await;
        drop(in_flight);
        let delivered = delivered.load(Ordering::Relaxed);
        match why {
            Some(why) => Err(NotSent::Refused {
                topic: topic.to_owned(),
                delivered,
                refused: refused.load(Ordering::Relaxed),
                count,
                why,
            }),
            None if is_behind => Err(NotSent::Behind {
                delivered,
                count,
                pending: self.actuals.pending(),
            }),
            None if made < count => Err(NotSent::Leaving { delivered, count }),
            None => Ok(()),
        }
    }

    /// A message; and id and price, where the price becomes known.
    fn make(
        &self,
        purpose: Purpose,
        stream: &mut Stream,
        number: u64,
    ) -> (Message, Option<(String, f64)>) {
        let now_us = chrono::Utc::now().timestamp_micros();
        if purpose == Purpose::Listing {
            let at_us = now_us - stream.rng.random_range(0..=self.history_us);
            let id = format!("{}-l{number}", self.run);
            let mut listing = stream.generator.listing(id, at_us);
            listing.price = listing.price.map(|price| self.drifted(price, now_us));
            return (stream.generator.message(&listing, true), None);
        }
        let id = format!("{}-r{number}", self.run);
        let listing = stream.generator.listing(id, now_us);
        let message = stream.generator.message(&listing, false);
        let is_known = stream.rng.random_bool(self.actuals_share) && !message.dirty;
        let price = listing.price.filter(|_| is_known);
        let price = price.map(|price| self.drifted(price, now_us));
        (message, price.map(|price| (listing.id, price)))
    }

    /// A price as the market is now, `drift_per_hour` after the start.
    fn drifted(&self, price: f64, now_us: i64) -> f64 {
        if self.drift_per_hour == 0.0 {
            return price;
        }
        let hours = (now_us - self.began_us) as f64 / HOUR_US;
        let drifted = price * (self.drift_per_hour * hours).exp();
        (drifted / ROUNDED_TO).round().max(1.0) * ROUNDED_TO
    }
}
