//! What a consumer does when Kafka is not as usual: other assignors, topics made again, transactions,
//! retention, fenced members. Runs where `HEDONIC_TEST_REAL_KAFKA` is set, on the brokers of
//! `HEDONIC_TEST_KAFKA` or on one of its own.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::{Value, json};
use testbed::{RealKafka, Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);

/// A bed on Apache Kafka; `None`, and loudly so, where that is not asked for.
async fn bed() -> Option<(Option<RealKafka>, Testbed)> {
    let brokers = std::env::var("HEDONIC_TEST_KAFKA").unwrap_or_default();
    let is_asked_for = std::env::var_os("HEDONIC_TEST_REAL_KAFKA").is_some();
    if is_asked_for && !brokers.is_empty() {
        return Some((None, Testbed::on(&brokers).await));
    }
    let kafka = RealKafka::start(&[]).await?;
    let bed = Testbed::on(kafka.brokers()).await;
    Some((Some(kafka), bed))
}

fn loader(bed: &Testbed, set: &[(&str, &str)]) -> Running {
    let config = data_loader::Config::new(&bed.settings(set)).expect("valid settings");
    Running::start(|listener, shutdown| data_loader::run(config, listener, shutdown))
}

fn listing(id: u32) -> (String, Vec<u8>) {
    let listing = json!({
        "id": id, "city": "Kazan", "street": "Lenina", "floor": 3, "rooms": 2, "price": 5e6,
    });
    (id.to_string(), listing.to_string().into_bytes())
}

fn listings(ids: std::ops::Range<u32>) -> Vec<(String, Vec<u8>)> {
    ids.map(listing).collect()
}

async fn count(bed: &Testbed, expected: i64) {
    eventually(&format!("{expected} listings"), LIMIT, || async {
        bed.number("SELECT (to_regclass('listings') IS NOT NULL)::int::bigint")
            .await
            == 1
            && bed.number("SELECT count(*) FROM listings").await == expected
    })
    .await;
}

async fn status(running: &Running) -> Value {
    running.get("/status").await.1
}

async fn held(running: &Running) -> usize {
    let partitions = &status(running).await["partitions"];
    partitions.as_object().map_or(0, serde_json::Map::len)
}

