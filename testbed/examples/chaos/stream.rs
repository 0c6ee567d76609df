//! Sends good messages at a steady pace, and what else is requested.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::Utc;
use common::kafka::Producer;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rdkafka::producer::{DeliveryFuture, FutureRecord};
use testbed::Testbed;
use tokio::task::JoinHandle;

use crate::ledger::{Expected, Key, Place, Sent, Stream};
use crate::poison::{Dose, Poison};
use crate::world::World;

/// Pause between two good messages of each way in.
const PAUSE: Duration = Duration::from_millis(40);
/// Of N requests, one price becomes known.
const LABELLED: u64 = 4;
/// Of N messages, one is poison, beside that of the plan.
const POISONED: u64 = 200;

/// Sends until stopped.
pub struct Streaming {
    stop: common::Shutdown,
    task: JoinHandle<()>,
}

impl Streaming {
    /// Ends once Kafka has confirmed all.
    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.expect("the producer does not panic");
    }
}

pub fn start(world: &Arc<World>, seed: u64) -> Streaming {
    let stop = common::Shutdown::new();
    let (until, world) = (stop.clone(), Arc::clone(world));
    let task = tokio::spawn(async move {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 1);
        let mut turn = 0_u64;
        while !until.is_cancelled() {
            for stream in [Stream::Listings, Stream::Requests] {
                world.sender.good(&world, stream);
            }
            if turn.is_multiple_of(LABELLED) {
                world.sender.good(&world, Stream::Labels);
            }
            if world.mixes && rng.random_range(0..POISONED) == 0 {
                let stream = Stream::ALL[rng.random_range(0..3)];
                let poison = Poison::ALL[rng.random_range(0..Poison::ALL.len())];
                world.sender.poison(&world, &mut rng, stream, poison);
            }
            turn += 1;
            tokio::time::sleep(PAUSE).await;
        }
        world.sender.confirmed().await;
    });
    Streaming { stop, task }
}

/// Producers, and the numbers given so far. They are those of the services: librdkafka's own never delivers
/// again where it has lost its brokers (librdkafka#5301).
pub struct Sender {
    plain: Producer,
    /// Takes messages of any size, as it packs them.
    packing: Producer,
    topics: [String; 3],
    numbers: [AtomicU64; 3],
    /// Numbers of poison: far from those of good messages.
    poison: AtomicU64,
    on_their_way: Arc<AtomicU64>,
}

impl Sender {
    pub fn new(bed: &Testbed) -> anyhow::Result<Sender> {
        Sender::starting_at(bed, 0)
    }

    /// The number of the first message of each stream is `first`.
    pub fn starting_at(bed: &Testbed, first: u64) -> anyhow::Result<Sender> {
        let kafka = bed.kafka(&[]);
        let packing = bed.kafka(&[
            ("kafka.properties.compression.type", "zstd"),
            ("kafka.properties.message.max.bytes", "100000000"),
        ]);
        let topics = &kafka.topics;
        Ok(Sender {
            plain: kafka.producer()?,
            packing: packing.producer()?,
            topics: [&topics.new_data, &topics.requests, &topics.actuals].map(Clone::clone),
            numbers: std::array::from_fn(|_| AtomicU64::new(first)),
            poison: AtomicU64::new(1_000_000_000),
            on_their_way: Arc::default(),
        })
    }

    pub fn topic(&self, stream: Stream) -> &str {
        &self.topics[stream as usize]
    }

    /// The next good message of a stream.
    pub fn good(&self, world: &Arc<World>, stream: Stream) -> Key {
        let number = self.numbers[stream as usize].fetch_add(1, Ordering::Relaxed);
        let (key, payload) = stream.message(number, Utc::now().timestamp_millis());
        let dose = Dose {
            key: key.into_bytes(),
            payload: Some(payload.into_bytes()),
            time_ms: None,
            packed: false,
            expected: Expected::Taken,
        };
        let key = Key { stream, number };
        self.send(world, key, dose);
        key
    }

    pub fn poison(&self, world: &Arc<World>, rng: &mut ChaCha8Rng, stream: Stream, poison: Poison) {
        let number = self.poison.fetch_add(1, Ordering::Relaxed);
        let good = self.numbers[stream as usize].load(Ordering::Relaxed);
        // Not the newest, which may be on their way.
        let known = (good > 20).then(|| rng.random_range(0..good - 20));
        let now_ms = Utc::now().timestamp_millis();
        let dose = poison.dose(rng, stream, number, known, now_ms);
        let repeats = match poison {
            Poison::Conflict => true,
            // A request sent again is the same; another has a new time.
            Poison::Again => stream != Stream::Requests,
            _ => false,
        };
        if let (true, Some(number)) = (repeats, known) {
            world.repeated(Key { stream, number });
        }
        self.send(world, Key { stream, number }, dose);
    }

    fn send(&self, world: &Arc<World>, key: Key, dose: Dose) {
        let mut record = FutureRecord::<[u8], [u8]>::to(self.topic(key.stream)).key(&dose.key);
        if let Some(payload) = &dose.payload {
            record = record.payload(payload);
        }
        if let Some(time_ms) = dose.time_ms {
            record = record.timestamp(time_ms);
        }
        let producer = if dose.packed {
            &self.packing
        } else {
            &self.plain
        };
        let delivery = match producer.send_result(record) {
            Ok(delivery) => delivery,
            Err((error, _)) => {
                let text = format!("the producer does not take {key:?}: {error}; not sent");
                return world.journal.say(&text);
            }
        };
        self.on_their_way.fetch_add(1, Ordering::Relaxed);
        let (world, left) = (Arc::clone(world), Arc::clone(&self.on_their_way));
        tokio::spawn(async move {
            confirm(&world, key, dose.expected, delivery).await;
            left.fetch_sub(1, Ordering::Relaxed);
        });
    }

    /// Waits until Kafka has confirmed, or refused, all that was sent.
    pub async fn confirmed(&self) {
        while self.on_their_way.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn confirm(world: &World, key: Key, expected: Expected, delivery: DeliveryFuture) {
    match delivery.await {
        Ok(Ok(delivered)) => world.ledger.sent(Sent {
            key,
            place: Place {
                stream: key.stream,
                partition: delivered.partition,
                offset: delivered.offset,
            },
            expected,
            clocked: world.is_clocked(),
        }),
        Ok(Err((error, _))) => {
            world
                .journal
                .say(&format!("Kafka refuses {key:?}: {error}; not sent"));
        }
        Err(_) => world
            .journal
            .say(&format!("the producer dropped {key:?}; not sent")),
    }
}
