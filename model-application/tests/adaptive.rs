//! Prediction intervals that follow the labels of earlier answers (`applier.adaptive_intervals`).

#[path = "conservation/model.rs"]
mod model;

use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(120);
/// Requests of a batch, which are all labelled before the next.
const BATCH: u32 = 60;
/// Batches of a market that stands still, and of one whose prices rise by a half.
const STILL: u32 = 5;
const MOVING: u32 = 10;

async fn applier(bed: &Testbed) -> Running {
    let settings = [
        ("quality.every_s", "1"),
        ("applier.adaptive_intervals", "true"),
    ];
    let config = model_application::Config::new(&bed.settings(&settings)).expect("valid settings");
    let running =
        Running::start(|listener, shutdown| model_application::run(config, listener, shutdown));
    eventually("ready", LIMIT, || running.is_ready()).await;
    running
}

fn flat(id: u32) -> Value {
    json!({"id": id, "city": format!("city{}", id % 5), "street": format!("street{}", id % 40),
           "floor": 3, "rooms": 2, "area": 30 + id % 50})
}

fn number(answer: &Value, field: &str) -> f64 {
    let found = answer[field].as_f64();
    found.unwrap_or_else(|| panic!("no {field} in {answer}"))
}

/// Half of the model's interval, without the factor, on the scale of logarithms.
fn half(answer: &Value) -> f64 {
    let factor = answer["interval_factor"].as_f64().unwrap_or(1.0);
    (number(answer, "high") / number(answer, "low")).ln() / 2.0 / factor
}

/// Waits until the factor rests on so many labels, and gives it.
async fn factor(running: &Running, labels: u32) -> f64 {
    let adapted = async || running.get("/quality").await.1["adaptive_intervals"].clone();
    eventually("labels are taken into account", LIMIT, || async {
        adapted().await["labels"] == labels
    })
    .await;
    let adapted = adapted().await;
    assert_eq!(adapted["model"], "real-estate@v000001", "{adapted}");
    number(&adapted, "factor")
}

/// Sends a batch of requests and then its labels, each `moved` by as much on the scale of logarithms and up to 1.1 half
/// intervals off, so that ten in eleven would be within the model's intervals. Gives the answers.
async fn batch(bed: &Testbed, first: u32, moved: f64) -> Vec<Value> {
    let topics = bed.kafka(&[]).topics;
    let requests =
        (first..first + BATCH).map(|id| (id.to_string(), flat(id).to_string().into_bytes()));
    bed.send(&topics.requests, &requests.collect::<Vec<_>>())
        .await;
    let answers = bed
        .receive(&topics.answers, (first + BATCH) as usize, LIMIT)
        .await;
    let answers: Vec<Value> = answers.iter().map(|answer| answer.json()).collect();
    let own = answers
        .into_iter()
        .filter(|answer| answer["id"].as_u64() >= Some(first.into()));
    let own: Vec<Value> = own.collect();
    let labels = own.iter().map(|answer| {
        let id = answer["id"].as_u64().expect("a number");
        let off = 1.1 * ((id * 37 % 101) as f64 / 50.0 - 1.0);
        let price = number(answer, "prediction") * (moved + off * half(answer)).exp();
        let label = json!({"id": id, "price": price});
        (id.to_string(), label.to_string().into_bytes())
    });
    bed.send(&topics.actuals, &labels.collect::<Vec<_>>()).await;
    own
}

