//! Listings in Avro and in Protobuf, by the schemas of a real schema registry: `HEDONIC_TEST_SCHEMA_REGISTRY` is its
//! address, such as `scripts/schema-registry start` prints.
#![cfg(all(feature = "avro", feature = "protobuf"))]

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);
const ROWS: i64 = 50;

const AVRO: &str = r#"{"type":"record","name":"Listing","namespace":"homes","fields":[
    {"name":"id","type":"string"},
    {"name":"listed_at","type":{"type":"long","logicalType":"timestamp-millis"}},
    {"name":"city","type":"string"},{"name":"street","type":"string"},
    {"name":"floor","type":"int"},{"name":"rooms","type":"int"},
    {"name":"area","type":["null","double"],"default":null},
    {"name":"price","type":"double"}]}"#;

const PROTOBUF: &str = r#"syntax = "proto3";
package homes;
import "google/protobuf/timestamp.proto";
message Listing {
  string id = 1;
  google.protobuf.Timestamp listed_at = 2;
  string city = 3;
  string street = 4;
  int32 floor = 5;
  int64 rooms = 6;
  optional double area = 7;
  double price = 8;
}
"#;

/// One listing, of which every third has no area.
struct Listing {
    id: String,
    listed_at_s: i64,
    area: Option<f64>,
    price: f64,
}

fn listing(number: i64) -> Listing {
    Listing {
        id: format!("home-{number}"),
        listed_at_s: 1_700_000_000 + number,
        area: (number % 3 != 0).then_some(40.5 + number as f64),
        price: 5e6 + number as f64,
    }
}

/// Seven bits a byte, the lowest first.
fn varint(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// A whole number of Avro: the sign is the lowest bit.
fn long(number: i64, bytes: &mut Vec<u8>) {
    varint(((number << 1) ^ (number >> 63)) as u64, bytes);
}

fn avro(listing: &Listing) -> Vec<u8> {
    let mut bytes = Vec::new();
    let text = |text: &str, bytes: &mut Vec<u8>| {
        long(text.len() as i64, bytes);
        bytes.extend_from_slice(text.as_bytes());
    };
    text(&listing.id, &mut bytes);
    long(listing.listed_at_s * 1000, &mut bytes);
    text("Kazan", &mut bytes);
    text("Lenina", &mut bytes);
    long(3, &mut bytes);
    long(2, &mut bytes);
    match listing.area {
        None => long(0, &mut bytes),
        Some(area) => {
            long(1, &mut bytes);
            bytes.extend(area.to_le_bytes());
        }
    }
    bytes.extend(listing.price.to_le_bytes());
    bytes
}

fn protobuf(listing: &Listing) -> Vec<u8> {
    // The first message of the schema.
    let mut bytes = vec![0];
    let field = |number: u64, content: &[u8], bytes: &mut Vec<u8>| {
        varint(number << 3 | 2, bytes);
        varint(content.len() as u64, bytes);
        bytes.extend_from_slice(content);
    };
    let whole = |number: u64, value: u64, bytes: &mut Vec<u8>| {
        varint(number << 3, bytes);
        varint(value, bytes);
    };
    let double = |number: u64, value: f64, bytes: &mut Vec<u8>| {
        varint(number << 3 | 1, bytes);
        bytes.extend(value.to_le_bytes());
    };
    let mut time = Vec::new();
    whole(1, listing.listed_at_s as u64, &mut time);
    field(1, listing.id.as_bytes(), &mut bytes);
    field(2, &time, &mut bytes);
    field(3, b"Kazan", &mut bytes);
    field(4, b"Lenina", &mut bytes);
    whole(5, 3, &mut bytes);
    whole(6, 2, &mut bytes);
    if let Some(area) = listing.area {
        double(7, area, &mut bytes);
    }
    double(8, listing.price, &mut bytes);
    bytes
}

/// Confluent's wire format: a zero, the schema's id, the value.
fn wire(id: u32, value: Vec<u8>) -> Vec<u8> {
    let mut bytes = vec![0];
    bytes.extend(id.to_be_bytes());
    bytes.extend(value);
    bytes
}

/// The id under which the registry keeps a schema.
async fn registered(url: &str, topic: &str, kind: &str, schema: &str) -> u32 {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(60));
    let client = client.build().expect("a client");
    let answer = client
        .post(format!("{url}/subjects/{topic}-value/versions"))
        .header("content-type", "application/vnd.schemaregistry.v1+json")
        .body(json!({ "schemaType": kind, "schema": schema }).to_string())
        .send()
        .await
        .expect("the registry answers");
    let status = answer.status();
    let text = answer.text().await.expect("a body");
    let body: Value = serde_json::from_str(&text).expect("JSON");
    let id = body["id"].as_u64().and_then(|id| u32::try_from(id).ok());
    id.unwrap_or_else(|| panic!("{status}: {text}"))
}

