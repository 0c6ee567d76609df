//! What was sent, and whether all of it arrived once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use common::Shutdown;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rdkafka::producer::{DeliveryFuture, FutureRecord};
use serde_json::json;
use sqlx::Row;
use testbed::Testbed;
use tokio::task::JoinHandle;

/// Messages on their way at a time.
const MOST: usize = 2000;
/// Of a hundred messages, so many are spoilt, and so many are newer versions of a listing.
const DIRTY: u32 = 3;
const NEWER: u32 = 20;

/// Every message has a number; a listing has it as its street.
pub struct Ledger {
    rng: ChaCha8Rng,
    began: DateTime<Utc>,
    /// The number of the newest version of each listing.
    newest: BTreeMap<u64, u64>,
    dirty: BTreeSet<u64>,
    clean: BTreeSet<u64>,
}

/// A task that sends until told to stop.
pub struct Producing {
    stop: Shutdown,
    task: JoinHandle<Ledger>,
}

impl Producing {
    /// The ledger, once Kafka has confirmed all that was sent.
    pub async fn finish(self) -> Ledger {
        self.stop.cancel();
        self.task.await.expect("the producer does not panic")
    }
}

/// Sends in bursts until told to stop.
pub fn produce(bed: &Testbed, rng: ChaCha8Rng) -> Producing {
    let kafka = bed.kafka(&[]);
    let producer = kafka.producer().expect("a producer");
    let topic = kafka.topics.new_data.clone();
    let stop = Shutdown::new();
    let told = stop.clone();
    let task = tokio::spawn(async move {
        let mut ledger = Ledger {
            rng,
            began: Utc::now(),
            newest: BTreeMap::new(),
            dirty: BTreeSet::new(),
            clean: BTreeSet::new(),
        };
        let mut waiting = VecDeque::new();
        while !told.is_cancelled() {
            for _ in 0..ledger.rng.random_range(1..200) {
                let (key, payload) = ledger.message();
                waiting.push_back(send(&producer, &topic, &key, &payload));
            }
            while waiting.len() > MOST {
                confirmed(waiting.pop_front()).await;
            }
            let pause_ms = ledger.rng.random_range(0..100);
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        }
        while !waiting.is_empty() {
            confirmed(waiting.pop_front()).await;
        }
        ledger
    });
    Producing { stop, task }
}

fn send(
    producer: &common::kafka::Producer,
    topic: &str,
    key: &str,
    payload: &str,
) -> DeliveryFuture {
    let record = FutureRecord::to(topic).key(key).payload(payload);
    match producer.send_result(record) {
        Ok(delivery) => delivery,
        Err((error, _)) => panic!("a message was not taken: {error}"),
    }
}

/// The idempotent producer delivers each message once, also when the broker crashes.
async fn confirmed(delivery: Option<DeliveryFuture>) {
    if let Some(delivery) = delivery {
        let delivered = delivery.await.expect("the producer lives");
        delivered.expect("Kafka takes the message");
    }
}

impl Ledger {
    pub fn produced(&self) -> u64 {
        (self.clean.len() + self.dirty.len()) as u64
    }

    /// Key and payload of the next message.
    fn message(&mut self) -> (String, String) {
        let number = self.produced();
        let kind = self.rng.random_range(0..100);
        if kind < DIRTY {
            self.dirty.insert(number);
            let payload = match self.rng.random_range(0..3) {
                0 => format!("{{\"id\": \"x\", \"street\": \"s{number} "),
                1 => json!({"id": "x", "street": format!("s{number} ")}).to_string(),
                _ => format!("no JSON: s{number} "),
            };
            return (number.to_string(), payload);
        }
        let known = self.newest.len() as u64;
        let id = match kind < DIRTY + NEWER && known > 0 {
            true => self.rng.random_range(0..known),
            false => known,
        };
        self.clean.insert(number);
        self.newest.insert(id, number);
        let time = self.began - TimeDelta::hours(2) + TimeDelta::milliseconds(number as i64);
        let payload = json!({
            "id": id, "city": "Kazan", "street": format!("s{number}"), "floor": 3, "rooms": 2,
            "price": 5e6, "listed_at": time.to_rfc3339(),
        });
        (id.to_string(), payload.to_string())
    }

    /// Each clean message was written once (or was older than another of its batch), each listing
    /// has its newest version, and each dirty message is among the rejects.
    pub async fn check(&self, bed: &Testbed) -> String {
        let mut written: BTreeMap<u64, u32> = BTreeMap::new();
        for text in texts(bed, "SELECT street FROM audit").await {
            *written.entry(number_in(&text)).or_default() += 1;
        }
        let twice: Vec<_> = written.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "written twice: {twice:?}");
        assert!(
            written.keys().all(|number| self.clean.contains(number)),
            "something was written that was not sent"
        );

        let rows = sqlx::query("SELECT id, street FROM listings")
            .fetch_all(bed.pool())
            .await
            .expect("the listings");
        let found: BTreeMap<u64, u64> = rows
            .iter()
            .map(|row| {
                let (id, street): (String, String) = (row.get(0), row.get(1));
                (id.parse().expect("a number"), number_in(&street))
            })
            .collect();
        let wrong: Vec<_> = self
            .newest
            .iter()
            .filter(|(id, number)| found.get(id) != Some(number))
            .take(10)
            .map(|(id, number)| format!("{id}: {:?} instead of {number}", found.get(id)))
            .collect();
        assert!(wrong.is_empty(), "not the newest version: {wrong:?}");
        assert_eq!(
            found.len(),
            self.newest.len(),
            "listings that were not sent"
        );

        let payloads = texts(bed, "SELECT convert_from(payload, 'UTF8') FROM rejects").await;
        let rejected: BTreeSet<u64> = payloads.iter().map(|text| number_in(text)).collect();
        assert_eq!(payloads.len(), rejected.len(), "a reject is there twice");
        assert_eq!(rejected, self.dirty, "the rejects are the dirty messages");
        format!(
            "{} produced = {} clean + {} rejected; {} listings have their newest version; no \
             message was written twice",
            self.produced(),
            self.clean.len(),
            self.dirty.len(),
            found.len()
        )
    }
}

/// Makes the tables, and a record of every row that is ever written.
pub async fn audit(bed: &Testbed) {
    let config = data_loader::Config::new(&bed.settings(&[])).expect("valid settings");
    let sql = data_loader::tables(&config.schema)
        + "CREATE TABLE audit (street text NOT NULL);
           CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN INSERT INTO audit VALUES (NEW.street); RETURN NULL; END $$;
           CREATE TRIGGER audited AFTER INSERT OR UPDATE ON listings
               FOR EACH ROW EXECUTE FUNCTION audited();";
    sqlx::raw_sql(&sql)
        .execute(bed.pool())
        .await
        .expect("the tables are made");
}

async fn texts(bed: &Testbed, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql)
        .fetch_all(bed.pool())
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// The number after the first `s` that is followed by a digit.
fn number_in(text: &str) -> u64 {
    let mut parts = text.split('s').skip(1);
    let digits = parts.find(|part| part.starts_with(|first: char| first.is_ascii_digit()));
    let digits = digits.unwrap_or_else(|| panic!("no number in {text}"));
    let end = digits
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().expect("digits")
}
