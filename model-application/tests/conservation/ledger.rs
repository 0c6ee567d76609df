//! What was asked, and whether each got one answer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use common::Shutdown;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rdkafka::producer::{DeliveryFuture, FutureRecord};
use serde_json::{Value, json};
use sqlx::Row;
use testbed::Testbed;
use tokio::task::JoinHandle;

/// Messages on their way at a time.
const MOST: usize = 2000;
/// Of a hundred messages, so many are spoilt, and so many are requests sent again.
const DIRTY: u32 = 3;
const AGAIN: u32 = 5;
/// Longest wait for the answers' topic.
const LIMIT: Duration = Duration::from_secs(120);

/// Every request has a number for an id.
pub struct Ledger {
    rng: ChaCha8Rng,
    asked: u64,
    again: u64,
    /// The ids of requests that are none.
    dirty: BTreeSet<u64>,
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
    let topic = kafka.topics.requests.clone();
    let stop = Shutdown::new();
    let told = stop.clone();
    let task = tokio::spawn(async move {
        let mut ledger = Ledger {
            rng,
            asked: 0,
            again: 0,
            dirty: BTreeSet::new(),
        };
        let mut waiting = VecDeque::new();
        while !told.is_cancelled() {
            for _ in 0..ledger.rng.random_range(1..100) {
                let (id, payload) = ledger.message();
                waiting.push_back(send(&producer, &topic, id, &payload));
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

fn send(producer: &common::kafka::Producer, topic: &str, id: u64, payload: &str) -> DeliveryFuture {
    let key = id.to_string();
    let record = FutureRecord::to(topic).key(&key).payload(payload);
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
    /// Messages sent.
    pub fn produced(&self) -> u64 {
        self.asked + self.again
    }

    /// Id and payload of the next message.
    fn message(&mut self) -> (u64, String) {
        let kind = self.rng.random_range(0..100);
        if kind < AGAIN && self.asked > 0 {
            let id = self.rng.random_range(0..self.asked);
            if !self.dirty.contains(&id) {
                self.again += 1;
                return (id, request(id));
            }
        }
        let id = self.asked;
        self.asked += 1;
        if kind >= 100 - DIRTY {
            self.dirty.insert(id);
            return (id, json!({ "id": id, "city": "city1" }).to_string());
        }
        (id, request(id))
    }

    /// Each request has one answer or reject in the database, which was written once, and all that
    /// was published for it is the same.
    pub async fn check(&self, bed: &Testbed) -> String {
        let sql = "SELECT request_id, count(*) FROM audit GROUP BY 1 HAVING count(*) > 1 LIMIT 5";
        let twice = sqlx::query(sql)
            .fetch_all(bed.pool())
            .await
            .expect("the audit");
        let twice: Vec<String> = twice.iter().map(|row| row.get(0)).collect();
        assert!(twice.is_empty(), "written twice: {twice:?}");

        let rows = sqlx::query("SELECT request_id, payload FROM answers")
            .fetch_all(bed.pool())
            .await
            .expect("the answers");
        let stored: BTreeMap<u64, Vec<u8>> = rows
            .iter()
            .map(|row| {
                let id: String = row.get(0);
                (id.parse().expect("a number"), row.get(1))
            })
            .collect();
        let payloads: Vec<Vec<u8>> = sqlx::query_scalar("SELECT payload FROM rejects")
            .fetch_all(bed.pool())
            .await
            .expect("the rejects");
        let rejected: BTreeSet<u64> = payloads.iter().map(|payload| id_of(payload)).collect();
        assert_eq!(payloads.len(), rejected.len(), "a reject is there twice");
        assert_eq!(
            rejected, self.dirty,
            "the rejects are the requests that are none"
        );
        let missing: Vec<u64> = (0..self.asked)
            .filter(|id| stored.contains_key(id) == self.dirty.contains(id))
            .take(5)
            .collect();
        assert!(
            missing.is_empty(),
            "neither or both answered and rejected: {missing:?}"
        );
        assert_eq!(stored.len() + rejected.len(), self.asked as usize);

        let answers = bed.kafka(&[]).topics.answers;
        let published = bed.receive(&answers, self.produced() as usize, LIMIT).await;
        let mut first: BTreeMap<u64, &[u8]> = BTreeMap::new();
        let mut again = 0;
        for message in &published {
            let id = id_of(&message.payload);
            let kept = *first.entry(id).or_insert(&message.payload);
            assert_eq!(kept, message.payload, "{id} was answered in two ways");
            again += 1;
            if let Some(stored) = stored.get(&id) {
                assert_eq!(
                    *stored, message.payload,
                    "{id}: published is what is stored"
                );
            }
        }
        again -= first.len();
        assert_eq!(
            first.len() as u64,
            self.asked,
            "every request was told something"
        );
        let models: BTreeSet<String> = stored
            .values()
            .map(|payload| {
                let answer: Value = serde_json::from_slice(payload).expect("JSON");
                answer["model"].as_str().expect("a name").to_owned()
            })
            .collect();
        assert_eq!(models.len(), 2, "both models answered: {models:?}");
        format!(
            "{} requests ({} sent again) = {} answers + {} rejects, each stored once; {again} \
             published again, all byte for byte as the first",
            self.asked,
            self.again,
            stored.len(),
            rejected.len()
        )
    }
}

fn request(id: u64) -> String {
    json!({
        "id": id, "city": format!("city{}", id % 5), "street": format!("street{}", id % 40),
        "floor": 3, "rooms": 2, "area": 30 + id % 50,
    })
    .to_string()
}

fn id_of(payload: &[u8]) -> u64 {
    let value: Value = serde_json::from_slice(payload).expect("JSON");
    value["id"]
        .as_u64()
        .unwrap_or_else(|| panic!("no id in {value}"))
}

/// Makes the tables, and a record of every answer that is ever written.
pub async fn audit(bed: &Testbed) {
    let sql = model_application::tables(&records::Schema::real_estate())
        + "CREATE TABLE audit (request_id text NOT NULL);
           CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN INSERT INTO audit VALUES (NEW.request_id); RETURN NULL; END $$;
           CREATE TRIGGER audited AFTER INSERT OR UPDATE ON answers
               FOR EACH ROW EXECUTE FUNCTION audited();";
    sqlx::raw_sql(&sql)
        .execute(bed.pool())
        .await
        .expect("the tables are made");
}
