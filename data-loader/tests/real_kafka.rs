//! What only Apache Kafka can show. Runs where `HEDONIC_TEST_REAL_KAFKA` is set (it needs a JDK, and
//! Maven the first time), and fails there if it cannot.

use std::time::Duration;

use serde_json::json;
use testbed::{RealKafka, Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);

fn loader(bed: &Testbed, set: &[(&str, &str)]) -> Running {
    let config = data_loader::Config::new(&bed.settings(set)).expect("valid settings");
    Running::start(|listener, shutdown| data_loader::run(config, listener, shutdown))
}

fn listings(ids: std::ops::Range<u32>) -> Vec<(String, Vec<u8>)> {
    ids.map(|id| {
        let listing = json!({
            "id": id, "city": "Kazan", "street": "Lenina", "floor": 3, "rooms": 2, "price": 5e6,
        });
        (id.to_string(), listing.to_string().into_bytes())
    })
    .collect()
}

async fn stored(bed: &Testbed, expected: i64) {
    eventually(&format!("{expected} listings"), LIMIT, || async {
        bed.number("SELECT (to_regclass('listings') IS NOT NULL)::int::bigint")
            .await
            == 1
            && bed.number("SELECT count(*) FROM listings").await >= expected
    })
    .await;
    assert_eq!(bed.number("SELECT count(*) FROM listings").await, expected);
    assert_eq!(
        bed.number("SELECT sum(next_offset)::bigint FROM offsets")
            .await,
        expected,
        "each message was taken once"
    );
}

/// Partitions that a loader holds, as its `/status` says.
async fn held(running: &Running) -> usize {
    let (_, status) = running.get("/status").await;
    status["partitions"]
        .as_object()
        .map_or(0, serde_json::Map::len)
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_and_go_and_nothing_is_lost_or_doubled() {
    let Some(kafka) = RealKafka::start(&[]).await else {
        return;
    };
    let bed = Testbed::on(kafka.brokers()).await;
    let topics = bed.kafka(&[]).topics;
    let first = loader(&bed, &[]);
    bed.send(&topics.new_data, &listings(0..2000)).await;
    stored(&bed, 2000).await;
    assert_eq!(held(&first).await, 3, "one member holds all partitions");

    let second = loader(&bed, &[]);
    let third = loader(&bed, &[]);
    for part in 0..20 {
        let from = 2000 + part * 400;
        bed.send(&topics.new_data, &listings(from..from + 400))
            .await;
    }
    stored(&bed, 10_000).await;
    let each = || async { [held(&first).await, held(&second).await, held(&third).await] };
    eventually("one partition each", LIMIT, || async {
        each().await == [1, 1, 1]
    })
    .await;

    first.stop().await;
    bed.send(&topics.new_data, &listings(10_000..12_000)).await;
    second.stop().await;
    bed.send(&topics.new_data, &listings(12_000..13_000)).await;
    stored(&bed, 13_000).await;
    third.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_late_crashes_and_comes_back_is_waited_for() {
    let Some(kafka) = RealKafka::start(&[]).await else {
        return;
    };
    let bed = Testbed::on(kafka.brokers()).await;
    let topics = bed.kafka(&[]).topics;
    bed.send(&topics.new_data, &listings(0..500)).await;

    kafka.stop(None, true).await;
    let running = loader(&bed, &[]);
    eventually("it says what it waits for", LIMIT, || async {
        let (code, body) = running.get("/health/ready").await;
        let why = body["parts"]["kafka"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        code == 503 && why.contains("does not answer") && why.contains("refused")
    })
    .await;
    assert_eq!(running.get("/health/live").await.0, 200);

    kafka.start_again().await;
    stored(&bed, 500).await;
    eventually("ready", LIMIT, || running.is_ready()).await;

    kafka.stop(None, true).await;
    eventually("not ready", LIMIT, || async { !running.is_ready().await }).await;
    kafka.start_again().await;
    bed.send(&topics.new_data, &listings(500..900)).await;
    stored(&bed, 900).await;
    eventually("ready again", LIMIT, || running.is_ready()).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lag_tools_see_the_group_and_what_retention_deleted_is_told() {
    let Some(kafka) = RealKafka::start(&[]).await else {
        return;
    };
    let bed = Testbed::on(kafka.brokers()).await;
    let config = bed.kafka(&[]);
    let topic = config.topics.new_data.clone();
    bed.send(&topic, &listings(0..300)).await;
    let running = loader(&bed, &[]);
    stored(&bed, 300).await;
    running.stop().await;

    bed.send(&topic, &listings(300..420)).await;
    let group = bed.group("loader");
    assert_eq!(kafka.lag(&group, &topic).await, 120, "what is not read yet");

    // Retention, at once: everything sent so far is deleted, 120 of it unread.
    kafka.delete_all(&topic).await;
    bed.send(&topic, &listings(420..500)).await;
    let running = loader(&bed, &[]);
    eventually("what came after is stored", LIMIT, || async {
        bed.number("SELECT count(*) FROM listings").await == 380
    })
    .await;
    let text = running.text("/metrics").await;
    let lost: f64 = text
        .lines()
        .filter(|line| {
            line.starts_with("hedonic_kafka_deleted_unread_total") && line.contains(&topic)
        })
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum();
    assert_eq!(lost, 120.0, "{text}");
    eventually("no lag", LIMIT, || async {
        kafka.lag(&group, &topic).await == 0
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_three_brokers_may_crash() {
    let Some(kafka) = RealKafka::start(&["--brokers", "3"]).await else {
        return;
    };
    let bed = Testbed::on(kafka.brokers()).await;
    let topics = bed.kafka(&[]).topics;
    let running = loader(&bed, &[]);
    bed.send(&topics.new_data, &listings(0..1000)).await;
    stored(&bed, 1000).await;
    for broker in 1..=3 {
        kafka.stop(Some(broker), true).await;
        let from = broker * 1000;
        bed.send(&topics.new_data, &listings(from..from + 1000))
            .await;
        stored(&bed, i64::from(from) + 1000).await;
        kafka.start_again().await;
    }
    running.stop().await;
}
