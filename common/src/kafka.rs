//! Kafka: clients by configuration, topics, and a consumer anchored in Postgres.

mod anchored;
mod connect;
mod properties;
mod topics;

use rdkafka::ClientConfig;
use rdkafka::producer::FutureProducer;
use serde::Deserialize;

pub use anchored::{Anchor, Anchored, Gathered, Limits};
pub use connect::connect;
pub use properties::Properties;
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
    pub properties: Properties,
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
        self.properties.apply(&mut client);
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
        client.create().map_err(properties::explain)
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
