//! The whole way: made listings in, a judged model out, into files and back.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use arrow_array::RecordBatch;
use records::{Decoder, Purpose, Schema};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use valuation::{ArtifactError, FitError, FitOptions, Model, PredictError, Report, fit};

const NOW_US: i64 = 1_767_225_600_000_000;

fn decode(rows: &[Value], purpose: Purpose) -> RecordBatch {
    let mut decoder = Decoder::new(&Schema::real_estate(), purpose);
    for row in rows {
        decoder.push(row.to_string().as_bytes(), NOW_US).unwrap();
    }
    decoder.finish().batch
}

/// Listings of a known function: city × area^0.9 × a trend, 10 % noise.
fn listings(count: usize) -> Vec<Value> {
    let mut state: u64 = 42;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..count)
        .map(|id| {
            let city = (uniform() * 8.0) as usize;
            let street = (uniform() * 90.0) as usize;
            let area = 25.0 + 95.0 * uniform();
            let total = 2 + (uniform() * 15.0) as i64;
            let floor = 1 + (uniform() * total as f64) as i64;
            let noise = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
            let mut log = 11.0 + 0.25 * city as f64 + 0.9 * area.ln() + 0.1 * noise;
            log += 0.002 * street as f64 + 0.1 * id as f64 / count as f64;
            if floor == 1 {
                log -= 0.08;
            }
            let mut row = json!({
                "id": format!("l{id}"), "listed_at": 1_700_000_000 + 3600 * id,
                "city": format!("city{city}"), "street": format!("street{street}"),
                "floor": floor, "floors_total": total, "area": area,
                "rooms": 1 + (area / 35.0) as i64, "price": log.exp(),
            });
            if id % 10 == 0 {
                row.as_object_mut().unwrap().remove("floors_total");
            }
            row
        })
        .collect()
}

fn fitted(rows: &[Value]) -> Result<(Model, Report), FitError> {
    let batch = decode(rows, Purpose::Listing);
    fit(
        &Schema::real_estate(),
        &batch,
        &FitOptions::default(),
        "test",
        NOW_US,
    )
}

#[test]
fn recovers_a_known_function() {
    let mut rows = listings(4000);
    rows[7]["price"] = json!(1e11);
    let (model, report) = fitted(&rows).unwrap();
    println!("{report:#?}");
    assert!(report.model.r2 > 0.9);
    assert!(report.model.rmse < 0.5 * report.baseline.rmse);
    assert!(
        (0.85..=0.95).contains(&report.coverage),
        "{}",
        report.coverage
    );
    assert_eq!(report.removed["target_outlier"], 1);
    assert_eq!(report.baseline_name, "median price by city");
    assert_eq!(
        model.data_until_us(),
        Some((1_700_000_000 + 3600 * 3999) * 1_000_000)
    );
    let requests = decode(&rows, Purpose::Request);
    let started = std::time::Instant::now();
    let found = model.predict(&requests).unwrap();
    println!("{:?} for 4000 predictions", started.elapsed());
    assert!(
        found
            .iter()
            .all(|one| one.low < one.value && one.value < one.high)
    );
}

#[test]
fn prices_what_it_has_not_seen() {
    let (model, _) = fitted(&listings(1000)).unwrap();
    let batch = decode(
        &[json!({"id": "a", "city": "nowhere", "street": "none", "floor": 3, "rooms": 2})],
        Purpose::Request,
    );
    let found = model.predict(&batch).unwrap()[0];
    assert!(found.value > 1e6 && found.value < 2e7, "{found:?}");
    let error = model
        .predict(&batch.project(&[0, 1, 3, 4, 5]).unwrap())
        .unwrap_err();
    let PredictError::Column { column, .. } = error;
    assert_eq!(column, "city");
}

