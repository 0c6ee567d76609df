//! Several classes: answers over Kafka, HTTP and the Open Inference Protocol, reasons, labels, and live quality.

use std::time::Duration;

use records::{Decoder, Purpose, Schema};
use serde_json::{Value, json};
use testbed::{Running, Testbed, eventually};
use valuation::{Effort, FitOptions};

const LIMIT: Duration = Duration::from_secs(120);

const SCHEMA: &str = "name = 'visits'\nversion = 1\ntask = 'classification'\ntable = 'visits'\nkey = 'id'\n\
    target = 'goes'\n[[field]]\nname = 'id'\nkind = 'text'\n[[field]]\nname = 'page'\nkind = 'category'\n\
    [[field]]\nname = 'depth'\nkind = 'number'\n[[field]]\nname = 'goes'\nkind = 'category'\n";

const LEVELS: [&str; 3] = ["away", "basket", "help \"now\""];

fn visit(id: u32) -> Value {
    let page = ["start", "news", "shop"][id as usize % 3];
    json!({"id": id, "page": page, "depth": f64::from(id * 37 % 101) / 100.0})
}

/// Fits a model on made visits: the deeper and the nearer to the shop, the later the level.
fn publish(bed: &Testbed, source: &str) {
    let schema = Schema::parse(SCHEMA, "visits").expect("a schema");
    let mut decoder = Decoder::new(&schema, Purpose::Listing);
    for id in 0..900 {
        let mut record = visit(id);
        let score = record["depth"].as_f64().expect("a number") + f64::from(id % 3) / 3.0;
        let score = score + f64::from(id * 13 % 17) / 17.0;
        record["goes"] = LEVELS[usize::from(score > 0.9) + usize::from(score > 1.5)].into();
        let payload = record.to_string();
        decoder.push(payload.as_bytes(), 0).expect("a good visit");
    }
    let options = FitOptions {
        effort: Effort::Quick,
        ..FitOptions::default()
    };
    let batch = decoder.finish().batch;
    let (model, _) = valuation::classify_levels(&schema, &batch, &options, "test", 1)
        .expect("a model can be fitted");
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

/// The probabilities of an answer in the order of the levels, which its class and its prediction follow from.
fn probabilities(answer: &Value) -> [f64; 3] {
    let of = answer["probabilities"].as_object().expect("probabilities");
    let names: Vec<&str> = of.keys().map(String::as_str).collect();
    assert_eq!(names, LEVELS, "{answer}");
    let all = LEVELS.map(|level| number(&of[level]));
    assert!((all.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{answer}");
    let level = valuation::predicted_level(&all);
    assert_eq!(answer["class"], LEVELS[level], "{answer}");
    assert_eq!(number(&answer["prediction"]), all[level], "{answer}");
    assert!(answer.get("threshold").is_none() && answer.get("low").is_none());
    assert!(answer.get("unit").is_none(), "{answer}");
    all
}

/// The day's figures of a segment; empty for the whole model.
async fn day(running: &Running, segment: &str) -> Value {
    let path = format!("/quality?window=24h&segment={segment}");
    let (code, quality) = running.get(&path).await;
    assert_eq!(code, 200, "{quality}");
    quality["groups"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn several_classes_are_answered_and_their_labels_become_live_quality() {
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
    let alone = probabilities(&answer);
    let explanation = &answer["explanation"];
    assert_eq!(explanation["level"], answer["class"], "{answer}");
    assert_eq!(explanation["scale"], "log odds", "{answer}");
    let reasons = explanation["reasons"].as_array().expect("reasons");
    let fields: Vec<&str> = reasons
        .iter()
        .filter_map(|one| one["field"].as_str())
        .collect();
    assert!(
        fields.contains(&"page") && fields.contains(&"depth"),
        "{answer}"
    );
    let strange = json!({"id": "u", "page": "unheard of", "depth": 0.5}).to_string();
    let (_, answer) = running.post("/predict", &strange).await;
    assert_eq!(
        answer["unseen"].as_array().map(Vec::len),
        Some(1),
        "{answer}"
    );

    let infer = json!({"inputs": [
        {"name": "page", "shape": [2], "datatype": "BYTES", "data": ["news", "shop"]},
        {"name": "depth", "shape": [2], "datatype": "FP64", "data": [0.37, 0.9]}]});
    let (code, reply) = running
        .post("/v2/models/visits/infer", &infer.to_string())
        .await;
    assert_eq!(code, 200, "{reply}");
    let outputs = reply["outputs"].as_array().expect("outputs");
    let names: Vec<&str> = outputs
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(names, ["prediction", "class", "probabilities"], "{reply}");
    assert_eq!(outputs[2]["shape"], json!([2, 3]), "{reply}");
    assert_eq!(outputs[2]["parameters"]["levels"], json!(LEVELS), "{reply}");
    // The first row is the visit of before.
    assert_eq!(number(&outputs[2]["data"][1]), alone[1], "{reply}");
    let (_, metadata) = running.get("/v2/models/visits").await;
    assert_eq!(metadata["outputs"][1]["datatype"], "BYTES", "{metadata}");

    let requests = (0..200).map(|id| keyed(&visit(id)));
    bed.send(&topics.requests, &requests.collect::<Vec<_>>())
        .await;
    let answers = bed.receive(&topics.answers, 200, LIMIT).await;
    let mut answers: Vec<Value> = answers.iter().map(|answer| answer.json()).collect();
    answers.sort_by_key(|answer| answer["id"].as_u64());
    let all: Vec<[f64; 3]> = answers.iter().map(probabilities).collect();
    assert_eq!(all[1], alone, "over Kafka as over HTTP");
    let stored = "SELECT count(*) FROM answers WHERE convert_from(payload, 'UTF8')::jsonb ->> 'class' = 'basket'";
    assert!(bed.number(stored).await > 20);

    // Where they went, drawn by the probabilities; then labels that are none, and one of a binary model's.
    let drawn = |id: usize| {
        let at = (id * 29 % 97) as f64 / 97.0;
        match all[id] {
            [first, ..] if at < first => 0,
            [first, second, _] if at < first + second => 1,
            _ => 2,
        }
    };
    let actual: Vec<usize> = (0..150).map(drawn).collect();
    let mut messages: Vec<(String, Vec<u8>)> = actual
        .iter()
        .enumerate()
        .map(|(id, level)| keyed(&json!({"id": id, "goes": LEVELS[*level]})))
        .collect();
    for (id, wrong) in [(180, json!("home")), (181, json!(true)), (182, json!(2))] {
        messages.push(keyed(&json!({"id": id, "goes": wrong})));
    }
    bed.send(&topics.actuals, &messages).await;
    eventually("labels are known", LIMIT, || async {
        let day = day(&running, "").await;
        day["labelled"] == 150 && day["figures"]["log_loss"].is_number()
    })
    .await;

    let whole = day(&running, "").await;
    let figures = &whole["figures"];
    let mean = |of: &dyn Fn(&[f64; 3], usize) -> f64| {
        let rows = all.iter().zip(&actual);
        rows.map(|(row, level)| of(row, *level)).sum::<f64>() / 150.0
    };
    let square = |row: &[f64; 3], level: usize| {
        let off = |(at, p): (usize, &f64)| (p - f64::from(u8::from(at == level))).powi(2);
        row.iter().enumerate().map(off).sum()
    };
    let hit = |row: &[f64; 3], level: usize| {
        f64::from(u8::from(valuation::predicted_level(row) == level))
    };
    for (figure, expected) in [
        ("log_loss", mean(&|row, level| -row[level].ln())),
        ("brier", mean(&square)),
        ("accuracy", mean(&hit)),
        (
            "predicted",
            mean(&|row, _| row[valuation::predicted_level(row)]),
        ),
    ] {
        assert!(
            (number(&figures[figure]) - expected).abs() < 1e-9,
            "{figure} {expected} {whole}"
        );
    }
    assert_eq!(
        figures["calibration"].as_array().map(Vec::len),
        Some(10),
        "{whole}"
    );
    assert!(
        figures.get("auc").is_none() && figures.get("mdape").is_none(),
        "{whole}"
    );
    let shop = day(&running, "shop").await;
    assert_eq!(shop["labelled"], 50, "{shop}");
    assert!(shop["figures"]["accuracy"].is_number(), "{shop}");

    // A later label takes the place of an earlier one.
    let level = valuation::predicted_level(&all[0]);
    let other =
        json!({"id": 0, "goes": LEVELS[(level + 1) % 3], "observed_at": "2026-01-01T00:00:00Z"});
    bed.send(&topics.actuals, &[keyed(&other)]).await;
    let (_, quality) = running.get("/quality").await;
    assert!(number(&quality["holdout_log_loss"]) > 0.0, "{quality}");
    assert!(number(&quality["holdout_accuracy"]) > 0.4, "{quality}");
    let metrics = running.text("/metrics").await;
    for metric in ["log_loss", "brier", "accuracy", "calibration_error"] {
        let name = format!("hedonic_quality_{metric}{{");
        assert!(
            metrics.lines().any(|line| line.starts_with(&name)),
            "{name}"
        );
    }
    for metric in ["mdape", "auc"] {
        assert!(
            !metrics.contains(&format!("hedonic_quality_{metric}{{")),
            "{metrics}"
        );
    }
    let (_, history) = running.get("/quality/history?window=24h").await;
    assert!(history[0]["accuracy"].is_number(), "{history}");
    let reason = "SELECT count(*) FROM rejects WHERE code = 'bad_actual' AND reason LIKE \
                  '%goes must be the name of a level that the model predicts (away, basket, help \"now\"); found %'";
    assert_eq!(bed.number(reason).await, 3);
    let (_, status) = running.get("/status").await;
    assert!(number(&status["holdout_accuracy"]) > 0.4, "{status}");
    running.stop().await;
}