/// Sum of a counter's series that name `label`.
async fn counted(running: &Running, name: &str, label: &str) -> f64 {
    let text = running.text("/metrics").await;
    let lines = text
        .lines()
        .filter(|line| line.starts_with(name) && line.contains(label));
    lines
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

fn admin(bed: &Testbed) -> AdminClient<DefaultClientContext> {
    bed.kafka(&[]).client().create().expect("a client")
}

async fn make_anew(bed: &Testbed, topic: &str) {
    let (admin, options) = (admin(bed), AdminOptions::new());
    let deleted = admin.delete_topics(&[topic], &options).await;
    deleted.expect("an answer")[0]
        .as_ref()
        .expect("it is deleted");
    eventually("the topic is made again", LIMIT, || async {
        let new = NewTopic::new(topic, 3, TopicReplication::Fixed(1));
        let made = admin.create_topics(&[new], &AdminOptions::new()).await;
        made.is_ok_and(|made| made[0].is_ok())
    })
    .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
}

async fn members_share_and_take_over(bed: &Testbed, start: impl Fn() -> Running) {
    let topics = bed.kafka(&[]).topics;
    let first = start();
    bed.send(&topics.new_data, &listings(0..300)).await;
    count(bed, 300).await;
    eventually("all partitions", LIMIT, || async {
        held(&first).await == 3
    })
    .await;
    eventually("no lag", LIMIT, || async {
        status(&first).await["lag_records"] == 0
    })
    .await;

    let second = start();
    for part in 0..10 {
        let from = 300 + part * 100;
        bed.send(&topics.new_data, &listings(from..from + 100))
            .await;
    }
    count(bed, 1300).await;
    eventually("both have some", LIMIT, || async {
        let (one, two) = (held(&first).await, held(&second).await);
        one + two == 3 && one > 0 && two > 0
    })
    .await;
    first.stop().await;
    bed.send(&topics.new_data, &listings(1300..1500)).await;
    count(bed, 1500).await;
    eventually("it has all", LIMIT, || async { held(&second).await == 3 }).await;
    assert_eq!(
        bed.number("SELECT coalesce(sum(next_offset), 0)::bigint FROM offsets")
            .await,
        1500,
        "each message was taken once"
    );
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cooperative_assignor_gives_and_takes_single_partitions() {
    let Some((_kafka, bed)) = bed().await else {
        return;
    };
    let set = [(
        "kafka.properties.partition.assignment.strategy",
        "cooperative-sticky",
    )];
    members_share_and_take_over(&bed, || loader(&bed, &set)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_brokers_own_group_protocol_works() {
    let Some((_kafka, bed)) = bed().await else {
        return;
    };
    // What the broker decides then cannot be set.
    let pairs: Vec<(String, String)> = bed
        .flags(&[("kafka.properties.group.protocol", "consumer")])
        .iter()
        .filter_map(|flag| flag.strip_prefix("--set=")?.split_once('='))
        .filter(|(key, _)| !key.ends_with("session.timeout.ms") && !key.contains("heartbeat"))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    members_share_and_take_over(&bed, || {
        let layered = common::Layered::load(None, &pairs).expect("valid settings");
        let config = data_loader::Config::new(&layered).expect("valid settings");
        Running::start(|listener, shutdown| data_loader::run(config, listener, shutdown))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transactions_marker_is_no_lag() {
    let Some((_kafka, bed)) = bed().await else {
        return;
    };
    let topic = bed.kafka(&[]).topics.new_data;
    let running = loader(&bed, &[]);
    eventually("ready", LIMIT, || running.is_ready()).await;
    let mut settings: ClientConfig = bed.kafka(&[]).client();
    settings.set("transactional.id", bed.group("transactions"));
    let producing = move || {
        let producer: BaseProducer = settings.create().expect("a producer");
        producer.init_transactions(LIMIT).expect("transactions");
        producer.begin_transaction().expect("begins");
        for (key, payload) in listings(0..10) {
            let record = BaseRecord::to(&topic).key(&key).payload(&payload);
            producer
                .send(record)
                .map_err(|(error, _)| error)
                .expect("is taken");
        }
        producer.commit_transaction(LIMIT).expect("commits");
    };
    tokio::task::spawn_blocking(producing)
        .await
        .expect("no panic");
    count(&bed, 10).await;
    let no_lag = |running: &Running| {
        let (url, client) = (
            format!("http://{}/status", running.http),
            reqwest::Client::new(),
        );
        async move {
            let status: Value = client
                .get(url)
                .send()
                .await
                .expect("an answer")
                .json()
                .await
                .expect("JSON");
            status["lag_records"] == 0 && status["lag_seconds"] == 0.0
        }
    };
    eventually("no lag", LIMIT, || no_lag(&running)).await;
    running.stop().await;
    // Anyone who starts behind the marker has none either.
    let again = loader(&bed, &[]);
    eventually("no lag after a restart", LIMIT, || no_lag(&again)).await;
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_made_anew_is_read_from_its_beginning() {
    let Some((_kafka, bed)) = bed().await else {
        return;
    };
    let topic = bed.kafka(&[]).topics.new_data;
    // The same key: all of one partition, so that places are the same again.
    let message = |id: u32| ("one".to_owned(), listing(id).1);
    let bad = ("one".to_owned(), b"no listing".to_vec());
    let running = loader(&bed, &[]);
    let mut old: Vec<_> = (0..10).map(message).collect();
    old.push(bad.clone());
    bed.send(&topic, &old).await;
    count(&bed, 10).await;
    eventually("the reject", LIMIT, || async {
        bed.number("SELECT count(*) FROM rejects").await == 1
    })
    .await;
    running.stop().await;

    make_anew(&bed, &topic).await;
    let mut new: Vec<_> = (200..210).map(message).collect();
    new.push(bad.clone());
    new.extend((210..230).map(message));
    bed.send(&topic, &new).await;
    let running = loader(&bed, &[]);
    count(&bed, 40).await;
    eventually("both rejects", LIMIT, || async {
        bed.number("SELECT count(*) FROM rejects").await == 2
    })
    .await;
    assert_eq!(
        bed.number("SELECT coalesce(sum(next_offset), 0)::bigint FROM offsets")
            .await,
        31
    );
    let seen = counted(&running, "hedonic_kafka_topics_recreated_total", &topic).await;
    assert!(seen >= 1.0, "it is counted: {seen}");

    // Again while it is read, with more messages than before.
    make_anew(&bed, &topic).await;
    let newer: Vec<_> = (300..350).map(message).collect();
    bed.send(&topic, &newer).await;
    count(&bed, 90).await;
    eventually("offsets of the new topic", LIMIT, || async {
        bed.number("SELECT coalesce(sum(next_offset), 0)::bigint FROM offsets")
            .await
            == 50
    })
    .await;
    assert_eq!(bed.number("SELECT count(*) FROM rejects").await, 2);
    running.stop().await;
}

/// A record without a key has the place of its message for one, and a topic made again has the same places.
#[tokio::test(flavor = "multi_thread")]
async fn records_without_a_key_of_a_topic_made_anew_replace_none_of_the_old_one() {
    let Some((_kafka, bed)) = bed().await else {
        return;
    };
    let schema = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(
        schema.path(),
        "name = 'event'\nversion = 1\ntask = 'regression'\ntable = 'events'\ntarget = 'clicks'\n\
         [[field]]\nname = 'page'\nkind = 'category'\n\
         [[field]]\nname = 'clicks'\nkind = 'integer'\n",
    )
    .expect("writes");
    let set = [("schema.source", schema.path().to_str().expect("text"))];
    let events = |page: &str, count: usize| -> Vec<(String, Vec<u8>)> {
        let event = json!({ "page": page, "clicks": 3 }).to_string();
        vec![("one".to_owned(), event.into_bytes()); count]
    };
    let stored = async |page: &str| {
        bed.number(&format!(
            "SELECT count(*) FROM events WHERE page = '{page}'"
        ))
        .await
    };
    let topic = bed.kafka(&[]).topics.new_data;
    bed.send(&topic, &events("old", 20)).await;
    let running = loader(&bed, &set);
    eventually("the old topic's", LIMIT, || async {
        bed.number("SELECT (to_regclass('events') IS NOT NULL)::int::bigint")
            .await
            == 1
            && stored("old").await == 20
    })
    .await;

    make_anew(&bed, &topic).await;
    bed.send(&topic, &events("new", 30)).await;
    eventually("the new topic's", LIMIT, || async {
        stored("new").await == 30
    })
    .await;
    assert_eq!(stored("old").await, 20, "none is replaced");
    running.stop().await;

    // Nor by a process that starts later, as if it read them for the first time.
    sqlx::query("DELETE FROM offsets")
        .execute(bed.pool())
        .await
        .expect("forgotten");
    bed.send(&topic, &events("newer", 1)).await;
    let running = loader(&bed, &set);
    eventually("the newest", LIMIT, || async { stored("newer").await == 1 }).await;
    assert_eq!(stored("new").await, 30, "the same places again");
    assert_eq!(stored("old").await, 20);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_retention_deletes_unread_is_reported_without_another_message() {
    let Some((_kafka, bed)) = bed().await else {
        return;
    };
    let topic = bed.kafka(&[]).topics.new_data;
    let running = loader(&bed, &[]);
    bed.send(&topic, &listings(0..30)).await;
    count(&bed, 30).await;
    running.stop().await;
    bed.send(&topic, &listings(30..50)).await;
    let mut all = TopicPartitionList::new();
    for partition in 0..3 {
        all.add_partition_offset(&topic, partition, Offset::End)
            .expect("an offset");
    }
    let deleted = admin(&bed).delete_records(&all, &AdminOptions::new()).await;
    deleted.expect("the records are deleted");
    let running = loader(&bed, &[]);
    eventually("20 are reported as lost", LIMIT, || async {
        counted(&running, "hedonic_kafka_deleted_unread_total", &topic).await == 20.0
    })
    .await;
    bed.send(&topic, &listings(50..60)).await;
    count(&bed, 40).await;
    let lost = counted(&running, "hedonic_kafka_deleted_unread_total", &topic).await;
    assert_eq!(lost, 20.0, "they are counted once");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lag_that_nobody_measures_is_unknown() {
    let Some((_kafka, bed)) = bed().await else {
        return;
    };
    let topic = bed.kafka(&[]).topics.new_data;
    let running = loader(&bed, &[]);
    bed.send(&topic, &listings(0..30)).await;
    count(&bed, 30).await;
    eventually("no lag", LIMIT, || async {
        status(&running).await["lag_records"] == 0
    })
    .await;
    running.post("/stop", "").await;
    bed.send(&topic, &listings(30..40)).await;
    eventually("unknown lag, not ready", LIMIT, || async {
        status(&running).await["lag_records"].is_null() && !running.is_ready().await
    })
    .await;
    let group = bed.group("loader");
    let text = running.text("/metrics").await;
    let gauge = format!("hedonic_kafka_consumer_lag_records{{consumer=\"{group}\"}} NaN");
    assert!(text.contains(&gauge), "{text}");
    running.post("/start", "").await;
    count(&bed, 40).await;
    eventually("no lag again", LIMIT, || async {
        status(&running).await["lag_records"] == 0
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fenced_member_ends_and_says_why() {
    let Some((_kafka, bed)) = bed().await else {
        return;
    };
    let topic = bed.kafka(&[]).topics.new_data;
    let set = [("kafka.properties.group.instance.id", "the-only-one")];
    let config = data_loader::Config::new(&bed.settings(&set)).expect("valid settings");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let first = tokio::spawn(data_loader::run(config, listener, common::Shutdown::new()));
    bed.send(&topic, &listings(0..30)).await;
    count(&bed, 30).await;
    let second = loader(&bed, &set);
    let ended = tokio::time::timeout(LIMIT, first)
        .await
        .expect("it ends")
        .expect("no panic");
    let error = format!("{:#}", ended.expect_err("it fails"));
    assert!(error.contains("group.instance.id"), "{error}");
    bed.send(&topic, &listings(30..60)).await;
    count(&bed, 60).await;
    second.stop().await;
}
