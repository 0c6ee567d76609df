//! A class: reasons over Kafka and HTTP, labels, and live quality.

use std::time::Duration;

use records::{Decoder, Purpose, Schema};
use serde_json::{Value, json};
use testbed::{Running, Testbed, eventually};
use valuation::{Effort, FitOptions};

const LIMIT: Duration = Duration::from_secs(120);

const SCHEMA: &str = "name = 'visits'\nversion = 1\ntask = 'classification'\ntable = 'visits'\nkey = 'id'\n\
    target = 'bought'\n[[field]]\nname = 'id'\nkind = 'text'\n[[field]]\nname = 'page'\nkind = 'category'\n\
    [[field]]\nname = 'depth'\nkind = 'number'\n[[field]]\nname = 'bought'\nkind = 'boolean'\n";

fn visit(id: u32) -> Value {
    let page = ["start", "news", "shop"][id as usize % 3];
    json!({"id": id, "page": page, "depth": f64::from(id * 37 % 101) / 100.0})
}

/// Fits a model on made visits: the deeper and the nearer to the shop, the likelier they buy.
fn publish(bed: &Testbed, source: &str) {
    let schema = Schema::parse(SCHEMA, "visits").expect("a schema");
    let mut decoder = Decoder::new(&schema, Purpose::Listing);
    for id in 0..900 {
        let mut record = visit(id);
        let score = record["depth"].as_f64().expect("a number") + f64::from(id % 3) / 3.0;
        record["bought"] = (score + f64::from(id * 13 % 17) / 17.0 > 1.4).into();
        let payload = record.to_string();
        decoder.push(payload.as_bytes(), 0).expect("a good visit");
    }
    let options = FitOptions {
        effort: Effort::Quick,
        ..FitOptions::default()
    };
    let batch = decoder.finish().batch;
    let (model, _) =
        valuation::classify(&schema, &batch, &options, "test", 1).expect("a model can be fitted");
    let settings = bed.settings(&[("schema.source", source)]);
    let config = model_application::Config::new(&settings).expect("valid settings");
    registry::Directory::new(&config.registry.path)
        .publish(|path| model.save(path))
        .expect("the version can be published");
}

fn keyed(body: &Value) -> (String, Vec<u8>) {
    (body["id"].to_string(), body.to_string().into_bytes())
}

fn number(of: &Value) -> f64 {
    of.as_f64().unwrap_or_else(|| panic!("no number: {of}"))
}

/// Base and amounts are the log odds of the answer.
fn check_reasons(answer: &Value) {
    let explanation = &answer["explanation"];
    let reasons = explanation["reasons"].as_array().expect("reasons");
    let fields: Vec<&str> = reasons
        .iter()
        .filter_map(|reason| reason["field"].as_str())
        .collect();
    assert!(
        fields.contains(&"page") && fields.contains(&"depth"),
        "{answer}"
    );
    let amounts = reasons.iter().map(|reason| number(&reason["amount"]));
    let sum = number(&explanation["base"]) + amounts.sum::<f64>();
    let probability = number(&answer["prediction"]);
    let log_odds = (probability / (1.0 - probability)).ln();
    assert!((sum - log_odds).abs() < 1e-6, "{answer}");
    assert_eq!(explanation["scale"], "log odds", "{answer}");
    assert_eq!(explanation["comparables"], json!([]), "{answer}");
}

