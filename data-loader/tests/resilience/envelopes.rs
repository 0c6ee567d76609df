//! Messages of Debezium and Kafka Connect: the record within counts, and deletions delist.

use serde_json::{Value, json};
use testbed::Testbed;

use crate::tombstones::{schema, status};
use crate::{Sent, listing, loader, read_up_to, rows, send};

const DEBEZIUM: (&str, &str) = ("kafka.envelopes.new_data", "debezium");
const CONNECT: (&str, &str) = ("kafka.envelopes.new_data", "connect");

/// A message under the key that Connect's JSON converter writes.
fn under(id: &str, value: &Value) -> Sent {
    let key = json!({"schema": {"type": "struct"}, "payload": {"id": id}});
    Sent {
        key: Some(key.to_string().into_bytes()),
        payload: Some(value.to_string().into_bytes()),
        timestamp_ms: None,
    }
}

fn changed(op: &str, before: &Value, after: &Value) -> Value {
    json!({"before": before, "after": after, "source": {"table": "homes"}, "op": op, "ts_ms": 5})
}

fn wrapped(payload: &Value) -> Value {
    json!({"schema": {"type": "struct", "fields": []}, "payload": payload})
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_a_table_are_loaded_and_its_deletions_delist() {
    let (bed, schema) = (Testbed::start().await, schema("mark"));
    let source = schema.path().display().to_string();
    let (null, old) = (Value::Null, listing("goes", 1e6));
    let mut tombstone = under("goes", &null);
    tombstone.payload = None;
    let messages = [
        under("snapshot", &changed("r", &null, &listing("snapshot", 1e6))),
        under("goes", &wrapped(&changed("c", &null, &old))),
        under("updated", &changed("c", &null, &listing("updated", 1e6))),
        under("updated", &changed("u", &null, &listing("updated", 2e6))),
        under("goes", &wrapped(&changed("d", &old, &null))),
        tombstone,
        // Without the record as it was: the message's key names the listing.
        under("snapshot", &changed("d", &null, &null)),
        under("x", &changed("t", &null, &null)),
        under("x", &listing("plain", 1e6)),
        under("x", &changed("c", &null, &json!({"id": "cityless"}))),
    ];
    send(&bed, &messages).await;
    let running = loader(&bed, &[("schema.source", &source), DEBEZIUM]);
    read_up_to(&bed, 10).await;
    let stored = "SELECT id || ' ' || price::bigint || CASE WHEN delisted_at IS NULL THEN '' \
                  ELSE ' gone' END FROM listings ORDER BY 1";
    assert_eq!(
        rows(&bed, stored).await,
        [
            "goes 1000000 gone",
            "snapshot 1000000 gone",
            "updated 2000000"
        ]
    );
    let rejects = rows(
        &bed,
        "SELECT code || ': ' || reason FROM rejects ORDER BY \"offset\"",
    )
    .await;
    assert_eq!(rejects.len(), 3, "{rejects:?}");
    assert!(
        rejects[0].starts_with("envelope: ") && rejects[0].contains("found \"t\""),
        "{rejects:?}"
    );
    assert!(
        rejects[1].starts_with("envelope: ") && rejects[1].contains("the fields city, floor, id"),
        "{rejects:?}"
    );
    assert!(
        rejects[2].starts_with("missing_field: ") && rejects[2].contains("\"city\""),
        "{rejects:?}"
    );
    // A reject is the message as it came.
    let kept = rows(
        &bed,
        "SELECT convert_from(payload, 'UTF8')::jsonb -> 'after' ->> 'id' FROM rejects \
         WHERE code = 'missing_field'",
    )
    .await;
    assert_eq!(kept, ["cityless"]);
    status(&running, "stored", 4).await;
    status(&running, "delisted", 3).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_with_connects_schema_are_loaded() {
    let bed = Testbed::start().await;
    let messages = [
        under("a", &wrapped(&listing("a", 1e6))),
        under("b", &listing("b", 1e6)),
        under("a", &wrapped(&Value::Null)),
    ];
    send(&bed, &messages).await;
    let running = loader(&bed, &[CONNECT]);
    read_up_to(&bed, 3).await;
    assert_eq!(rows(&bed, "SELECT id FROM listings").await, ["a"]);
    // The default schema has no section [delisting].
    assert_eq!(
        rows(&bed, "SELECT code FROM rejects ORDER BY \"offset\"").await,
        ["envelope", "tombstone"]
    );
    running.stop().await;
}
