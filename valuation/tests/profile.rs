//! What training looked like travels with a model, and states how far records have moved from it.
#![allow(clippy::unwrap_used)]

mod made;

use arrow_array::RecordBatch;
use made::{Uniform, decode, fitted, listings};
use records::Purpose;
use serde_json::{Value, json};
use valuation::{Drift, Model, Tally};

fn counted(model: &Model, batch: &RecordBatch) -> Tally {
    let profile = model.profile().unwrap();
    let mut tally = profile.tally();
    let predicted = model.predict(batch).unwrap();
    assert!(tally.add(profile, batch, &predicted));
    tally
}

fn of<'a>(drifts: &'a [Drift], field: &str) -> &'a Drift {
    drifts.iter().find(|drift| drift.field == field).unwrap()
}

#[test]
fn what_has_moved_is_named_and_nothing_else() {
    let rows = listings(3000);
    let (model, _) = fitted(&rows).unwrap();
    let dir = tempfile::tempdir().unwrap();
    model.save(dir.path()).unwrap();
    let loaded = Model::load(dir.path()).unwrap();
    assert_eq!(loaded.profile(), model.profile());
    let profile = loaded.profile().unwrap();

    let tally = counted(&loaded, &decode(&rows, Purpose::Request));
    assert_eq!(tally.rows(), 3000);
    let drifts = profile.psi(&tally);
    for drift in &drifts {
        assert!(drift.psi < 0.02, "{drift:?}");
    }
    let last = drifts.last().unwrap();
    assert!(last.is_prediction && last.field == "prediction");
    assert_eq!(drifts.iter().filter(|drift| drift.is_prediction).count(), 1);
    assert!((of(&drifts, "floors_total").missing_share - 0.1).abs() < 1e-9);
    assert_eq!(of(&drifts, "latitude").missing_share, 1.0);

    // Larger homes, half of them in a new city, and no total of floors any more.
    let moved: Vec<Value> = rows
        .iter()
        .enumerate()
        .map(|(id, row)| {
            let mut row = row.clone();
            row["area"] = json!(row["area"].as_f64().unwrap() * 1.5);
            if id % 2 == 0 {
                row["city"] = json!("elsewhere");
            }
            row.as_object_mut().unwrap().remove("floors_total");
            row
        })
        .collect();
    let tally = counted(&loaded, &decode(&moved, Purpose::Request));
    let drifts = profile.psi(&tally);
    for field in ["area", "city", "floors_total", "prediction"] {
        assert!(of(&drifts, field).psi > 0.25, "{:?}", of(&drifts, field));
    }
    for field in ["street", "floor", "rooms", "latitude"] {
        assert!(of(&drifts, field).psi < 0.02, "{:?}", of(&drifts, field));
    }
}

#[test]
fn parts_counted_apart_are_the_whole_and_strangers_are_refused() {
    let rows = listings(1200);
    let (model, _) = fitted(&rows).unwrap();
    let profile = model.profile().unwrap();
    let batch = decode(&rows, Purpose::Request);
    let whole = counted(&model, &batch);
    let mut parts = counted(&model, &batch.slice(0, 500));
    let json = serde_json::to_string(&counted(&model, &batch.slice(500, 700))).unwrap();
    let kept: Tally = serde_json::from_str(&json).unwrap();
    assert!(parts.merge(&kept));
    assert_eq!(parts, whole);

    assert!(profile.psi(&profile.tally()).is_empty());
    let (other, _) = fitted(&listings(1200)[..300]).unwrap();
    let mut stranger = other.profile().unwrap().tally();
    stranger.merge(&counted(&other, &batch));
    assert!(!profile.fits(&stranger));
    assert!(!parts.merge(&stranger) && parts == whole);
    assert!(!stranger.add(profile, &batch, &[]));
    assert!(profile.psi(&stranger).is_empty());
}

#[test]
fn the_expected_error_is_near_the_one_that_comes() {
    // Homes in city0 and city1 have three times the noise of the others.
    let mut random = Uniform(99);
    let rows: Vec<Value> = listings(4000)
        .into_iter()
        .map(|mut row| {
            let hard = ["city0", "city1"].contains(&row["city"].as_str().unwrap());
            let noise = if hard { 0.3 * random.normal() } else { 0.0 };
            row["price"] = json!(row["price"].as_f64().unwrap() * noise.exp());
            row
        })
        .collect();
    let (train, later) = rows.split_at(3000);
    let (model, _) = fitted(train).unwrap();
    let mut found = Vec::new();
    for hard in [false, true] {
        let asked: Vec<Value> = later
            .iter()
            .filter(|row| ["city0", "city1"].contains(&row["city"].as_str().unwrap()) == hard)
            .cloned()
            .collect();
        let predicted = model.predict(&decode(&asked, Purpose::Request)).unwrap();
        let pairs = predicted.iter().zip(&asked);
        let mut apes: Vec<f64> = pairs
            .map(|(predicted, row)| (predicted.value / row["price"].as_f64().unwrap() - 1.0).abs())
            .collect();
        apes.sort_by(f64::total_cmp);
        let realised = apes[apes.len() / 2];
        let expected = model.expected_ape(&predicted).unwrap();
        assert!(
            (expected / realised - 1.0).abs() < 0.25,
            "{expected} for {realised}"
        );
        found.push(expected);
    }
    assert!(found[1] > 1.8 * found[0], "{found:?}");
}