#[test]
fn what_cannot_be_fitted_is_said() {
    let error = fitted(&listings(150)).unwrap_err();
    assert!(matches!(
        error,
        FitError::TooFewRows {
            found: 150,
            needed: 200
        }
    ));
    let mut rows = listings(300);
    rows.iter_mut().for_each(|row| row["price"] = json!(5e6));
    assert!(matches!(
        fitted(&rows).unwrap_err(),
        FitError::ConstantTarget
    ));

    let batch = decode(&listings(300), Purpose::Listing);
    let try_fit = |schema: &Schema, batch: &RecordBatch| {
        fit(schema, batch, &FitOptions::default(), "test", NOW_US).unwrap_err()
    };
    let mut schema = Schema::real_estate();
    schema.task = records::Task::Classification;
    assert!(matches!(
        try_fit(&schema, &batch),
        FitError::UnsupportedTask
    ));
    let schema = Schema::real_estate();
    let error = try_fit(&schema, &batch.project(&[0, 1, 2]).unwrap());
    assert!(matches!(error, FitError::MissingColumn { column } if column == "street"));
    let mut bare = Schema::real_estate();
    bare.fields
        .retain(|field| ["id", "listed_at", "price"].contains(&field.name.as_str()));
    assert!(matches!(try_fit(&bare, &batch), FitError::NoFeatures));
}

fn saved(dir: &Path) -> Model {
    let (model, _) = fitted(&listings(600)).unwrap();
    model.save(dir).unwrap();
    model
}

/// Makes SHA256SUMS right again, so that what lies behind it is tested.
fn sum_again(dir: &Path) {
    let sums: String = ["model.json", "member-linear.json", "golden.json"]
        .iter()
        .map(|file| {
            let sum = Sha256::digest(fs::read(dir.join(file)).unwrap());
            let hex: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{hex}  {file}\n")
        })
        .collect();
    fs::write(dir.join("SHA256SUMS"), sums).unwrap();
}

#[test]
fn same_listings_give_the_same_bytes_and_load_gives_the_same_prices() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let model = saved(one.path());
    saved(two.path());
    for file in [
        "model.json",
        "member-linear.json",
        "golden.json",
        "SHA256SUMS",
    ] {
        let read = |dir: &Path| fs::read(dir.join(file)).unwrap();
        assert!(read(one.path()) == read(two.path()), "{file}");
    }
    let batch = decode(&listings(600), Purpose::Request);
    let loaded = Model::load(one.path()).unwrap();
    for (a, b) in model
        .predict(&batch)
        .unwrap()
        .iter()
        .zip(loaded.predict(&batch).unwrap())
    {
        assert!((a.value / b.value - 1.0).abs() < 1e-9);
    }
    assert!(matches!(
        model.save(one.path()),
        Err(ArtifactError::NotEmpty)
    ));
}

#[test]
fn load_refuses_what_was_changed_and_names_it() {
    let dir = tempfile::tempdir().unwrap();
    saved(dir.path());
    let path = dir.path().join("member-linear.json");
    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[30] ^= 1;
    fs::write(&path, bad).unwrap();
    let error = Model::load(dir.path()).unwrap_err();
    assert!(matches!(error, ArtifactError::Checksum { file } if file == "member-linear.json"));
    fs::remove_file(&path).unwrap();
    let error = Model::load(dir.path()).unwrap_err();
    assert!(matches!(error, ArtifactError::File { file, .. } if file == "member-linear.json"));
    fs::write(&path, good).unwrap();

    let golden = dir.path().join("golden.json");
    let good = fs::read(&golden).unwrap();
    let mut rows: Value = serde_json::from_slice(&good).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 20);
    rows[3]["record"]["area"] = json!(77.7);
    fs::write(&golden, rows.to_string()).unwrap();
    sum_again(dir.path());
    let error = Model::load(dir.path()).unwrap_err();
    assert!(matches!(error, ArtifactError::Golden { row: 3, .. }));
    fs::write(&golden, good).unwrap();

    let head = dir.path().join("model.json");
    let text = fs::read_to_string(&head).unwrap();
    fs::write(&head, text.replacen("\"format\": 1", "\"format\": 2", 1)).unwrap();
    sum_again(dir.path());
    let error = Model::load(dir.path()).unwrap_err();
    assert!(matches!(
        error,
        ArtifactError::Format {
            found: 2,
            expected: 1
        }
    ));
}
