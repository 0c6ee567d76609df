//! Kafka: clients by configuration, topics, and a consumer anchored in Postgres.

mod anchored;
mod topics;

use std::collections::BTreeMap;
use std::time::Duration;

use backon::Retryable;
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, Producer};
use serde::Deserialize;

use crate::database::forever;
use crate::health::Health;
use crate::shutdown::Shutdown;

pub use anchored::{Anchor, Anchored, Gathered, Limits};
pub use topics::ensure_topics;

/// Bytes a consumer fetches ahead: bounds memory while the database is slow.
const FETCH_AHEAD_KIB: &str = "16384";

/// Section `[kafka]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaConfig {
    /// Where the brokers are.
    pub brokers: String,
    /// Partitions of topics a service has to create.
    pub partitions: i32,
    /// Bounds the wait for an answer.
    pub timeout_ms: u64,
    /// Any librdkafka property: what the other settings do not name, such as TLS.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    /// The topics' names.
    pub topics: Topics,
}

/// Section `[kafka.topics]`: the names of the topics.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topics {
    /// Records with their price.
    pub new_data: String,
    /// Records that want a price.
    pub requests: String,
    /// The prices given.
    pub answers: String,
    /// Prices learned later.
    pub actuals: String,
    /// What was not taken.
    pub rejects: String,
}

impl Topics {
    /// All of them.
    pub fn all(&self) -> [&str; 5] {
        [
            &self.new_data,
            &self.requests,
            &self.answers,
            &self.actuals,
            &self.rejects,
        ]
    }
}

impl KafkaConfig {
    /// Properties that every client has.
    pub fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.brokers);
        client.set("broker.address.family", "v4");
        client.set("reconnect.backoff.max.ms", "2000");
        for (key, value) in &self.properties {
            client.set(key, value);
        }
        client
    }

    /// A producer whose messages arrive once and in order.
    ///
    /// # Errors
    /// When a property is wrong; the message names it.
    pub fn producer(&self) -> anyhow::Result<FutureProducer> {
        let mut client = self.client();
        client
            .set("enable.idempotence", "true")
            .set("linger.ms", "1")
            .set("queue.buffering.max.kbytes", "65536");
        Ok(client.create()?)
    }

    /// A consumer's properties: offsets are kept in Postgres, never committed by themselves.
    pub fn consumer(&self, group: &str, fetch_wait_ms: u64) -> ClientConfig {
        let mut client = self.client();
        client
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("partition.assignment.strategy", "range")
            .set("fetch.wait.max.ms", fetch_wait_ms.to_string())
            .set("fetch.error.backoff.ms", "50")
            .set("topic.metadata.refresh.interval.ms", "5000")
            .set("queued.max.messages.kbytes", FETCH_AHEAD_KIB);
        client
    }
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
    let producer = config.producer()?;
    let timeout = Duration::from_millis(config.timeout_ms.min(5000));
    let attempt = || async {
        let producer = producer.clone();
        tokio::task::spawn_blocking(move || producer.client().fetch_cluster_id(timeout))
            .await
            .map_err(|error| error.to_string())?
            .ok_or_else(|| "no answer".to_owned())
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
