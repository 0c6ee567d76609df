//! What sends rejects once more.

use std::time::Duration;

use anyhow::Context;
use common::kafka::{KafkaConfig, Producer};
use ledger::rejects::StoredReject;
use rdkafka::producer::FutureRecord;
use tokio::sync::{OnceCell, Semaphore};

/// Messages on their way at a time.
pub(super) const PLACES: usize = 4;
/// Longest wait for Kafka's word that it has one.
const DELIVERY: Duration = Duration::from_secs(10);

/// What sends: made when it is needed for the first time.
pub(super) struct Replay {
    kafka: KafkaConfig,
    producer: OnceCell<Producer>,
    pub places: Semaphore,
}

impl Replay {
    pub(super) fn new(kafka: KafkaConfig) -> Replay {
        Replay {
            kafka,
            producer: OnceCell::new(),
            places: Semaphore::new(PLACES),
        }
    }

    /// Gives where the message lies once Kafka has it.
    pub async fn send(&self, topic: &str, message: &StoredReject) -> anyhow::Result<(i32, i64)> {
        let make = async || self.kafka.producer();
        let producer = self.producer.get_or_try_init(make).await?;
        let mut record = FutureRecord::<[u8], [u8]>::to(topic).payload(&message.payload);
        if let Some(key) = &message.key {
            record = record.key(key);
        }
        let delivery = producer
            .send_result(record)
            .map_err(|(error, _)| error)
            .with_context(|| format!("topic {topic} does not take messages"))?;
        let delivered = tokio::time::timeout(DELIVERY, delivery).await;
        let delivered = delivered.with_context(|| {
            let seconds = DELIVERY.as_secs();
            format!("no word of it within {seconds} s; it may come yet, so look before you send it again")
        })?;
        let delivered = delivered.context("the producer was closed")?;
        let delivered = delivered.map_err(|(error, _)| error)?;
        Ok((delivered.partition, delivered.offset))
    }
}
