//! Live quality: prices learned later beside what was reported, and drift.

#[path = "conservation/model.rs"]
mod model;

use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);

async fn applier(bed: &Testbed) -> Running {
    let config = model_application::Config::new(&bed.settings(&[("quality.every_s", "1")]));
    let config = config.expect("valid settings");
    let running =
        Running::start(|listener, shutdown| model_application::run(config, listener, shutdown));
    eventually("ready", LIMIT, || running.is_ready()).await;
    running
}

fn keyed(id: u32, mut body: Value) -> (String, Vec<u8>) {
    body["id"] = id.into();
    (id.to_string(), body.to_string().into_bytes())
}

/// The whole model's figures in the day's window.
async fn day(running: &Running) -> Value {
    let (code, quality) = running.get("/quality?window=24h&segment=").await;
    assert_eq!(code, 200, "{quality}");
    quality["groups"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_told_once_enough_prices_are_known_in_whatever_order_they_come() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    model::publish(&bed, 100_000.0);
    let running = applier(&bed).await;
    let flat = |id: u32| {
        json!({"city": format!("city{}", id % 5), "street": format!("street{}", id % 40),
               "floor": 3, "rooms": 2, "area": 30 + id % 50})
    };
    // Ten prices come before their requests.
    let price =
        |id: u32, price: f64, at: &str| keyed(id, json!({"price": price, "observed_at": at}));
    let early: Vec<_> = (0..10)
        .map(|id| price(id, 1.0, "2026-01-01T00:00:00Z"))
        .collect();
    bed.send(&topics.actuals, &early).await;
    let requests: Vec<_> = (0..100).map(|id| keyed(id, flat(id))).collect();
    bed.send(&topics.requests, &requests).await;
    let answers = bed.receive(&topics.answers, 100, LIMIT).await;
    eventually("few prices are told as such", LIMIT, || async {
        let day = day(&running).await;
        let too_few = day["too_few"].as_str().unwrap_or_default();
        day["answers"] == 100 && day["labelled"] == 10 && too_few.contains("at least 30")
    })
    .await;
    assert_eq!(day(&running).await["figures"], Value::Null);

    // The truth: 5 % more expensive than was reported. Twice, late, and over the wrong early ones.
    let truth = |id: u32| {
        let bodies = answers.iter().map(|answer| answer.json());
        let answer = bodies.into_iter().find(|answer| answer["id"] == id);
        answer.expect("an answer")["prediction"]
            .as_f64()
            .expect("a number")
            * 1.05
    };
    let mut late: Vec<_> = (0..50)
        .map(|id| price(id, truth(id), "2026-02-01T00:00:00Z"))
        .collect();
    late.extend(late.clone());
    // An older observation changes nothing.
    late.push(price(3, 1.0, "2026-01-15T00:00:00Z"));
    late.push(("x".into(), b"{\"id\":\"x\",\"price\":\"much\"}".to_vec()));
    bed.send(&topics.actuals, &late).await;
    let is_told = async |running: &Running| {
        let day = day(running).await;
        day["labelled"] == 50
            && (day["figures"]["mdape"]["value"].as_f64().unwrap_or(1.0) - 0.05 / 1.05).abs() < 1e-9
    };
    eventually("errors are told", LIMIT, || is_told(&running)).await;
    let found = day(&running).await;
    let figures = &found["figures"];
    assert_eq!(found["label_coverage"], 0.5);
    assert!((figures["bias"].as_f64().expect("a number") + 0.05 / 1.05).abs() < 1e-9);
    assert_eq!(figures["within_10"], 1.0);
    assert!(
        figures["ratios"]["cod"]["value"]
            .as_f64()
            .expect("a number")
            < 1e-6
    );
    assert_eq!(bed.number("SELECT count(*) FROM actuals").await, 50);
    assert_eq!(
        bed.number("SELECT count(*) FROM rejects WHERE code = 'bad_actual'")
            .await,
        1
    );

    let (_, all) = running.get("/quality?window=24h").await;
    let of_city = all["groups"].as_array().expect("groups").iter();
    let of_city: Vec<&Value> = of_city
        .filter(|group| group["segment"] == "city1")
        .collect();
    assert_eq!(of_city.len(), 1, "{all}");
    assert_eq!(of_city[0]["answers"], 20);
    assert!(
        all["expected_mdape"]
            .as_f64()
            .is_some_and(|error| error < 0.5),
        "{all}"
    );
    let drift = &all["drift"][0];
    assert_eq!(drift["rows"], 100, "{all}");
    let metrics = running.text("/metrics").await;
    let gauge = metrics
        .lines()
        .find(|line| line.starts_with("hedonic_quality_mdape") && line.contains("24h"));
    assert!(
        gauge.is_some_and(|line| line.contains("real-estate@v000001")),
        "{gauge:?}"
    );
    let kept = "SELECT count(*) FROM quality WHERE time_window = '24h' AND mdape < 0.06";
    assert!(bed.number(kept).await >= 1);
    running.stop().await;

    // Another process knows what was known.
    let running = applier(&bed).await;
    eventually("after a restart", LIMIT, || is_told(&running)).await;
    let (_, all) = running.get("/quality?window=24h").await;
    assert_eq!(all["drift"][0]["rows"], 100, "{all}");

    // Requests of another kind of town: drift shows it.
    let others: Vec<_> = (1000..1300)
        .map(|id| {
            keyed(
                id,
                json!({"city": "elsewhere", "street": "s", "floor": 3, "rooms": 2, "area": 300}),
            )
        })
        .collect();
    bed.send(&topics.requests, &others).await;
    eventually("drift shows", LIMIT, || async {
        let (_, all) = running.get("/quality?window=24h").await;
        let fields = all["drift"][0]["fields"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let psi = |name: &str| {
            let field = fields.iter().find(|field| field["field"] == name);
            field.and_then(|field| field["psi"].as_f64()).unwrap_or(0.0)
        };
        psi("city") > 1.0 && psi("area") > 1.0 && psi("prediction") > 0.25
    })
    .await;
    running.stop().await;
}