#[tokio::test(flavor = "multi_thread")]
async fn intervals_follow_a_market_that_moves() {
    let bed = Testbed::start().await;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed).await;
    let mut last = 1.0;
    for number in 0..STILL {
        batch(&bed, number * BATCH, 0.0).await;
        last = factor(&running, (number + 1) * BATCH).await;
        if number == 0 {
            assert_eq!(last, 1.0, "60 labels are too few");
        }
    }
    assert!((last - 1.0).abs() < 0.12, "{last}");
    let plain = batch(&bed, STILL * BATCH, 0.0).await;
    let plain = plain
        .iter()
        .find(|answer| answer["id"].as_u64() == Some((STILL * BATCH).into()));
    let plain = plain.expect("an answer").clone();
    last = factor(&running, (STILL + 1) * BATCH).await;

    let mut sent = Vec::new();
    for number in STILL + 1..STILL + 1 + MOVING {
        let share = f64::from(number - STILL) / f64::from(MOVING);
        sent = batch(&bed, number * BATCH, share * 1.5_f64.ln()).await;
        for answer in &sent {
            assert_eq!(answer["interval_factor"].as_f64(), Some(last), "{answer}");
        }
        last = factor(&running, (number + 1) * BATCH).await;
    }
    let labels = (STILL + 1 + MOVING) * BATCH;
    assert!(last > 2.0, "{last}");
    // The estimates are as they were: only the width follows.
    let first = sent.first().expect("an answer");
    let upper = (number(first, "high") / number(first, "prediction")).ln();
    let lower = (number(first, "prediction") / number(first, "low")).ln();
    assert!((upper / lower - 1.0).abs() < 1e-3, "{first}");
    assert!(upper > 2.0 * half(first), "{first}");
    // What was stored stays.
    let (code, again) = running
        .post(
            "/predict?namespace=shared",
            &flat(STILL * BATCH).to_string(),
        )
        .await;
    assert_eq!((code, &again), (200, &plain));

    let (_, quality) = running.get("/quality?window=24h&segment=").await;
    let figures = &quality["groups"][0]["figures"];
    let share = |name: &str| number(&figures[name], "value");
    let (with, without) = (share("coverage"), share("coverage_unadapted"));
    assert!(with > without + 0.15, "{with} {without}");
    assert!(
        (with - 0.9).abs() < (without - 0.9).abs(),
        "{with} {without}"
    );
    let metrics = running.text("/metrics").await;
    for metric in [
        "hedonic_interval_factor{",
        "hedonic_quality_coverage_unadapted{",
    ] {
        assert!(
            metrics.lines().any(|line| line.starts_with(metric)),
            "{metric}"
        );
    }
    let kept = "SELECT count(*) FROM labelled_answers WHERE interval_factor > 1.5";
    assert!(bed.number(kept).await > 0);
    running.stop().await;

    // Another process has the same factor, whatever asks.
    let running = applier(&bed).await;
    assert_eq!(factor(&running, labels).await, last);
    let (code, answer) = running.post("/predict", &flat(1).to_string()).await;
    assert_eq!(
        (code, answer["interval_factor"].as_f64()),
        (200, Some(last))
    );
    let asked = json!({"inputs": [
        {"name": "city", "shape": [1], "datatype": "BYTES", "data": ["city1"]},
        {"name": "street", "shape": [1], "datatype": "BYTES", "data": ["street1"]},
        {"name": "floor", "shape": [1], "datatype": "INT64", "data": [3]},
        {"name": "rooms", "shape": [1], "datatype": "INT64", "data": [2]},
        {"name": "area", "shape": [1], "datatype": "FP64", "data": [31.0]},
    ]});
    let (code, inferred) = running
        .post("/v2/models/real-estate/infer", &asked.to_string())
        .await;
    assert_eq!(code, 200, "{inferred}");
    let outputs = inferred["outputs"].as_array().expect("outputs").iter();
    let highs: Vec<f64> = outputs
        .filter(|output| output["name"] == "high")
        .map(|output| output["data"][0].as_f64().expect("a number"))
        .collect();
    assert_eq!(highs, [number(&answer, "high")], "{inferred} {answer}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_stored_answers_there_are_no_labels_to_follow() {
    let bed = Testbed::start().await;
    let settings = [
        ("applier.store", "false"),
        ("applier.adaptive_intervals", "true"),
    ];
    let config = model_application::Config::new(&bed.settings(&settings)).expect("valid settings");
    let running =
        Running::start(|listener, shutdown| model_application::run(config, listener, shutdown));
    let failure = running.failure(LIMIT).await;
    assert!(failure.contains("applier.adaptive_intervals"), "{failure}");
}
