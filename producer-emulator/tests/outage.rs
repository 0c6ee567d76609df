//! Kafka that comes late, goes away and comes back. One test: the warnings of the whole process are
//! counted.

// Helpers of tests: their panic is the message.
#![allow(clippy::unwrap_used)]

mod bed;

use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bed::{Bed, LIMIT, ready, status};
use rdkafka::mocking::MockCluster;
use testbed::eventually;

/// Far more than a refusal at once takes, far less than librdkafka would wait.
const AT_ONCE: Duration = Duration::from_secs(10);

/// Keeps the warnings as text.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    fn about(&self, what: &str) -> Vec<String> {
        let all = self.0.lock().unwrap();
        all.iter()
            .filter(|text| text.contains(what))
            .cloned()
            .collect()
    }
}

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::WARN
            && metadata.target().starts_with("producer_emulator")
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut text = String::new();
        event.record(
            &mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                write!(text, "{field}={value:?} ").unwrap();
            },
        );
        self.0.lock().unwrap().push(text);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_may_come_late_go_and_come_back() {
    let warnings = Warnings::default();
    tracing::subscriber::set_global_default(warnings.clone()).unwrap();
    let cluster = MockCluster::new(1).unwrap();
    let bed = Bed::on(&cluster.bootstrap_servers());
    let topics = bed.kafka().topics;
    for topic in topics.all() {
        cluster.create_topic(topic, 3, 1).unwrap();
    }
    cluster.broker_down(-1).unwrap();
    let service = bed.emulator(&[
        ("new_data_every_s", "1"),
        ("new_data_count", "20"),
        ("requests_every_s", "1"),
        ("requests_count", "10"),
        ("actuals_delay_s", "1"),
        ("dirty_share", "0"),
        ("actuals_share", "1"),
    ]);

    // Not there yet: what is asked is answered, and stated what for.
    let (code, answer) = service.post("/start", "").await;
    assert_eq!((code, &answer["running"]), (200, &true.into()), "{answer}");
    let waiting_for = answer["waiting_for"].to_string();
    assert!(waiting_for.contains("Kafka at 127.0.0.1"), "{answer}");
    let (code, answer) = service.post("/generate/new_data?count=5", "").await;
    assert_eq!(code, 503, "{answer}");
    assert!(answer["error"].to_string().contains("Kafka at"), "{answer}");
    let asked = Instant::now();
    let (code, _) = service.post("/generate/requests?count=5", "").await;
    assert_eq!(code, 503);
    assert!(asked.elapsed() < AT_ONCE, "at once then");
    assert!(!service.is_ready().await);
    let (_, account) = service.get("/status").await;
    assert!(
        account["parts"]["kafka"].to_string().contains("Kafka at"),
        "{account}"
    );
    assert_eq!(account["running"], true);

    // It comes: the schedules, started before, send.
    cluster.broker_up(-1).unwrap();
    ready(&service).await;
    let sends = || async { status(&service, "requests_sent").await >= 20 };
    eventually("the schedules send", LIMIT, sends).await;
    assert!(warnings.about("sending continues").is_empty());

    // It goes: reported once, however many schedules meet it.
    cluster.broker_down(-1).unwrap();
    eventually("the outage is seen", LIMIT, || async {
        !service.is_ready().await
    })
    .await;
    let asked = Instant::now();
    let (code, answer) = service.post("/generate/new_data?count=5", "").await;
    assert_eq!(code, 503, "{answer}");
    assert!(asked.elapsed() < AT_ONCE);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(
        warnings.about("sending continues").len(),
        1,
        "{warnings:?}",
        warnings = warnings.about("")
    );

    // It is back: sending continues by itself, and nothing of it was lost.
    let before = status(&service, "requests_sent").await;
    cluster.broker_up(-1).unwrap();
    ready(&service).await;
    eventually("the schedules go on", LIMIT, || async {
        status(&service, "requests_sent").await >= before + 20
    })
    .await;
    service.post("/stop", "").await;
    eventually("all is settled", LIMIT, || async {
        let (_, account) = service.get("/status").await;
        account["actuals_pending"] == 0
            && account["requests_made"] == account["requests_sent"]
            && account["new_data_made"] == account["new_data_sent"]
            && account["requests_sent"] == account["actuals_sent"]
    })
    .await;
    let (_, account) = service.get("/status").await;
    assert_eq!(account["undelivered"], 0, "{account}");
    for (topic, name) in [
        (&topics.new_data, "new_data_sent"),
        (&topics.requests, "requests_sent"),
        (&topics.actuals, "actuals_sent"),
    ] {
        let sent = status(&service, name).await as usize;
        assert_eq!(bed.receive(topic, sent).await.len(), sent, "{topic}");
    }
    assert_eq!(warnings.about("").len(), 1, "{:?}", warnings.about(""));
    service.stop().await;
}
