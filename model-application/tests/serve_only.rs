//! Answers from the registry alone: no database and no Kafka answer, and nothing is stored.

#[path = "conservation/model.rs"]
mod model;

use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(60);
/// Nobody listens there.
const NOWHERE: [(&str, &str); 3] = [
    ("applier.store", "false"),
    ("database.url", "postgres://nobody@127.0.0.1:1/none"),
    ("kafka.brokers", "127.0.0.1:1"),
];

fn request(id: &str, area: f64) -> Value {
    json!({"id": id, "city": "city1", "street": "street6", "floor": 3, "rooms": 2, "area": area})
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_are_answered_and_it_is_said_that_they_are_not_stored() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let config = model_application::Config::new(&bed.settings(&NOWHERE)).expect("valid settings");
    let running =
        Running::start(|listener, shutdown| model_application::run(config, listener, shutdown));
    eventually("ready", LIMIT, || running.is_ready()).await;

    let (code, health) = running.get("/health/ready").await;
    assert_eq!(code, 200, "{health}");
    assert_eq!(health["parts"]["model"], "ready", "{health}");
    for said in [
        &health["parts"]["answers"],
        &running.get("/status").await.1["answers"],
    ] {
        let said = said.as_str().expect("words");
        assert!(said.contains("not stored"), "{said}");
        assert!(said.contains("applier.store"), "{said}");
    }

    let (code, small) = running
        .post("/predict", &request("a", 50.0).to_string())
        .await;
    assert_eq!(code, 200, "{small}");
    assert_eq!(small["model"], "real-estate@v000001");
    // Nothing is remembered: the id may be used for another record.
    let body = request("a", 90.0).to_string();
    let (code, large) = running.post("/predict?explain=3", &body).await;
    assert_eq!(code, 200, "{large}");
    assert!(large["prediction"].as_f64() > small["prediction"].as_f64());
    let comparables = large["explanation"]["comparables"].as_array();
    assert_eq!(comparables.map(Vec::len), Some(3), "{large}");

    // What needs the database says that it is away.
    let (code, newest) = running.get("/newest").await;
    assert_eq!(code, 503, "{newest}");
    running.stop().await;
    assert_eq!(
        bed.number("SELECT count(*) FROM pg_tables WHERE tablename = 'answers'")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn its_check_asks_for_a_model_and_for_no_server() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let config = model_application::Config::new(&bed.settings(&NOWHERE)).expect("valid settings");
    let report = common::check::report(Ok(config.needs()), LIMIT).await;
    assert!(report.is_healthy());
}
