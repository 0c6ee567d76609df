//! The applier on Kafka (`HEDONIC_TEST_KAFKA`, or the embedded broker) and PostgreSQL.

use std::time::Duration;

use records::{Decoder, Purpose, Schema};
use serde_json::{Value, json};
use testbed::{Running, Testbed, eventually};
use valuation::FitOptions;

const LIMIT: Duration = Duration::from_secs(180);

fn config(bed: &Testbed, set: &[(&str, &str)]) -> model_application::Config {
    model_application::Config::new(&bed.settings(set)).expect("valid settings")
}

fn applier(bed: &Testbed, set: &[(&str, &str)]) -> Running {
    let config = config(bed, set);
    Running::start(|listener, shutdown| model_application::run(config, listener, shutdown))
}

/// Fits on made listings, whose price a square metre is `level`, and publishes the version.
fn publish(bed: &Testbed, schema: &Schema, level: f64) {
    let mut decoder = Decoder::new(schema, Purpose::Listing);
    for n in 0..600_u32 {
        let area = 25.0 + f64::from(n % 80);
        let noise = 1.0 + 0.02 * f64::from(n % 7);
        let listing = json!({
            "id": n, "city": format!("city{}", n % 5), "street": format!("street{}", n % 40),
            "floor": 1 + n % 9, "rooms": 1 + n % 4, "area": area, "price": area * level * noise,
        });
        decoder
            .push(
                listing.to_string().as_bytes(),
                1_700_000_000_000_000 + i64::from(n),
            )
            .expect("a good listing");
    }
    let batch = decoder.finish().batch;
    let now_us = 1_700_000_001_000_000;
    let (model, _) = valuation::fit(schema, &batch, &FitOptions::default(), "test", now_us)
        .expect("a model can be fitted");
    registry(bed)
        .publish(|path| model.save(path))
        .expect("the version can be published");
}

fn registry(bed: &Testbed) -> registry::Directory {
    registry::Directory::new(&config(bed, &[]).registry.path)
}

fn request(id: impl Into<Value>) -> Vec<u8> {
    let id: Value = id.into();
    json!({"id": id, "city": "city1", "street": "street6", "floor": 3, "rooms": 2, "area": 50})
        .to_string()
        .into_bytes()
}

fn keyed(id: impl Into<Value>) -> (String, Vec<u8>) {
    let id: Value = id.into();
    (id.to_string(), request(id))
}

async fn ready(running: &Running) {
    eventually("ready", LIMIT, || running.is_ready()).await;
}

