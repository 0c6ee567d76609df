//! The conservation tests: what is produced is what is stored or rejected, each once, while services
//! are killed, members come and go, and the database and the broker crash, at random.
//!
//! They run where `HEDONIC_TEST_REAL_KAFKA` is set. `HEDONIC_TEST_SEED` repeats the choices of an
//! earlier run, which prints its seed; `HEDONIC_TEST_KILLS` (50) sets the length: 1500 kills take
//! about an hour.

mod listings;
mod requests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use common::Shutdown;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rdkafka::producer::{DeliveryFuture, FutureRecord};
use tokio::task::JoinHandle;

use crate::chaos::{self, Hurt, number_of, say, taken};
use crate::{Members, RealKafka, Testbed};

pub use listings::Listings;
pub use requests::Requests;

/// Most messages without a confirmation.
const MOST: usize = 2000;
/// Longest wait for the remaining messages after the last failure.
const REST: Duration = Duration::from_secs(120);

/// The messages that were produced, and the check that each arrived once.
pub trait Ledger: Send + Sync + 'static {
    /// Fewer messages than this are sent at once.
    const BURST: u32;

    /// The topic that the messages go to.
    fn topic(bed: &Testbed) -> String;

    /// Key and payload of the next message.
    fn message(&mut self, rng: &mut ChaCha8Rng) -> (String, String);

    /// How many messages there were.
    fn produced(&self) -> u64;

    /// Checks the database and the topics; returns the result in words.
    ///
    /// # Panics
    /// When a message is missing, or is there twice.
    fn check<'a>(&'a self, bed: &'a Testbed) -> BoxFuture<'a, String>;
}

/// One run of a conservation test, on Apache Kafka.
pub struct Run {
    /// The run's database and topics.
    pub bed: Testbed,
    /// How many services to kill.
    pub kills: u64,
    kafka: RealKafka,
    seed: u64,
    rng: ChaCha8Rng,
}

impl Run {
    /// Starts the servers; `None` where `HEDONIC_TEST_REAL_KAFKA` is not set.
    pub fn start() -> BoxFuture<'static, Option<Run>> {
        async move {
            // The broker reassigns a killed member's partitions at once, so kills hit members at work.
            let quick = ["--config", "group.min.session.timeout.ms=500"];
            let kafka = RealKafka::start(&quick).await?;
            let seed = number_of("HEDONIC_TEST_SEED", rand::random());
            let kills = number_of("HEDONIC_TEST_KILLS", 50);
            say(&format!("HEDONIC_TEST_SEED={seed}, {kills} kills"));
            Some(Run {
                bed: Testbed::on(kafka.brokers()).await,
                kills,
                kafka,
                seed,
                rng: ChaCha8Rng::seed_from_u64(seed),
            })
        }
        .boxed()
    }

    /// Creates the tables by `ddl`, and a table `audit` that gets `column` of every row that is ever
    /// written to `table`.
    pub fn create_tables<'a>(
        &'a self,
        ddl: &'a str,
        table: &'a str,
        column: &'a str,
    ) -> BoxFuture<'a, ()> {
        async move {
            let sql = format!(
                "{ddl}
                CREATE TABLE audit ({column} text NOT NULL);
                CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN INSERT INTO audit VALUES (NEW.{column}); RETURN NULL; END $$;
                CREATE TRIGGER audited AFTER INSERT OR UPDATE ON {table}
                    FOR EACH ROW EXECUTE FUNCTION audited();"
            );
            sqlx::raw_sql(&sql)
                .execute(self.bed.pool())
                .await
                .expect("the tables are created");
        }
        .boxed()
    }

    /// Starts to send messages, in bursts.
    pub fn produce<L: Ledger>(&self, ledger: L) -> Producing<L> {
        let producer = self.bed.kafka(&[]).producer().expect("a producer");
        let topic = L::topic(&self.bed);
        let rng = ChaCha8Rng::seed_from_u64(self.seed ^ 1);
        let stop = Shutdown::new();
        let task = tokio::spawn(send(producer, topic, ledger, rng, stop.clone()));
        Producing { stop, task }
    }

    /// Hurts the system until `kills` services were killed.
    pub fn hurt<'a>(&'a mut self, kills: u64, members: &'a mut Members) -> BoxFuture<'a, Hurt> {
        chaos::hurt(&mut self.rng, kills, &self.bed, &self.kafka, members).boxed()
    }

    /// Stops the producer, waits until the members have taken all messages, and checks them; returns
    /// the result in words.
    ///
    /// # Panics
    /// When messages are left after a while, or the check fails.
    pub fn finish<'a, L: Ledger>(
        &'a self,
        producing: Producing<L>,
        mut members: Members,
    ) -> BoxFuture<'a, String> {
        async move {
            producing.stop.cancel();
            let ledger = producing.task.await.expect("the producer does not panic");
            members.keep_at_least(2);
            let until = Instant::now() + REST;
            while taken(&self.bed).await != Some(ledger.produced()) {
                assert!(
                    Instant::now() < until,
                    "{:?} of {} messages were taken\n{}",
                    taken(&self.bed).await,
                    ledger.produced(),
                    members.logs()
                );
                members.check();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            members.stop().await;
            ledger.check(&self.bed).await
        }
        .boxed()
    }
}

/// A task that sends messages.
pub struct Producing<L> {
    stop: Shutdown,
    task: JoinHandle<L>,
}

/// Sends bursts until `stop`; returns the ledger once Kafka has confirmed every message.
fn send<L: Ledger>(
    producer: common::kafka::Producer,
    topic: String,
    mut ledger: L,
    mut rng: ChaCha8Rng,
    stop: Shutdown,
) -> BoxFuture<'static, L> {
    async move {
        let mut waiting = VecDeque::new();
        while !stop.is_cancelled() {
            for _ in 0..rng.random_range(1..L::BURST) {
                let (key, payload) = ledger.message(&mut rng);
                let record = FutureRecord::to(&topic).key(&key).payload(&payload);
                match producer.send_result(record) {
                    Ok(delivery) => waiting.push_back(delivery),
                    Err((error, _)) => panic!("the producer rejected a message: {error}"),
                }
            }
            while waiting.len() > MOST {
                confirmed(waiting.pop_front()).await;
            }
            let pause_ms = rng.random_range(0..100);
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        }
        while !waiting.is_empty() {
            confirmed(waiting.pop_front()).await;
        }
        ledger
    }
    .boxed()
}

/// The idempotent producer delivers each message once, also when the broker crashes.
async fn confirmed(delivery: Option<DeliveryFuture>) {
    if let Some(delivery) = delivery {
        let delivered = delivery.await.expect("the producer lives");
        delivered.expect("Kafka takes the message");
    }
}
