//! Sending and receiving as any outside client would.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Headers;
use rdkafka::producer::FutureRecord;
use rdkafka::{Message, Offset, TopicPartitionList};

use crate::Testbed;

/// Longest wait for a delivery.
const DELIVERY: Duration = Duration::from_secs(120);

/// A message as a consumer sees it.
#[derive(Debug, Clone)]
pub struct Received {
    /// The message's key, as text.
    pub key: String,
    /// The message's bytes.
    pub payload: Vec<u8>,
    /// Its headers with their values, in their order.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Received {
    /// The payload as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.payload).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&self.payload));
        })
    }
}

impl Testbed {
    /// Sends messages (key, payload) and waits until all are delivered.
    pub fn send<'a>(
        &'a self,
        topic: &'a str,
        messages: &'a [(String, Vec<u8>)],
    ) -> BoxFuture<'a, ()> {
        async move {
            let producer = self.kafka(&[]).producer().expect("a producer");
            let mut deliveries = Vec::with_capacity(messages.len());
            for (key, payload) in messages {
                let record = FutureRecord::to(topic).key(key).payload(payload);
                match producer.send_result(record) {
                    Ok(delivery) => deliveries.push(delivery),
                    Err((error, _)) => panic!("{topic} does not take a message: {error}"),
                }
            }
            for delivery in deliveries {
                tokio::time::timeout(DELIVERY, delivery)
                    .await
                    .expect("a delivery in time")
                    .expect("the producer lives")
                    .map_err(|(error, _)| error)
                    .expect("the message is delivered");
            }
        }
        .boxed()
    }

    /// All messages of a topic from its beginning: at least `count`, then what comes within a
    /// short while more, so that a message too many is seen.
    ///
    /// # Panics
    /// When there are fewer after `limit`.
    pub fn receive<'a>(
        &'a self,
        topic: &'a str,
        count: usize,
        limit: Duration,
    ) -> BoxFuture<'a, Vec<Received>> {
        async move {
            let kafka = self.kafka(&[]);
            let topic = topic.to_owned();
            tokio::task::spawn_blocking(move || receive(&kafka, &topic, count, limit))
                .await
                .expect("the receiver does not panic")
        }
        .boxed()
    }
}

fn all_of(headers: &impl Headers) -> Vec<(String, Vec<u8>)> {
    let headers = headers.iter().map(|header| {
        let value = header.value.unwrap_or_default().to_vec();
        (header.key.to_owned(), value)
    });
    headers.collect()
}

fn receive(
    kafka: &common::kafka::KafkaConfig,
    topic: &str,
    count: usize,
    limit: Duration,
) -> Vec<Received> {
    /// How long to listen for messages too many.
    const MORE: Duration = Duration::from_millis(500);
    let consumer: BaseConsumer = kafka.consumer("testbed", 5).create().expect("a consumer");
    let metadata = consumer
        .fetch_metadata(Some(topic), limit)
        .expect("Kafka says which partitions there are");
    let mut partitions = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        partitions
            .add_partition_offset(topic, partition.id(), Offset::Beginning)
            .expect("the beginning is an offset");
    }
    consumer.assign(&partitions).expect("assigns");
    let mut received = Vec::new();
    let mut until = Instant::now() + limit;
    let mut enough = false;
    loop {
        if received.len() >= count && !enough {
            enough = true;
            until = Instant::now() + MORE;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        match consumer.poll(left.min(Duration::from_millis(100))) {
            Some(Ok(message)) => received.push(Received {
                key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
                payload: message.payload().unwrap_or_default().to_vec(),
                headers: message.headers().map(all_of).unwrap_or_default(),
            }),
            Some(Err(error)) => eprintln!("{topic}: {error}"),
            None => {}
        }
    }
    assert!(
        received.len() >= count,
        "{topic}: {} messages within {limit:?}, expected {count}",
        received.len()
    );
    received
}
