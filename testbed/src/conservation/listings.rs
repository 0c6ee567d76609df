//! Listings to the loader.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use sqlx::Row;

use super::Ledger;
use crate::Testbed;

/// Of a hundred messages, how many are invalid, and how many are newer versions of a listing.
const DIRTY: u32 = 3;
const NEWER: u32 = 20;

/// Every message has a number; a listing has it as its street, which the audit collects.
pub struct Listings {
    began: DateTime<Utc>,
    /// The number of the newest version of each listing.
    newest: BTreeMap<u64, u64>,
    dirty: BTreeSet<u64>,
    clean: BTreeSet<u64>,
}

impl Default for Listings {
    fn default() -> Listings {
        Listings {
            began: Utc::now(),
            newest: BTreeMap::new(),
            dirty: BTreeSet::new(),
            clean: BTreeSet::new(),
        }
    }
}

impl Ledger for Listings {
    const BURST: u32 = 200;

    fn topic(bed: &Testbed) -> String {
        bed.kafka(&[]).topics.new_data
    }

    fn produced(&self) -> u64 {
        (self.clean.len() + self.dirty.len()) as u64
    }

    fn message(&mut self, rng: &mut ChaCha8Rng) -> (String, String) {
        let number = self.produced();
        let kind = rng.random_range(0..100);
        if kind < DIRTY {
            self.dirty.insert(number);
            let payload = match rng.random_range(0..3) {
                0 => format!("{{\"id\": \"x\", \"street\": \"s{number} "),
                1 => json!({"id": "x", "street": format!("s{number} ")}).to_string(),
                _ => format!("no JSON: s{number} "),
            };
            return (number.to_string(), payload);
        }
        let known = self.newest.len() as u64;
        let id = match kind < DIRTY + NEWER && known > 0 {
            true => rng.random_range(0..known),
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
    fn check<'a>(&'a self, bed: &'a Testbed) -> BoxFuture<'a, String> {
        async move {
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
        .boxed()
    }
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
