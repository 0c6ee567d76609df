//! Waiting for a broker that is late.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::Retryable;
use rdkafka::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};

use super::{KafkaConfig, ensure_topics, properties};
use crate::database::forever;
use crate::health::Health;
use crate::shutdown::Shutdown;

/// Longest one question to the broker may take: between two, the reason is told.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Most events looked through for the reason of a failure.
const EVENTS: u32 = 20;

/// Remembers what librdkafka said last: it tells the reason of a failure only in passing.
#[derive(Clone, Default)]
struct LastError(Arc<Mutex<Option<String>>>);

impl LastError {
    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for LastError {
    fn stats_raw(&self, _: &[u8]) {}

    fn error(&self, _error: KafkaError, reason: &str) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // That all brokers are down comes last, and says less than why each is.
        if last.is_none() || !reason.contains("brokers are down") {
            *last = Some(reason.to_owned());
        }
    }
}

impl ProducerContext for LastError {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &rdkafka::producer::DeliveryResult<'_>, _: Self::DeliveryOpaque) {}
}

/// Waits until the broker answers and gives the cluster's id; `None` when shut down before.
///
/// # Errors
/// When a property is wrong: waiting would not help.
pub async fn connect(
    config: &KafkaConfig,
    health: &Health,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<String>> {
    let place = config.brokers.clone();
    health.waiting("kafka", format!("connecting to Kafka at {place}"));
    let last_error = LastError::default();
    let producer: BaseProducer<LastError> = config
        .client()
        .create_with_context(last_error.clone())
        .map_err(properties::explain)?;
    let producer = Arc::new(producer);
    let timeout = Duration::from_millis(config.timeout_ms).min(ATTEMPT);
    let attempt = || async {
        let (asking, last_error) = (Arc::clone(&producer), last_error.clone());
        tokio::task::spawn_blocking(move || {
            let found = asking
                .client()
                .fetch_metadata(None, timeout)
                .map_err(|error| error.to_string())
                .and_then(|_| {
                    let id = asking.client().fetch_cluster_id(timeout);
                    id.ok_or_else(|| "it does not say its cluster's id".to_owned())
                });
            // Calls back with what went wrong, one event a call.
            for _ in 0..EVENTS {
                asking.poll(Duration::ZERO);
            }
            found.map_err(|error| last_error.take().unwrap_or(error))
        })
        .await
        .map_err(|error| error.to_string())?
    };
    let connecting = attempt.retry(forever()).notify(|error: &String, wait| {
        let why = format!("Kafka at {place} does not answer: {error}");
        tracing::warn!(retry_in_ms = wait.as_millis() as u64, "{why}");
        health.waiting("kafka", why);
    });
    tokio::select! {
        cluster = connecting => {
            health.ready("kafka");
            cluster.map(Some).map_err(|error| anyhow::anyhow!(error))
        }
        () = shutdown.cancelled() => Ok(None),
    }
}

/// Waits until the broker answers and has `topics`, and gives the cluster's id; `None` when shut
/// down before.
///
/// # Errors
/// When a property is wrong: waiting would not help.
pub async fn open(
    config: &KafkaConfig,
    topics: &[&str],
    health: &Health,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<String>> {
    let Some(cluster) = connect(config, health, shutdown).await? else {
        return Ok(None);
    };
    let making = (|| ensure_topics(config, topics)).retry(forever()).notify(
        |error: &anyhow::Error, wait| {
            tracing::warn!(retry_in_ms = wait.as_millis() as u64, "{error:#}");
            health.waiting("kafka", format!("{error:#}"));
        },
    );
    tokio::select! {
        made = making => {
            health.ready("kafka");
            made.map(|()| Some(cluster))
        }
        () = shutdown.cancelled() => Ok(None),
    }
}
