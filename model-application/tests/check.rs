//! `model-application --check`: the model is checked as the service does.

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::check::{Outcome, Report};
use records::{Decoder, Purpose, Schema};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use testbed::Testbed;
use valuation::{Effort, FitOptions};

/// Longest wait for an answer: all of them come.
const PATIENCE: Duration = Duration::from_secs(60);

fn config(bed: &Testbed) -> model_application::Config {
    model_application::Config::new(&bed.settings(&[])).expect("valid settings")
}

async fn report(bed: &Testbed) -> Report {
    common::check::report(Ok(config(bed).needs()), PATIENCE).await
}

/// The line of the model must end so, and say both.
fn expect(report: &Report, outcome: Outcome, found: &str, mend: &str) {
    let line = report.of("model").expect("it has a line");
    assert_eq!(line.outcome, outcome, "{report}");
    assert!(line.found.contains(found), "{found}?\n{report}");
    let remedy = line.mend.as_deref().unwrap_or_default();
    assert!(remedy.contains(mend), "{mend}?\n{report}");
    let expected = !matches!(outcome, Outcome::Failed);
    assert_eq!(report.is_healthy(), expected, "nothing else:\n{report}");
}

/// Fits on made listings and publishes the version.
fn publish(bed: &Testbed, schema: &Schema) -> PathBuf {
    let mut decoder = Decoder::new(schema, Purpose::Listing);
    for n in 0..300_u32 {
        let area = 25.0 + f64::from(n % 80);
        let listing = json!({
            "id": n, "city": format!("city{}", n % 5), "street": format!("street{}", n % 40),
            "floor": 1 + n % 9, "rooms": 1 + n % 4, "area": area,
            "price": area * 100_000.0 * (1.0 + 0.02 * f64::from(n % 7)),
        });
        let arrived_us = 1_700_000_000_000_000 + i64::from(n);
        let pushed = decoder.push(listing.to_string().as_bytes(), arrived_us);
        pushed.expect("a good listing");
    }
    let options = FitOptions {
        effort: Effort::Quick,
        ..FitOptions::default()
    };
    let batch = decoder.finish().batch;
    let (model, _) = valuation::fit(schema, &batch, &options, "test", 1_700_000_001_000_000)
        .expect("a model can be fitted");
    let version = registry::Directory::new(config(bed).registry.path)
        .publish(|path| model.save(path))
        .expect("the version can be published");
    version.path
}

/// Changes a price that the model must give, under a checksum that is right.
fn spoil_golden_row(version: &Path) {
    let golden = version.join("golden.json");
    let mut rows: Value = serde_json::from_slice(&std::fs::read(&golden).expect("it is there"))
        .expect("golden rows are JSON");
    let price = rows[0]["prediction"]["value"].as_f64().expect("a price");
    rows[0]["prediction"]["value"] = json!(price * 1.01);
    let bytes = rows.to_string();
    let digest: String = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    std::fs::write(&golden, bytes).expect("it is ours");
    let sums = version.join("SHA256SUMS");
    let sums_text = std::fs::read_to_string(&sums).expect("it is there");
    let without_last: String = sums_text
        .lines()
        .map(|line| match line.ends_with("  golden.json") {
            true => format!("{digest}  golden.json\n"),
            false => format!("{line}\n"),
        })
        .collect();
    std::fs::write(sums, without_last).expect("it is ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_waited_for_then_passes_and_then_is_spoilt() {
    let bed = Testbed::start().await;
    let none = report(&bed).await;
    expect(
        &none,
        Outcome::Failed,
        "no model yet in",
        "run model-prepare",
    );

    let version = publish(&bed, &Schema::real_estate());
    let good = report(&bed).await;
    expect(&good, Outcome::Passed, "real-estate@v000001", "");
    let disk = good.of("disk, models").expect("it has a line");
    assert!(disk.found.contains(" free of "), "{good}");

    spoil_golden_row(&version);
    let spoilt = report(&bed).await;
    let row = "golden.json row 0: expected";
    expect(&spoilt, Outcome::Failed, row, "model-prepare rollback");

    std::fs::write(version.join("golden.json"), "[]").expect("it is ours");
    let changed = report(&bed).await;
    let sums = "golden.json does not match SHA256SUMS";
    expect(&changed, Outcome::Failed, sums, "model-prepare rollback");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_of_other_records_is_refused() {
    let bed = Testbed::start().await;
    let mut other = Schema::real_estate();
    for field in &mut other.fields {
        if field.name == "price" {
            field.unit = Some("crowns".to_owned());
        }
    }
    publish(&bed, &other);
    let refused = report(&bed).await;
    expect(&refused, Outcome::Failed, "crowns", "model-prepare");
}
