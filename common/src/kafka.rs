//! Kafka: clients by configuration, topics, and a consumer anchored in Postgres.

mod anchor;
mod anchored;
mod assignment;
#[cfg(feature = "avro")]
mod avro;
mod connect;
mod covered;
pub mod envelope;
mod format;
mod group_offsets;
mod headers;
mod in_flight;
pub(crate) mod inquiry;
mod lag;
mod pipeline;
mod producer;
mod properties;
#[cfg(feature = "protobuf")]
mod protobuf;
mod renewal;
#[cfg(any(feature = "avro", feature = "protobuf"))]
mod schema_registry;
mod span;
mod state;
#[cfg(all(test, any(feature = "avro", feature = "protobuf")))]
mod test_registry;
mod topic_id;
mod topics;
mod values;
mod watchdog;
#[cfg(any(feature = "avro", feature = "protobuf"))]
mod wire;
mod writing;

use rdkafka::ClientConfig;
use rdkafka::consumer::BaseConsumer;
use serde::Deserialize;

pub use anchor::Anchor;
pub use anchored::{Anchored, Gathered, Limits};
pub use connect::{connect, open};
pub use covered::Place;
pub use envelope::{Envelope, Envelopes, Opened};
pub use format::{Format, Formats, SchemaRegistryConfig};
pub use headers::{ForwardHeaders, Forwarded};
pub use lag::Lag;
pub use pipeline::{Follow, Pipeline};
pub use producer::Producer;
pub use properties::Properties;
pub use span::batch_span;
pub use topics::ensure_topics;
pub use values::Values;

/// Longest that a group waits for members of before, in milliseconds. A broker that restarts twice within moments may
/// forget to end the sessions of those that are gone (seen with Apache Kafka 4.3): every new member then waits so
/// long, by default for five minutes. Members poll many times a second, also while they write.
const REBALANCE_MS: u64 = 60_000;

/// Bytes a consumer fetches ahead: bounds memory while the database is slow.
const FETCH_AHEAD_KIB: &str = "8192";

/// Longest that messages wait for a flush: what a flush has missed is sent all the same.
const FLUSH_MS: &str = "200";

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
    /// Bounds a message after unpacking, of which a few packed bytes may make megabytes.
    pub max_message_bytes: usize,
    /// Any librdkafka property: what the other settings do not name, such as TLS.
    #[serde(default)]
    pub properties: Properties,
    /// The topics' names.
    pub topics: Topics,
    /// What the messages of the topics have around the record.
    #[serde(default)]
    pub envelopes: Envelopes,
    /// How the messages of the topics are written.
    #[serde(default)]
    pub formats: Formats,
    /// Where the schemas of Avro are.
    #[serde(default)]
    pub schema_registry: SchemaRegistryConfig,
    /// Headers that an answer has from its request.
    #[serde(default)]
    pub forward_headers: ForwardHeaders,
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
    /// Whether a client can be made of the properties: wrong ones are reported at the start, before
    /// anything is waited for.
    ///
    /// # Errors
    /// When a property is wrong; the message names it.
    pub fn check(&self) -> anyhow::Result<()> {
        let client: Result<BaseConsumer, _> = self.consumer("check", 100).create();
        client.map(drop).map_err(properties::explain)
    }

    /// Properties of a client that neither produces nor consumes.
    pub fn client(&self) -> ClientConfig {
        self.with(&[])
    }

    /// A producer whose messages arrive once and in order.
    ///
    /// # Errors
    /// When a property is wrong; the message names it.
    pub fn producer(&self) -> anyhow::Result<Producer> {
        self.producer_that_waits("1")
    }

    /// The same for messages that are handed over in batches: they wait for [`Producer::flush`], so that a
    /// batch makes few requests, each of many messages.
    ///
    /// # Errors
    /// As [`KafkaConfig::producer`].
    pub fn batch_producer(&self) -> anyhow::Result<Producer> {
        self.producer_that_waits(FLUSH_MS)
    }

    fn producer_that_waits(&self, linger_ms: &str) -> anyhow::Result<Producer> {
        Producer::new(self.with(&[
            ("enable.idempotence", "true"),
            ("linger.ms", linger_ms),
            ("queue.buffering.max.kbytes", "65536"),
            // The signs that a client has lost its brokers for good.
            ("statistics.interval.ms", "1000"),
        ]))
    }

    /// A consumer's properties: offsets are kept in Postgres, never committed by themselves.
    pub fn consumer(&self, group: &str, fetch_wait_ms: u64) -> ClientConfig {
        let mut client = self.with(&[
            ("group.id", group),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "earliest"),
            ("fetch.wait.max.ms", &fetch_wait_ms.to_string()),
            ("fetch.error.backoff.ms", "50"),
            // Consumer lag is checked as often.
            ("statistics.interval.ms", "1000"),
            ("topic.metadata.refresh.interval.ms", "5000"),
            ("queued.max.messages.kbytes", FETCH_AHEAD_KIB),
            // How long it does not fetch when it has that much: a second, by default, in which all
            // of it is taken.
            ("fetch.queue.backoff.ms", "10"),
        ]);
        // Of KIP-848 the broker knows these; librdkafka refuses them then.
        if client.get("group.protocol") != Some("consumer") {
            for (name, value) in [
                ("partition.assignment.strategy", "range"),
                // What a killed member held is taken over after this time.
                ("session.timeout.ms", "10000"),
            ] {
                if client.get(name).is_none() {
                    client.set(name, value);
                }
            }
        }
        if client.get("max.poll.interval.ms").is_none() {
            let session_ms = client
                .get("session.timeout.ms")
                .and_then(|ms| ms.parse().ok());
            let longest = REBALANCE_MS.max(session_ms.unwrap_or_default());
            client.set("max.poll.interval.ms", longest.to_string());
        }
        client
    }

    /// The user's properties win over `ours`; what must not be changed is refused when read.
    fn with(&self, ours: &[(&str, &str)]) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.brokers);
        client.set("broker.address.family", "v4");
        client.set("reconnect.backoff.max.ms", "2000");
        // A connection that has gone silent is abandoned after this time: the default is a minute, in
        // which nothing comes from it and nothing says so.
        client.set("socket.timeout.ms", "10000");
        client.set("socket.connection.setup.timeout.ms", "10000");
        client.set("socket.keepalive.enable", "true");
        for (name, value) in ours {
            client.set(*name, *value);
        }
        self.properties.apply(&mut client);
        client
    }
}
