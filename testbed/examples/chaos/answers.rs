//! What is published: every answer, compared with the first of its request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Message, Offset, TopicPartitionList};
use serde_json::Value;

use crate::ledger::{Key, Stream};
use crate::seen;
use crate::world::World;

/// The first answer to each request, by its id.
#[derive(Default)]
pub struct Published {
    first: Mutex<HashMap<String, Vec<u8>>>,
}

impl Published {
    pub fn all(&self) -> HashMap<String, Vec<u8>> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.clone()
    }

    /// Whether it is the first for its request, or the same.
    fn agrees(&self, id: &str, payload: &[u8]) -> bool {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        match first.get(id) {
            Some(kept) => kept == payload,
            None => {
                first.insert(id.to_owned(), payload.to_vec());
                true
            }
        }
    }
}

/// Reads the topic of answers from its beginning, around the gate, until the world is gone.
pub fn follow(world: &Arc<World>) {
    let kafka = world.bed.kafka(&[]);
    let world = Arc::downgrade(world);
    std::thread::spawn(move || {
        let consumer: BaseConsumer = kafka.consumer("chaos", 50).create().expect("a consumer");
        let mut partitions = TopicPartitionList::new();
        for partition in 0..kafka.partitions {
            partitions
                .add_partition_offset(&kafka.topics.answers, partition, Offset::Beginning)
                .expect("the beginning is an offset");
        }
        consumer.assign(&partitions).expect("assigns");
        loop {
            let polled = consumer.poll(Duration::from_millis(200));
            let Some(world) = world.upgrade() else {
                return;
            };
            // It is away now and then.
            if let Some(Ok(message)) = polled {
                let key = String::from_utf8_lossy(message.key().unwrap_or_default());
                note(&world, &key, message.payload().unwrap_or_default());
            }
        }
    });
}

fn note(world: &World, id: &str, payload: &[u8]) {
    let Some(number) = seen::number(id) else {
        return;
    };
    let key = Key {
        stream: Stream::Requests,
        number,
    };
    let is_conflict = || {
        let answer: Value = serde_json::from_slice(payload).unwrap_or_default();
        answer["code"] == "conflict"
    };
    // Anyone who asks with another content under the same id is reported so.
    if world.is_repeated(key) && is_conflict() {
        return;
    }
    if !world.published.agrees(id, payload) {
        let text = String::from_utf8_lossy(payload).into_owned();
        let first = world.published.all().remove(id).unwrap_or_default();
        let first = String::from_utf8_lossy(&first).into_owned();
        world
            .journal
            .violation(format!("{id} has two answers: {first} and {text}"));
    }
    world.ledger.taken(key);
}
