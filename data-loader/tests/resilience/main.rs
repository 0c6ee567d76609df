//! Messages and tables that are unusual: one costs itself alone, or the loader states what to fix.
//!
//! On Kafka (`HEDONIC_TEST_KAFKA`, or the embedded broker) and PostgreSQL.

mod envelopes;
mod limits;
mod names;
mod refusals;
mod setup;
mod tables;
mod tombstones;

use std::time::Duration;

use rdkafka::producer::FutureRecord;
use serde_json::json;
use sqlx::Row;
use testbed::{Running, Testbed, eventually};

pub(crate) const LIMIT: Duration = Duration::from_secs(180);

/// A loader with these settings.
pub(crate) fn loader(bed: &Testbed, set: &[(&str, &str)]) -> Running {
    let config = data_loader::Config::new(&bed.settings(set)).expect("valid settings");
    Running::start(|listener, shutdown| data_loader::run(config, listener, shutdown))
}

/// A listing of the default schema, without a time.
pub(crate) fn listing(id: &str, price: f64) -> serde_json::Value {
    json!({
        "id": id, "city": "Kazan", "street": "Lenina", "floor": 3, "rooms": 2, "price": price,
    })
}

/// A message to partition 0, so that all have one order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sent {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) timestamp_ms: Option<i64>,
}

impl Sent {
    pub(crate) fn of(value: &serde_json::Value) -> Sent {
        Sent {
            key: value["id"].as_str().map(|id| id.as_bytes().to_vec()),
            payload: Some(value.to_string().into_bytes()),
            timestamp_ms: None,
        }
    }

    pub(crate) fn tombstone(key: &str) -> Sent {
        Sent {
            key: Some(key.as_bytes().to_vec()),
            ..Sent::default()
        }
    }
}

pub(crate) async fn send(bed: &Testbed, messages: &[Sent]) {
    let topic = bed.kafka(&[]).topics.new_data;
    let producer = bed.kafka(&[]).producer().expect("a producer");
    let mut deliveries = Vec::new();
    for message in messages {
        let mut record = FutureRecord::<[u8], [u8]>::to(&topic).partition(0);
        if let Some(key) = &message.key {
            record = record.key(key);
        }
        if let Some(payload) = &message.payload {
            record = record.payload(payload);
        }
        if let Some(ms) = message.timestamp_ms {
            record = record.timestamp(ms);
        }
        let delivery = producer.send_result(record);
        deliveries.push(delivery.map_err(|(error, _)| error).expect("is taken"));
    }
    for delivery in deliveries {
        let delivered = tokio::time::timeout(LIMIT, delivery).await;
        let delivered = delivered.expect("in time").expect("the producer lives");
        delivered.map_err(|(error, _)| error).expect("is delivered");
    }
}

pub(crate) async fn execute(bed: &Testbed, sql: &str) {
    sqlx::raw_sql(sql)
        .execute(bed.pool())
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Waits until a query gives a number; an error, as of a table that is not there yet, is waited for too.
pub(crate) async fn becomes(bed: &Testbed, sql: &str, expected: i64) {
    eventually(&format!("{sql} = {expected}"), LIMIT, || async {
        let found = sqlx::query_scalar::<_, i64>(sql)
            .fetch_one(bed.pool())
            .await;
        found.ok() == Some(expected)
    })
    .await;
}

/// The rows that a query gives, as text.
pub(crate) async fn rows(bed: &Testbed, sql: &str) -> Vec<String> {
    let rows = sqlx::query(sql).fetch_all(bed.pool()).await;
    let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.iter().map(|row| row.get::<String, _>(0)).collect()
}

/// Waits until N messages are in the database, whatever became of them.
pub(crate) async fn read_up_to(bed: &Testbed, next_offset: i64) {
    let sql = "SELECT coalesce(max(next_offset), 0)::bigint FROM offsets WHERE partition = 0";
    becomes(bed, sql, next_offset).await;
}
