//! Too much, too late, and without a database.

#[path = "conservation/model.rs"]
mod model;

use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Received, Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);

async fn applier(bed: &Testbed, set: &[(&str, &str)]) -> Running {
    let config = model_application::Config::new(&bed.settings(set)).expect("valid settings");
    let running =
        Running::start(|listener, shutdown| model_application::run(config, listener, shutdown));
    eventually("ready", LIMIT, || running.is_ready()).await;
    running
}

fn request(id: &str) -> Value {
    json!({"id": id, "city": "city1", "street": "street6", "floor": 3, "rooms": 2, "area": 50})
}

fn keyed(id: &str) -> (String, Vec<u8>) {
    (id.to_owned(), request(id).to_string().into_bytes())
}

/// All answers with this id.
fn of<'a>(answers: &'a [Received], id: &str) -> Vec<&'a Received> {
    let answers = answers.iter();
    answers.filter(|answer| answer.json()["id"] == id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_waited_too_long_is_told_so_unless_it_was_answered_in_time() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed, &[]).await;
    bed.send(&topics.requests, &[keyed("in time")]).await;
    let first = bed.receive(&topics.answers, 1, LIMIT).await;
    running.stop().await;

    let late = [keyed("late"), keyed("in time")];
    bed.send(&topics.requests, &late).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let running = applier(&bed, &[("applier.expire_after_s", "1")]).await;
    let answers = bed.receive(&topics.answers, 3, LIMIT).await;
    assert_eq!(answers.len(), 3);
    let in_time = of(&answers, "in time");
    assert_eq!(in_time.len(), 2);
    for answer in in_time {
        assert_eq!(answer.payload, first[0].payload, "byte for byte");
    }
    let late = of(&answers, "late")[0].json();
    assert_eq!(late["code"], "expired", "{late}");
    assert!(
        late["error"].to_string().contains("send it again"),
        "{late}"
    );
    assert_eq!(bed.number("SELECT count(*) FROM rejects").await, 1);
    assert_eq!(bed.number("SELECT count(*) FROM answers").await, 1);
    running.stop().await;

    // Asked again, it is answered.
    let running = applier(&bed, &[]).await;
    bed.send(&topics.requests, &[keyed("late")]).await;
    let answers = bed.receive(&topics.answers, 4, LIMIT).await;
    assert!(
        of(&answers, "late")
            .iter()
            .any(|answer| answer.json()["prediction"].is_number())
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reasons_come_with_the_answers_that_ask_for_them() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    model::publish_trees(&bed, 100_000.0);
    let running = applier(&bed, &[]).await;
    let mut asking = request("why");
    asking["explain"] = true.into();
    let requests = [
        keyed("plain"),
        ("why".to_owned(), asking.to_string().into_bytes()),
    ];
    bed.send(&topics.requests, &requests).await;
    let answers = bed.receive(&topics.answers, 2, LIMIT).await;
    let plain = of(&answers, "plain")[0].json();
    assert_eq!(plain["explanation"], Value::Null, "{plain}");

    let why = of(&answers, "why")[0].json();
    let number = |value: &Value| value.as_f64().expect("a number");
    assert_eq!(why["prediction"], plain["prediction"], "the same flat");
    let explanation = &why["explanation"];
    let parts = explanation["reasons"].as_array().expect("parts");
    let sum: f64 = parts.iter().map(|part| number(&part["amount"])).sum();
    let price = number(&explanation["base"]) + sum;
    assert!(
        (price / number(&why["prediction"]) - 1.0).abs() < 1e-6,
        "they add up to the price: {why}"
    );
    let comparables = explanation["comparables"].as_array().expect("comparables");
    assert_eq!(comparables.len(), 5, "{why}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_bodies_at_once_than_may_be_are_asked_to_come_again() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let set = [
        ("applier.max_concurrent", "1"),
        ("applier.http_workers", "2"),
    ];
    let running = applier(&bed, &set).await;
    let client = reqwest::Client::new();
    let url = format!("http://{}/predict", running.http);
    let body = request("a").to_string();
    // The only place is held by bodies that take long, one after the other.
    let many: Vec<Value> = (0..100).map(|n| request(&n.to_string())).collect();
    let (slow, many) = (client.clone(), Value::from(many).to_string());
    let long = format!("{url}?explain=5");
    let holding = tokio::spawn(async move {
        loop {
            let asked = slow.post(&long).body(many.clone()).send().await;
            assert!([200, 503].contains(&asked.expect("an answer").status().as_u16()));
        }
    });
    eventually("one finds no place", LIMIT, || async {
        let asked = client.post(&url).body(body.clone()).send().await;
        let answer = asked.expect("an answer");
        let again = answer.headers().contains_key("Retry-After");
        let code = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        assert!(code == 200 || code == 503, "{code}: {text}");
        assert_eq!(code == 503, again, "{text}");
        code == 503 && text.contains("send it again")
    })
    .await;
    holding.abort();
    eventually("there is a place again", LIMIT, || async {
        running.post("/predict", &body).await.0 == 200
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_http_is_answered_and_kafka_waits() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    model::publish(&bed, 100_000.0);
    let (gate, url) = bed.behind_a_gate().await;
    gate.set_open(true);
    let set = [
        ("database.url", url.as_str()),
        ("database.timeout_ms", "1000"),
        // A full batch that waits pauses the partitions.
        ("applier.batch_rows", "50"),
    ];
    let running = applier(&bed, &set).await;
    bed.send(&topics.requests, &[keyed("before")]).await;
    assert_eq!(bed.receive(&topics.answers, 1, LIMIT).await.len(), 1);

    gate.set_open(false);
    let (code, answer) = running.post("/predict", &request("http").to_string()).await;
    assert_eq!(code, 200, "{answer}");
    let requests: Vec<_> = (0..300).map(|n| keyed(&n.to_string())).collect();
    bed.send(&topics.requests, &requests).await;
    eventually("the partitions are paused", LIMIT, || async {
        let metrics = running.text("/metrics").await;
        let pauses = metrics
            .lines()
            .find_map(|line| line.strip_prefix("hedonic_applier_pauses_total "));
        pauses.is_some_and(|pauses| pauses != "0")
    })
    .await;
    let (_, status) = running.get("/status").await;
    assert!(status["last_error"].is_string(), "{status}");
    assert_eq!(status["answered"], 1, "nothing is published unstored");

    gate.set_open(true);
    let answers = bed.receive(&topics.answers, 301, LIMIT).await;
    assert_eq!(answers.len(), 301, "each once");
    eventually("HTTP's answer is stored too", LIMIT, || async {
        bed.number("SELECT count(*) FROM answers").await == 302
    })
    .await;
    running.stop().await;
}
