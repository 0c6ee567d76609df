//! Trees beside the line: better where there is something to find, explained, the same everywhere.
#![allow(clippy::unwrap_used)]

mod made;

use std::fs;

use made::{NOW_US, Uniform, decode};
use records::Purpose;
use serde_json::{Value, json};
use valuation::{FitOptions, Model, Report, SplitBy, fit};

/// Listings whose price a line cannot say: what an area is worth depends on where, in turns.
fn crooked(count: usize) -> Vec<Value> {
    let mut random = Uniform(5);
    (0..count)
        .map(|id| {
            let (latitude, longitude) = (60.0 * random.next(), 30.0 * random.next());
            let area = 25.0 + 95.0 * random.next();
            let place = (latitude / 5.0).sin() * (longitude / 4.0).cos();
            let log = 11.0 + (0.9 + 0.3 * place) * area.ln() + 0.5 * place + 0.05 * random.normal();
            json!({
                "id": format!("c{id}"), "listed_at": 1_700_000_000 + 3600 * id,
                "city": format!("city{}", random.below(3)), "street": "street",
                "floor": 1 + random.below(9), "rooms": 1 + (area / 35.0) as i64,
                "area": area, "latitude": latitude, "longitude": longitude, "price": log.exp(),
            })
        })
        .collect()
}

fn options() -> FitOptions {
    FitOptions {
        split: SplitBy::Random,
        ..FitOptions::default()
    }
}

fn fitted(rows: &[Value]) -> (Model, Report) {
    fitted_with(rows, &options())
}

fn fitted_with(rows: &[Value], options: &FitOptions) -> (Model, Report) {
    let batch = decode(rows, Purpose::Listing);
    let schema = records::Schema::real_estate();
    fit(&schema, &batch, options, "test", NOW_US).unwrap()
}

#[test]
fn trees_find_what_a_line_does_not_and_their_prices_are_explained() {
    let rows = crooked(3000);
    let (model, report) = fitted(&rows);
    let member = |name: &str| report.members.iter().find(|one| one.name == name).unwrap();
    let line = member("linear").holdout_error;
    let trees = member("leaf-wise")
        .holdout_error
        .min(member("symmetric").holdout_error);
    assert!(trees < 0.6 * line, "{report:#?}");
    let weights: f64 = report.members.iter().map(|one| one.weight).sum();
    assert!((weights - 1.0).abs() < 1e-9);
    // Every training row is in one fold, and the folds' errors make up the whole.
    assert_eq!(report.folds.len(), options().folds);
    let in_folds: usize = report.folds.iter().map(|fold| fold.rows).sum();
    assert_eq!(in_folds, report.train_rows);
    for (index, member) in report.members.iter().enumerate() {
        let folds = report.folds.iter();
        let squares = folds.map(|fold| fold.rows as f64 * fold.members[index].powi(2));
        let whole = (squares.sum::<f64>() / in_folds as f64).sqrt();
        assert!((whole - member.fold_error).abs() < 1e-9, "{member:?}");
    }
    assert!(
        report.coverage_low < 0.93 && report.coverage_high > 0.87,
        "{report:#?}"
    );

    let requests = decode(&rows[..50], Purpose::Request);
    let prices = model.predict(&requests).unwrap();
    for (row, price) in prices.iter().enumerate() {
        // One by one and in a batch: the same bits.
        let alone = model.predict(&requests.slice(row, 1)).unwrap()[0];
        assert_eq!(alone, *price);
        let explained = model.explain(&requests, row, 5).unwrap();
        let sum: f64 = explained.base + explained.reasons.iter().map(|one| one.amount).sum::<f64>();
        assert!((sum / price.value - 1.0).abs() < 1e-4, "{sum} {price:?}");
        assert_eq!(explained.comparables.len(), 5);
        assert!(
            explained
                .comparables
                .is_sorted_by(|one, other| one.distance <= other.distance)
        );
        // The record itself was learned from, and is not comparable to itself.
        let own = rows[row]["id"].as_str().unwrap();
        assert!(explained.comparables.iter().all(|other| other.id != own));
        for other in &explained.comparables {
            assert_eq!(other.price, other.price.round());
            // As if it were this record: nearer to its price than what it cost, on the whole.
            let adjusted = other.adjusted.unwrap();
            let off = (adjusted / price.value).ln().abs();
            assert!(
                off < 0.4,
                "{adjusted} of {} for {}",
                other.price,
                price.value
            );
        }
    }
    let importance = model.importance();
    assert!(
        importance[..8]
            .iter()
            .any(|(name, _)| name.starts_with("area")),
        "{importance:?}"
    );
    assert!(model.explain(&requests, 50, 5).is_err());
}

#[test]
fn the_same_bytes_on_one_thread_and_on_four_and_after_loading() {
    let rows = crooked(900);
    let files = |threads: usize| {
        let dir = tempfile::tempdir().unwrap();
        let options = FitOptions {
            threads,
            ..options()
        };
        let (model, _) = fitted_with(&rows, &options);
        model.save(dir.path()).unwrap();
        let loaded = Model::load(dir.path()).unwrap();
        let requests = decode(&rows, Purpose::Request);
        assert_eq!(
            loaded.predict(&requests).unwrap(),
            model.predict(&requests).unwrap()
        );
        fs::read_to_string(dir.path().join("SHA256SUMS")).unwrap()
    };
    let sums = files(1);
    assert_eq!(sums, files(4));
    for file in [
        "neighbours.json",
        "comparables.json",
        "spread.trees",
        "member-",
    ] {
        assert!(sums.contains(file), "{sums}");
    }
}

#[test]
fn a_member_is_written_for_other_programs() {
    let rows = crooked(900);
    let (model, _) = fitted(&rows);
    let (name, bytes) = model.export(true, None).unwrap();
    let json: Value = serde_json::from_slice(&bytes).unwrap();
    assert!(json["learner"]["gradient_booster"]["model"]["trees"].is_array());
    let (names, values) = model
        .member_rows(&name, &decode(&rows, Purpose::Request))
        .unwrap();
    assert_eq!(values.len(), 900);
    assert_eq!(values[0].0.len(), names.len());
    assert!(
        values
            .iter()
            .all(|(_, predicted)| (10.0..20.0).contains(predicted))
    );
    let error = model.export(true, Some("oak")).unwrap_err().to_string();
    assert!(error.contains("oak") && error.contains(&name), "{error}");
}
