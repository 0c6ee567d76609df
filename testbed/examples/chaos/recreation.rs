//! The last phase: topics are deleted and made again under their names while services run.
//!
//! What was in a deleted topic and not read is lost by nature; here all of it has been read. What is sent
//! to the new topic must be taken, or be counted as lost by the services' metric.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::FromClientConfig;

use crate::args::Args;
use crate::ledger::{Key, Stream};
use crate::stream::Sender;
use crate::watch;
use crate::world::World;

/// Messages to each new topic.
const MESSAGES: usize = 30;
/// The counter of messages that were deleted before they were read.
const COUNTED: &str = "hedonic_kafka_deleted_unread_total";

pub async fn check(world: &Arc<World>, args: &Args) -> anyhow::Result<()> {
    let before = counted(world).await;
    let topics = [Stream::Listings, Stream::Requests].map(|stream| world.sender.topic(stream));
    world
        .journal
        .say("the topics of listings and requests are deleted and made again");
    make_again(world, &topics).await?;
    // Producers of before may hold on to the old topics.
    let sender = Sender::starting_at(&world.bed, 500_000_000)?;
    let mut open = BTreeSet::new();
    for _ in 0..MESSAGES {
        for stream in [Stream::Listings, Stream::Requests] {
            open.insert(sender.good(world, stream));
        }
    }
    sender.confirmed().await;
    let until = Instant::now() + args.bound();
    loop {
        open.retain(|key| world.ledger.is_open(*key));
        let lost = counted(world).await.saturating_sub(before);
        if open.is_empty() || (Instant::now() > until && lost >= open.len() as u64) {
            let text = format!(
                "topics made again: {} of {} messages are lost, and counted",
                open.len(),
                2 * MESSAGES
            );
            world.journal.say(&text);
            return Ok(());
        }
        if Instant::now() > until {
            let keys: Vec<&Key> = open.iter().take(3).collect();
            world.journal.violation(format!(
                "topics made again: {} of {} messages are not taken, {lost} are counted as deleted: {keys:?}\n{}\n{}",
                open.len(),
                2 * MESSAGES,
                watch::reasons(world),
                world.tails()
            ));
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn make_again(world: &World, topics: &[&str]) -> anyhow::Result<()> {
    let kafka = world.bed.kafka(&[]);
    let admin: AdminClient<DefaultClientContext> = AdminClient::from_config(&kafka.client())?;
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(30)));
    for result in admin.delete_topics(topics, &options).await? {
        result.map_err(|(topic, code)| anyhow::anyhow!("{topic} is not deleted: {code}"))?;
    }
    let new = topics
        .iter()
        .map(|topic| NewTopic::new(topic, kafka.partitions, TopicReplication::Fixed(1)));
    let new: Vec<NewTopic> = new.collect();
    let until = Instant::now() + Duration::from_secs(60);
    // A broker deletes behind its answer. A service may be quicker than this, and make it itself.
    loop {
        let results = admin.create_topics(&new, &options).await?;
        let missing = results.iter().filter(|result| {
            !matches!(
                result,
                Ok(_) | Err((_, rdkafka::types::RDKafkaErrorCode::TopicAlreadyExists))
            )
        });
        if missing.count() == 0 {
            return Ok(());
        }
        (Instant::now() < until)
            .then_some(())
            .context("the topics are not made within 60 s")?;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Messages that services have counted as deleted unread, over all that run.
async fn counted(world: &World) -> u64 {
    let addresses: Vec<String> = {
        let fleet = world.fleet();
        fleet
            .services
            .iter()
            .filter_map(|service| service.http())
            .collect()
    };
    let mut sum = 0.0;
    for address in addresses {
        let Ok(answer) = reqwest::get(format!("http://{address}/metrics")).await else {
            continue;
        };
        let text = answer.text().await.unwrap_or_default();
        let lines = text.lines().filter(|line| line.starts_with(COUNTED));
        sum += lines
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum::<f64>();
    }
    sum as u64
}
