//! Requests to the applier.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use sqlx::Row;

use super::Ledger;
use crate::Testbed;

/// Of a hundred messages, how many are invalid, and how many are requests sent again.
const DIRTY: u32 = 3;
const AGAIN: u32 = 5;
/// Longest wait for the answers' topic.
const LIMIT: Duration = Duration::from_secs(120);

/// Every request has a number for an id, which the audit collects.
#[derive(Default)]
pub struct Requests {
    requested: u64,
    again: u64,
    /// The ids of invalid requests.
    dirty: BTreeSet<u64>,
}

impl Ledger for Requests {
    const BURST: u32 = 100;

    fn topic(bed: &Testbed) -> String {
        bed.kafka(&[]).topics.requests
    }

    fn produced(&self) -> u64 {
        self.requested + self.again
    }

    fn message(&mut self, rng: &mut ChaCha8Rng) -> (String, String) {
        let kind = rng.random_range(0..100);
        if kind < AGAIN && self.requested > 0 {
            let id = rng.random_range(0..self.requested);
            if !self.dirty.contains(&id) {
                self.again += 1;
                return (id.to_string(), request(id));
            }
        }
        let id = self.requested;
        self.requested += 1;
        if kind >= 100 - DIRTY {
            self.dirty.insert(id);
            return (
                id.to_string(),
                json!({ "id": id, "city": "city1" }).to_string(),
            );
        }
        (id.to_string(), request(id))
    }

    /// Each request has one answer or reject in the database, which was written once, and all that
    /// was published for it is the same.
    fn check<'a>(&'a self, bed: &'a Testbed) -> BoxFuture<'a, String> {
        async move {
            let sql =
                "SELECT request_id, count(*) FROM audit GROUP BY 1 HAVING count(*) > 1 LIMIT 5";
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
            assert_eq!(rejected, self.dirty, "the rejects are the invalid requests");
            let missing: Vec<u64> = (0..self.requested)
                .filter(|id| stored.contains_key(id) == self.dirty.contains(id))
                .take(5)
                .collect();
            assert!(
                missing.is_empty(),
                "neither or both answered and rejected: {missing:?}"
            );
            assert_eq!(stored.len() + rejected.len(), self.requested as usize);

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
                self.requested,
                "every request has an answer or a reject on the topic"
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
                self.requested,
                self.again,
                stored.len(),
                rejected.len()
            )
        }
        .boxed()
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
