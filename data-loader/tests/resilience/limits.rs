//! Messages that are too large, and time stamps that are off.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use testbed::{Testbed, eventually};

use crate::{LIMIT, Sent, becomes, listing, loader, read_up_to, rows, send};

/// Letters that do not compress, so that an index cannot shorten them.
fn letters(count: usize) -> String {
    let mut state = 7_u64;
    let letter = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b'a' + u8::try_from((state >> 33) % 26).unwrap_or(0))
    };
    (0..count).map(letter).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_rejected_shortened_and_the_rest_is_stored() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    let junk = vec![0xff_u8; 400_000];
    let controls = vec![1_u8; 400_000];
    let with_key = |key: usize, payload: &[u8]| Sent {
        key: Some(vec![b'k'; key]),
        payload: Some(payload.to_vec()),
        timestamp_ms: None,
    };
    let messages = [
        Sent::of(&listing("first", 1e6)),
        Sent::of(&listing(&letters(3500), 1e6)),
        with_key(3, &junk),
        with_key(3, &controls),
        with_key(700_000, b"{"),
        Sent::of(&listing("last", 1e6)),
    ];
    send(&bed, &messages).await;
    let running = loader(&bed, &[]);
    read_up_to(&bed, 6).await;
    assert_eq!(
        rows(&bed, "SELECT id FROM listings ORDER BY id").await,
        ["first", "last"]
    );
    assert_eq!(
        rows(
            &bed,
            "SELECT code || ' ' || coalesce(payload_bytes, 0) || ' ' || length(payload) || ' ' \
             || coalesce(length(payload_sha256), 0) || ' ' || coalesce(length(key), 0) \
             FROM rejects WHERE \"offset\" > 1 ORDER BY \"offset\""
        )
        .await,
        [
            "malformed 400000 65536 32 3",
            "malformed 400000 65536 32 3",
            "malformed 0 1 0 0"
        ]
    );
    let long = rows(
        &bed,
        "SELECT code || ': ' || reason FROM rejects WHERE \"offset\" = 1",
    )
    .await;
    assert!(
        long[0].starts_with("too_long: ") && long[0].contains("at most 1024"),
        "{long:?}"
    );
    let published = bed.receive(&topics.rejects, 4, LIMIT).await;
    assert_eq!(published.len(), 4, "all of them are on the topic");
    let whole = published.iter().map(|one| one.payload.len()).max();
    assert!(whole.is_some_and(|bytes| bytes < 500_000), "{whole:?}");
    let junk = published.iter().map(|one| one.json());
    let junk = junk.filter(|json| json["payload_bytes"] == 400_000).count();
    assert_eq!(junk, 2);
    running.stop().await;

    // A bound of the service; packed, the message is small.
    let running = loader(&bed, &[("kafka.max_message_bytes", "300")]);
    send(
        &bed,
        &[
            Sent::of(&listing(&"i".repeat(300), 1e6)),
            Sent::of(&listing("small", 1e6)),
        ],
    )
    .await;
    becomes(&bed, "SELECT count(*) FROM listings WHERE id = 'small'", 1).await;
    becomes(
        &bed,
        "SELECT count(*) FROM rejects WHERE code = 'too_large'",
        1,
    )
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producers_clock_neither_refuses_nor_dates_listings() {
    let bed = Testbed::start().await;
    let running = loader(&bed, &[]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_ms = i64::try_from(now.expect("after 1970").as_millis()).expect("fits");
    let day_ms = 24 * 3600 * 1000;
    let at = |id: &str, listed_at: Option<i64>, timestamp_ms: i64| {
        let mut listing = listing(id, 1e6);
        if let Some(ms) = listed_at {
            listing["listed_at"] = json!(ms);
        }
        Sent {
            timestamp_ms: Some(timestamp_ms),
            ..Sent::of(&listing)
        }
    };
    let messages = [
        at("days-ago", Some(now_ms), now_ms - 10 * day_ms),
        at("seconds", Some(now_ms), now_ms / 1000),
        at("seconds-no-time", None, now_ms / 1000),
        at("ahead-no-time", None, now_ms + 30 * 60 * 1000),
        at("no-time", None, now_ms),
        at("not-yet", Some(now_ms + 3 * day_ms), now_ms),
    ];
    send(&bed, &messages).await;
    read_up_to(&bed, 6).await;
    assert_eq!(
        rows(
            &bed,
            "SELECT id FROM listings WHERE listed_at BETWEEN now() - interval '1 hour' \
             AND now() + interval '1 hour' ORDER BY id"
        )
        .await,
        [
            "ahead-no-time",
            "days-ago",
            "no-time",
            "seconds",
            "seconds-no-time"
        ]
    );
    assert_eq!(
        rows(&bed, "SELECT code || \"offset\" FROM rejects").await,
        ["out_of_bounds5"]
    );
    eventually("it is counted", LIMIT, || async {
        let metrics = running.text("/metrics").await;
        metrics.contains("hedonic_kafka_timestamps_replaced_total")
    })
    .await;
    running.stop().await;
}
