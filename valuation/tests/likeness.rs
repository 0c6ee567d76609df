//! A model without trees shows past records too: those whose fields add as much to the price.
#![allow(clippy::unwrap_used)]

mod made;

use std::fs;

use made::{NOW_US, decode, listings};
use records::{Purpose, Schema};
use serde_json::Value;
use valuation::{Effort, FitOptions, Model, fit};

const FILE: &str = "comparables-by-line.json";

fn line(rows: &[Value]) -> Model {
    let options = FitOptions {
        effort: Effort::Quick,
        ..FitOptions::default()
    };
    let batch = decode(rows, Purpose::Listing);
    fit(&Schema::real_estate(), &batch, &options, "test", NOW_US)
        .unwrap()
        .0
}

#[test]
fn a_line_shows_records_like_the_one_that_is_asked_for() {
    let rows = listings(1200);
    let model = line(&rows);
    let directory = tempfile::tempdir().unwrap();
    model.save(directory.path()).unwrap();
    assert!(directory.path().join(FILE).exists());
    assert!(!directory.path().join("comparables.json").exists());
    let loaded = Model::load(directory.path()).unwrap();

    let requests = decode(&rows[..40], Purpose::Request);
    let by_id = |id: &str| rows.iter().find(|row| row["id"] == id).unwrap();
    for row in 0..requests.num_rows() {
        let explained = loaded.explain(&requests, row, 5).unwrap();
        let comparables = &explained.comparables;
        assert_eq!(comparables.len(), 5);
        assert!(comparables.is_sorted_by(|one, other| one.distance <= other.distance));
        for comparable in comparables {
            let price = by_id(&comparable.id)["price"].as_f64().unwrap();
            // To a whole unit at least.
            assert!(
                (price - comparable.price).abs() <= 0.5,
                "{price} {comparable:?}"
            );
            assert!(comparable.time_us.is_some());
        }
        assert_eq!(explained, model.explain(&requests, row, 5).unwrap());
        let text = serde_json::to_value(&comparables[0]).unwrap();
        let time = text["time"].as_str().unwrap();
        assert!(time.starts_with("202") && time.contains('T'), "{text}");
        assert!(text.get("time_us").is_none(), "{text}");
    }

    // What matters most is alike: the area of those nearest is near.
    let mut off = 0.0;
    for (row, asked) in rows.iter().enumerate().take(requests.num_rows()) {
        let area = asked["area"].as_f64().unwrap();
        for comparable in loaded.explain(&requests, row, 5).unwrap().comparables {
            let other = by_id(&comparable.id)["area"].as_f64().unwrap();
            off += (other / area).ln().abs() / 5.0 / requests.num_rows() as f64;
        }
    }
    // Two records at random differ by about e^0.5.
    assert!(off < 0.3, "areas differ by a factor of e^{off} in the mean");
}

#[test]
fn an_artifact_without_the_file_loads_and_shows_none() {
    let rows = listings(600);
    let directory = tempfile::tempdir().unwrap();
    line(&rows).save(directory.path()).unwrap();
    let sums = directory.path().join("SHA256SUMS");
    let text = fs::read_to_string(&sums).unwrap();
    let without: Vec<&str> = text.lines().filter(|line| !line.ends_with(FILE)).collect();
    fs::write(&sums, without.join("\n") + "\n").unwrap();
    fs::remove_file(directory.path().join(FILE)).unwrap();
    let model = Model::load(directory.path()).unwrap();
    let requests = decode(&rows[..1], Purpose::Request);
    assert!(
        model
            .explain(&requests, 0, 5)
            .unwrap()
            .comparables
            .is_empty()
    );
}

#[test]
fn a_file_that_does_not_fit_the_line_is_refused() {
    let rows = listings(600);
    let directory = tempfile::tempdir().unwrap();
    line(&rows).save(directory.path()).unwrap();
    let path = directory.path().join(FILE);
    let mut value: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    value["space"]["axes"][0]["value"] = 999.into();
    fs::write(&path, value.to_string()).unwrap();
    // Its checksum is right all the same.
    let sums = directory.path().join("SHA256SUMS");
    let digest = {
        use sha2::{Digest, Sha256};
        let bytes = Sha256::digest(fs::read(&path).unwrap());
        let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        digits.concat()
    };
    let text = fs::read_to_string(&sums).unwrap();
    let lines: Vec<String> = text
        .lines()
        .map(|line| match line.ends_with(FILE) {
            true => format!("{digest}  {FILE}"),
            false => line.to_owned(),
        })
        .collect();
    fs::write(&sums, lines.join("\n") + "\n").unwrap();
    let error = Model::load(directory.path()).unwrap_err().to_string();
    assert!(
        error.contains(FILE) && error.contains("value 999"),
        "{error}"
    );
}
