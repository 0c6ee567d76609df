//! A Kafka for one test: topics of its own on the brokers of `HEDONIC_TEST_KAFKA`, or an embedded
//! broker.

// Every test program takes what it needs of it.
#![allow(dead_code)]

use std::time::{Duration, Instant};

use common::Layered;
use common::kafka::KafkaConfig;
use embedded::Broker;
use producer_emulator::Config;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Message, Offset, TopicPartitionList};
use testbed::Running;

/// Longest wait for what must come.
pub const LIMIT: Duration = Duration::from_secs(180);
/// How long to listen for messages too many.
const MORE: Duration = Duration::from_millis(500);

pub struct Bed {
    /// `None` where the brokers are outside ones.
    _broker: Option<Broker>,
    brokers: String,
    mark: String,
}

impl Bed {
    pub fn start() -> Bed {
        let mark = format!("t{:08x}", rand::random::<u32>());
        match std::env::var("HEDONIC_TEST_KAFKA") {
            Ok(brokers) if !brokers.is_empty() => Bed {
                _broker: None,
                brokers,
                mark,
            },
            _ => {
                let broker = Broker::start().expect("the embedded broker starts");
                let brokers = broker.address();
                let mut bed = Bed::on(&brokers);
                for topic in bed.kafka().topics.all() {
                    broker.create_topic(topic, 3).expect("a topic");
                }
                bed._broker = Some(broker);
                bed
            }
        }
    }

    /// On given brokers, which need not be there.
    pub fn on(brokers: &str) -> Bed {
        Bed {
            _broker: None,
            brokers: brokers.to_owned(),
            mark: format!("t{:08x}", rand::random::<u32>()),
        }
    }

    pub fn settings(&self, set: &[(&str, &str)]) -> Layered {
        let mut all = vec![
            ("kafka.brokers".to_owned(), self.brokers.clone()),
            ("kafka.partitions".to_owned(), "3".to_owned()),
        ];
        for topic in ["new_data", "requests", "answers", "actuals", "rejects"] {
            let name = format!("{}-{topic}", self.mark);
            all.push((format!("kafka.topics.{topic}"), name));
        }
        let set = set
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()));
        all.extend(set);
        Layered::load(None, &all).expect("the settings are valid")
    }

    pub fn kafka(&self) -> KafkaConfig {
        self.settings(&[]).section("kafka").expect("a section")
    }

    /// Starts the emulator with settings of its section.
    pub fn emulator(&self, set: &[(&str, &str)]) -> Running {
        let named: Vec<(String, &str)> = set
            .iter()
            .map(|(key, value)| (format!("emulator.{key}"), *value))
            .collect();
        let set: Vec<(&str, &str)> = named.iter().map(|(key, value)| (&**key, *value)).collect();
        let config = Config::new(&self.settings(&set)).expect("valid settings");
        Running::start(|listener, shutdown| producer_emulator::run(config, listener, shutdown))
    }

    /// All messages (key, payload) of a topic: at least `count`, then what comes within a short
    /// while more.
    pub async fn receive(&self, topic: &str, count: usize) -> Vec<(String, Vec<u8>)> {
        let (kafka, topic) = (self.kafka(), topic.to_owned());
        tokio::task::spawn_blocking(move || receive(&kafka, &topic, count))
            .await
            .expect("the receiver does not panic")
    }
}

fn receive(kafka: &KafkaConfig, topic: &str, count: usize) -> Vec<(String, Vec<u8>)> {
    let consumer: BaseConsumer = kafka.consumer("bed", 5).create().expect("a consumer");
    let metadata = consumer
        .fetch_metadata(Some(topic), LIMIT)
        .expect("the topic's partitions");
    let mut partitions = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        partitions
            .add_partition_offset(topic, partition.id(), Offset::Beginning)
            .expect("a partition");
    }
    consumer.assign(&partitions).expect("assigns");
    let mut received = Vec::new();
    let mut until = Instant::now() + LIMIT;
    let mut is_enough = false;
    while Instant::now() < until {
        if received.len() >= count && !is_enough {
            is_enough = true;
            until = Instant::now() + MORE;
        }
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            let message = message.expect("a message");
            let key = String::from_utf8(message.key().expect("a key").to_vec());
            let payload = message.payload().unwrap_or_default().to_vec();
            received.push((key.expect("a text"), payload));
        }
    }
    assert!(
        received.len() >= count,
        "{topic}: {} messages, expected {count}",
        received.len()
    );
    received
}

/// Waits until the service is ready.
pub async fn ready(service: &Running) {
    testbed::eventually("the emulator is ready", LIMIT, || service.is_ready()).await;
}

/// A number of `/status`.
pub async fn status(service: &Running, name: &str) -> u64 {
    let (_, status) = service.get("/status").await;
    status[name]
        .as_u64()
        .unwrap_or_else(|| panic!("{name}: {status}"))
}