async fn stored_by(format: &str, schema: &str, encode: fn(&Listing) -> Vec<u8>) {
    let Ok(url) = std::env::var("HEDONIC_TEST_SCHEMA_REGISTRY") else {
        // Past the test harness, which hides what a test prints that passes.
        let _ = std::io::stderr().write_all(
            format!("SKIPPED: set HEDONIC_TEST_SCHEMA_REGISTRY=$(scripts/schema-registry start) to test {format}\n")
                .as_bytes(),
        );
        return;
    };
    common::telemetry::choose_tls_provider();
    let url = url.trim_end_matches('/').to_owned();
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    let id = registered(&url, &topics.new_data, &format.to_uppercase(), schema).await;
    let mut messages: Vec<(String, Vec<u8>)> = (0..ROWS)
        .map(|number| {
            let listing = listing(number);
            let value = wire(id, encode(&listing));
            (listing.id, value)
        })
        .collect();
    let unknown = wire(999_999, encode(&listing(0)));
    messages.push(("unknown".to_owned(), unknown));
    messages.push(("plain".to_owned(), b"{\"id\":\"plain\"}".to_vec()));
    bed.send(&topics.new_data, &messages).await;
    let set = [
        ("kafka.formats.new_data", format),
        ("kafka.schema_registry.url", url.as_str()),
    ];
    let config = data_loader::Config::new(&bed.settings(&set)).expect("valid settings");
    let running = Running::start(|listener, shutdown| data_loader::run(config, listener, shutdown));
    eventually("all messages", LIMIT, || async {
        let tables = "SELECT (to_regclass('listings') IS NOT NULL AND to_regclass('rejects') IS NOT NULL)::int::bigint";
        bed.number(tables).await == 1
            && bed
                .number("SELECT (SELECT count(*) FROM listings) + (SELECT count(*) FROM rejects)")
                .await
                >= ROWS + 2
    })
    .await;
    for (sql, expected) in [
        ("SELECT count(*) FROM listings", ROWS),
        (
            "SELECT count(*) FROM listings WHERE area IS NULL",
            (ROWS + 2) / 3,
        ),
        (
            "SELECT (sum(price) - 5e6 * count(*))::bigint FROM listings",
            (0..ROWS).sum(),
        ),
        (
            "SELECT extract(epoch FROM max(listed_at))::bigint FROM listings",
            1_700_000_000 + ROWS - 1,
        ),
        (
            "SELECT count(*) FROM listings WHERE floor = 3 AND rooms = 2 AND city = 'Kazan'",
            ROWS,
        ),
    ] {
        assert_eq!(bed.number(sql).await, expected, "{format}: {sql}");
    }
    let rejects = format!("SELECT count(*) FROM rejects WHERE code = '{format}'");
    assert_eq!(bed.number(&rejects).await, 2, "{format}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_in_avro_are_stored_by_their_schema() {
    stored_by("avro", AVRO, avro).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_in_protobuf_are_stored_by_their_schema() {
    stored_by("protobuf", PROTOBUF, protobuf).await;
}
