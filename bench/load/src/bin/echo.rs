//! The limit for any applier on Kafka: a plain librdkafka loop that gives every request back as its own answer. It
//! stores nothing, decodes nothing, and promises only at least once. It runs until it is stopped.

use std::time::Duration;

use anyhow::bail;
use clap::Parser;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, Message};

/// Pause before a message is offered again to a producer whose queue is full.
const FULL: Duration = Duration::from_millis(1);
/// Longest wait for a message; the loop then asks again.
const IDLE: Duration = Duration::from_millis(100);

#[derive(Parser)]
struct Args {
    /// Kafka brokers: host:port, separated by commas
    #[arg(long)]
    brokers: String,
    /// Topic that is read
    #[arg(long)]
    requests: String,
    /// Topic that is written
    #[arg(long)]
    answers: String,
    /// Consumer group, a new one for every run
    #[arg(long)]
    group: String,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut shared = ClientConfig::new();
    shared.set("bootstrap.servers", &args.brokers);
    // Nobody waits for company: what is there while a send is on its way goes out together.
    shared.set("linger.ms", "0");
    // A consumer whose queue was full would wait a second before it fetches again.
    shared.set("fetch.queue.backoff.ms", "10");
    let consumer: BaseConsumer = shared
        .clone()
        .set("group.id", &args.group)
        .set("auto.offset.reset", "earliest")
        .create()?;
    let producer: ThreadedProducer<DefaultProducerContext> = shared.create()?;
    consumer.subscribe(&[&args.requests])?;
    loop {
        let Some(message) = consumer.poll(IDLE) else {
            continue;
        };
        let message = message?;
        let mut answer = BaseRecord::to(&args.answers)
            .key(message.key().unwrap_or_default())
            .payload(message.payload().unwrap_or_default());
        while let Err((error, returned)) = producer.send(answer) {
            let KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) = error else {
                bail!("{} does not take messages: {error}", args.answers);
            };
            std::thread::sleep(FULL);
            answer = returned;
        }
    }
}