async fn answering_with(running: &Running, version: &str) {
    eventually(version, LIMIT, || async {
        running.get("/status").await.1["model"] == json!(format!("real-estate@{version}"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_wait_for_the_first_model_and_each_gets_one_answer() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    let mut requests: Vec<_> = (0..50).map(keyed).collect();
    requests.push(keyed("a text"));
    requests.push(("bad".into(), br#"{"id":"bad","city":"city1"}"#.to_vec()));
    requests.push(("broken".into(), br#"{"id":"brok"#.to_vec()));
    bed.send(&topics.requests, &requests).await;

    let running = applier(&bed, &[]);
    eventually("it says what it waits for", LIMIT, || async {
        let (code, body) = running.get("/health/ready").await;
        let why = body["parts"]["model"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        code == 503 && why.contains("run model-prepare")
    })
    .await;
    assert_eq!(running.get("/health/live").await.0, 200);
    let (code, body) = running.post("/predict", "{}").await;
    assert_eq!(code, 503, "{body}");

    publish(&bed, &Schema::real_estate(), 100_000.0);
    ready(&running).await;
    let answers = bed.receive(&topics.answers, 53, LIMIT).await;
    assert_eq!(answers.len(), 53, "one answer a request");
    let of = |id: Value| {
        let found: Vec<Value> = answers
            .iter()
            .map(testbed::Received::json)
            .filter(|answer| answer["id"] == id)
            .collect();
        assert_eq!(found.len(), 1, "{id}");
        found[0].clone()
    };
    let answer = of(json!(7));
    assert_eq!(answer["model"], "real-estate@v000001");
    let (low, price, high) = (&answer["low"], &answer["prediction"], &answer["high"]);
    let number = |value: &Value| value.as_f64().expect("a number");
    assert!(
        number(low) < number(price) && number(price) < number(high),
        "{answer}"
    );
    assert!(
        (4e6..6.5e6).contains(&number(price)),
        "50 m² at 100,000: {answer}"
    );
    assert_eq!(
        of(json!("a text"))["prediction"],
        answer["prediction"],
        "the same flat"
    );
    let bad = of(json!("bad"));
    assert_eq!(bad["code"], "missing_field", "{bad}");
    assert!(
        bad["error"]
            .as_str()
            .is_some_and(|error| error.contains("street")),
        "{bad}"
    );
    assert_eq!(of(Value::Null)["code"], "malformed");
    assert_eq!(bed.number("SELECT count(*) FROM answers").await, 51);
    assert_eq!(bed.number("SELECT count(*) FROM rejects").await, 2);
    running.stop().await;

    // Another process, another model: a request that is sent again gets the answer it had.
    publish(&bed, &Schema::real_estate(), 200_000.0);
    let running = applier(&bed, &[]);
    answering_with(&running, "v000002").await;
    bed.send(&topics.requests, &[keyed(7), keyed(1000)]).await;
    let answers = bed.receive(&topics.answers, 55, LIMIT).await;
    assert_eq!(
        answers.len(),
        55,
        "nothing was answered again after the restart"
    );
    let sevens: Vec<_> = answers
        .iter()
        .filter(|answer| answer.json()["id"] == 7)
        .collect();
    assert_eq!(sevens.len(), 2);
    assert_eq!(sevens[0].payload, sevens[1].payload, "byte for byte");
    let new = answers
        .iter()
        .map(|answer| answer.json())
        .find(|answer| answer["id"] == 1000);
    let new = new.expect("the new request is answered");
    assert_eq!(new["model"], "real-estate@v000002");
    assert!(number(&new["prediction"]) > 1.5 * number(price));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_is_taken_up_and_a_bad_one_refused() {
    let bed = Testbed::start().await;
    publish(&bed, &Schema::real_estate(), 100_000.0);
    let running = applier(&bed, &[]);
    answering_with(&running, "v000001").await;
    publish(&bed, &Schema::real_estate(), 110_000.0);
    answering_with(&running, "v000002").await;

    let refusal = |version: &'static str| {
        let running = &running;
        async move {
            eventually(version, LIMIT, || async {
                let (_, status) = running.get("/status").await;
                status["refused_model"]
                    .as_str()
                    .is_some_and(|why| why.starts_with(version))
            })
            .await;
            let (_, status) = running.get("/status").await;
            assert_eq!(status["model"], "real-estate@v000002", "it goes on");
            assert!(
                status["holdout_mdape"]
                    .as_f64()
                    .is_some_and(|error| error < 0.2),
                "{status}"
            );
            status["refused_model"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        }
    };
    let good = registry(&bed)
        .newest()
        .expect("reads")
        .expect("a version")
        .path;
    registry(&bed)
        .publish(|path| std::fs::copy(good.join("model.json"), path.join("model.json")).map(drop))
        .expect("publishes what is no model");
    assert!(refusal("v000003").await.contains("SHA256SUMS"));

    let mut in_feet = Schema::real_estate();
    for field in &mut in_feet.fields {
        if field.name == "area" {
            field.unit = Some("sq ft".to_owned());
        }
    }
    publish(&bed, &in_feet, 100_000.0);
    let why = refusal("v000004").await;
    assert!(why.contains("area"), "{why}");
    ready(&running).await;
    running.stop().await;

    let restarted = applier(&bed, &[]);
    answering_with(&restarted, "v000002").await;
    let (_, status) = restarted.get("/status").await;
    let why = status["refused_model"].as_str().unwrap_or_default();
    assert!(why.starts_with("v000004"), "the newest is told: {status}");
    restarted.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_over_http_are_those_over_kafka_and_bad_bodies_are_told() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    publish(&bed, &Schema::real_estate(), 100_000.0);
    let set = [
        ("applier.max_records", "5"),
        ("applier.max_body_bytes", "2000"),
    ];
    let running = applier(&bed, &set);
    ready(&running).await;
    bed.send(&topics.requests, &[keyed("kafka")]).await;
    let kafka = bed.receive(&topics.answers, 1, LIMIT).await[0].json();

    let text = |id: &str| String::from_utf8(request(id)).expect("text");
    let (code, one) = running.post("/predict", &text("http")).await;
    assert_eq!((code, &one["id"]), (200, &json!("http")), "{one}");
    for field in ["prediction", "low", "high", "confidence", "model"] {
        assert_eq!(one[field], kafka[field], "{field}");
    }
    let body = format!("[{}, {{\"id\": 5}}, {}]", text("a"), text("b"));
    let (code, many) = running.post("/predict", &body).await;
    assert_eq!(code, 200, "{many}");
    assert_eq!(many[0]["id"], "a");
    assert_eq!(many[1]["id"], 5);
    assert_eq!(many[1]["code"], "missing_field");
    assert_eq!(many[2]["prediction"], kafka["prediction"]);
    assert_eq!(running.post("/predict", "[]").await, (200, json!([])));
    eventually("HTTP's answers are stored too", LIMIT, || async {
        bed.number("SELECT count(*) FROM answers").await == 4
    })
    .await;

    for (body, code, expected) in [
        (String::new(), 400, "empty"),
        ("garbage".to_owned(), 400, "not a JSON object"),
        ("[1, {".to_owned(), 400, "not JSON"),
        ("{\"id\": \"x\"}".to_owned(), 400, "missing"),
        (format!("[{}]", ["{}"; 6].join(",")), 413, "at most 5"),
        (format!("[{}]", " ".repeat(3000)), 413, "2000"),
    ] {
        let (found, answer) = running.post("/predict", &body).await;
        let error = answer["error"].as_str().unwrap_or_default();
        assert_eq!(found, code, "{body:?}: {answer}");
        assert!(error.contains(expected), "{body:?}: {answer}");
    }
    let (code, answer) = running.get("/predict").await;
    assert_eq!(code, 405, "{answer}");
    let (code, answer) = running.get("/nothing").await;
    assert_eq!(code, 404, "{answer}");
    running.stop().await;
}
