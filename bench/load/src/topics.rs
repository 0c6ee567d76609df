//! Topics and clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::Args;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

/// Longest the broker may take for a question.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Longest a topic may be without a leader, and the pause between two looks.
const LEADER: Duration = Duration::from_secs(10);
const LEADER_LOOK: Duration = Duration::from_millis(50);
/// Pause before a message is offered again to a producer whose queue is full.
const FULL: Duration = Duration::from_millis(1);

/// The broker, and the size of topics.
#[derive(Args)]
pub struct Kafka {
    /// Kafka brokers: host:port, separated by commas
    #[arg(long)]
    brokers: String,
    /// Partitions of each topic
    #[arg(long, default_value_t = 6)]
    pub partitions: i32,
}

/// From where a topic is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// All it holds.
    Beginning,
    /// What comes from now on, every message of it.
    Now,
}

impl Kafka {
    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config
    }

    /// Makes topics that are not there yet.
    ///
    /// # Errors
    /// When the broker refuses.
    pub fn make(&self, topics: &[&str]) -> anyhow::Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.client().create()?;
        let partitions = self.partitions;
        let new: Vec<NewTopic<'_>> = topics
            .iter()
            .map(|topic| NewTopic::new(topic, partitions, TopicReplication::Fixed(1)))
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        for outcome in runtime.block_on(admin.create_topics(&new, &options))? {
            match outcome {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, error)) => return Err(anyhow!("topic {topic} was not made: {error}")),
            }
        }
        Ok(())
    }

    /// Reads all partitions of a topic, in no group.
    ///
    /// # Errors
    /// When the topic is not there.
    pub fn reader(&self, topic: &str, from: From) -> anyhow::Result<BaseConsumer> {
        let consumer: BaseConsumer = self
            .client()
            .set("group.id", "load")
            .set("enable.auto.commit", "false")
            .create()?;
        let mut places = TopicPartitionList::new();
        for partition in 0..self.partitions {
            // The end is requested here: left to the client, it would be wherever the topic ends
            // when the client first comes round to it.
            let offset = match from {
                From::Beginning => Offset::Beginning,
                From::Now => Offset::Offset(end(&consumer, topic, partition)?),
            };
            places.add_partition_offset(topic, partition, offset)?;
        }
        consumer
            .assign(&places)
            .with_context(|| format!("topic {topic} cannot be read"))?;
        Ok(consumer)
    }

    /// A writer that sends at once (`settings` of librdkafka may say otherwise).
    ///
    /// # Errors
    /// When a setting is wrong.
    pub fn writer(&self, topic: &str, settings: &[(&str, &str)]) -> anyhow::Result<Writer> {
        let mut config = self.client();
        config.set("linger.ms", "0");
        for (name, value) in settings {
            config.set(*name, *value);
        }
        let failures = Failures::default();
        Ok(Writer {
            producer: config.create_with_context(failures.clone())?,
            failures,
            topic: topic.to_owned(),
        })
    }
}

/// The offset that the next message of a partition gets; a topic just made may have no leader yet.
///
/// # Errors
/// When the broker does not say.
pub fn end(consumer: &BaseConsumer, topic: &str, partition: i32) -> anyhow::Result<i64> {
    let begun = Instant::now();
    loop {
        match consumer.fetch_watermarks(topic, partition, PATIENCE) {
            Ok((_, high)) => return Ok(high),
            Err(_) if begun.elapsed() < LEADER => std::thread::sleep(LEADER_LOOK),
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("{topic}/{partition} does not say where it ends"));
            }
        }
    }
}

/// Counts what was not delivered.
#[derive(Clone, Default)]
pub struct Failures(Arc<AtomicU64>);

impl ClientContext for Failures {}

impl ProducerContext for Failures {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: Self::DeliveryOpaque) {
        if result.is_err() {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Writes requests under their numbers.
pub struct Writer {
    producer: ThreadedProducer<Failures>,
    failures: Failures,
    topic: String,
}

impl Writer {
    /// Hands a message over, waiting where the queue is full.
    ///
    /// # Errors
    /// When the topic does not take it.
    pub fn send(&self, key: &[u8], payload: &[u8]) -> anyhow::Result<()> {
        let mut record = BaseRecord::to(&self.topic).key(key).payload(payload);
        while let Err((error, returned)) = self.producer.send(record) {
            let KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) = error else {
                return Err(anyhow!(
                    "topic {} does not take messages: {error}",
                    self.topic
                ));
            };
            std::thread::sleep(FULL);
            record = returned;
        }
        Ok(())
    }

    /// Waits until everything is delivered.
    ///
    /// # Errors
    /// When something is not.
    pub fn flush(&self) -> anyhow::Result<()> {
        self.producer.flush(PATIENCE)?;
        match self.failures.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            lost => Err(anyhow!(
                "{lost} messages were not delivered to {}",
                self.topic
            )),
        }
    }
}