/// The day's figures of a segment; empty for the whole model.
async fn day(running: &Running, segment: &str) -> Value {
    let path = format!("/quality?window=24h&segment={segment}");
    let (code, quality) = running.get(&path).await;
    assert_eq!(code, 200, "{quality}");
    quality["groups"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_has_reasons_and_its_labels_become_live_quality() {
    let bed = Testbed::start().await;
    let topics = bed.kafka(&[]).topics;
    let home = tempfile::tempdir().expect("a directory");
    let source = home.path().join("visits.toml");
    std::fs::write(&source, SCHEMA).expect("a schema's file");
    let source = source.display().to_string();
    publish(&bed, &source);
    let settings = [("schema.source", source.as_str()), ("quality.every_s", "1")];
    let config = model_application::Config::new(&bed.settings(&settings)).expect("valid settings");
    let running =
        Running::start(|listener, shutdown| model_application::run(config, listener, shutdown));
    eventually("ready", LIMIT, || running.is_ready()).await;

    let (code, answer) = running
        .post("/predict?explain=3", &visit(1).to_string())
        .await;
    assert_eq!(code, 200, "{answer}");
    check_reasons(&answer);
    let requests = (0..200).map(|id| {
        let mut body = visit(id);
        if id == 7 {
            body["explain"] = true.into();
        }
        keyed(&body)
    });
    bed.send(&topics.requests, &requests.collect::<Vec<_>>())
        .await;
    let answers = bed.receive(&topics.answers, 200, LIMIT).await;
    let answers: Vec<Value> = answers.iter().map(|answer| answer.json()).collect();
    let explained = answers.iter().find(|answer| answer["id"] == 7);
    check_reasons(explained.expect("an answer"));

    // Whether they bought, each in another way; the last is none.
    let labels: Vec<(f64, bool)> = answers
        .iter()
        .filter(|answer| answer["id"].as_u64() < Some(150))
        .map(|answer| {
            let drawn = f64::from(number(&answer["id"]) as u32 * 29 % 97) / 97.0;
            let probability = number(&answer["prediction"]);
            (probability, drawn < probability)
        })
        .collect();
    let known = answers
        .iter()
        .filter(|answer| answer["id"].as_u64() < Some(150));
    let mut messages: Vec<(String, Vec<u8>)> = known
        .zip(&labels)
        .enumerate()
        .map(|(place, (answer, (_, bought)))| {
            let value = match place % 3 {
                0 => json!(bought),
                1 => json!(u8::from(*bought)),
                _ => json!(if *bought { "yes" } else { "no" }),
            };
            keyed(&json!({"id": answer["id"], "bought": value}))
        })
        .collect();
    messages.push(keyed(&json!({"id": 180, "bought": 0.3})));
    bed.send(&topics.actuals, &messages).await;
    eventually("labels are known", LIMIT, || async {
        let day = day(&running, "").await;
        day["labelled"] == 150 && day["figures"]["log_loss"].is_number()
    })
    .await;

    let whole = day(&running, "").await;
    let figures = &whole["figures"];
    let loss = |(p, bought): &(f64, bool)| -if *bought { p.ln() } else { (1.0 - p).ln() };
    let expected = labels.iter().map(loss).sum::<f64>() / 150.0;
    assert!(
        (number(&figures["log_loss"]) - expected).abs() < 1e-9,
        "{whole}"
    );
    let square = |(p, bought): &(f64, bool)| (p - f64::from(u8::from(*bought))).powi(2);
    let expected = labels.iter().map(square).sum::<f64>() / 150.0;
    assert!(
        (number(&figures["brier"]) - expected).abs() < 1e-9,
        "{whole}"
    );
    assert!(number(&figures["auc"]["value"]) > 0.6, "{whole}");
    // Labels were drawn by the probabilities.
    assert!(
        (number(&figures["predicted"]) - number(&figures["found"])).abs() < 0.1,
        "{whole}"
    );
    assert_eq!(
        figures["calibration"].as_array().map(Vec::len),
        Some(10),
        "{whole}"
    );
    assert!(figures.get("mdape").is_none(), "{whole}");
    let shop = day(&running, "shop").await;
    assert_eq!(shop["labelled"], 50, "{shop}");
    assert!(shop["figures"]["brier"].is_number(), "{shop}");

    let (_, quality) = running.get("/quality").await;
    assert!(number(&quality["holdout_log_loss"]) > 0.0, "{quality}");
    let metrics = running.text("/metrics").await;
    for metric in ["log_loss", "brier", "auc", "calibration_error"] {
        let name = format!("hedonic_quality_{metric}{{");
        assert!(
            metrics.lines().any(|line| line.starts_with(&name)),
            "{name}"
        );
    }
    assert!(!metrics.contains("hedonic_quality_mdape{"), "{metrics}");
    let (_, history) = running.get("/quality/history?window=24h").await;
    assert!(history[0]["log_loss"].is_number(), "{history}");
    let reason = "SELECT count(*) FROM rejects WHERE code = 'bad_actual' AND reason LIKE \
                  '%bought must be true or false (whether the record is bought), or 0 or 1; found 0.3'";
    assert_eq!(bed.number(reason).await, 1);
    running.stop().await;
}
