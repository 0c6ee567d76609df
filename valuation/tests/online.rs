//! A line that learns on: it follows a market that moves, stays near its base as it is told to, and
//! is the same to the last bit however its records came.
#![allow(clippy::unwrap_used)]

mod made;

use arrow_array::RecordBatch;
use records::Purpose;
use serde_json::Value;
use valuation::online::{OnlineError, PriorPrediction};
use valuation::{
    FitOptions, LinearOptions, MemberOptions, Model, NamedMember, Online, OnlineOptions, Report,
    fit,
};

const BASE_ROWS: usize = 3000;

fn line(rows: &[Value]) -> Model {
    let schema = records::Schema::real_estate();
    let batch = made::decode(rows, Purpose::Listing);
    let options = FitOptions {
        members: vec![NamedMember {
            name: "linear".to_owned(),
            options: MemberOptions::Linear(LinearOptions {}),
        }],
        ..FitOptions::default()
    };
    fit(&schema, &batch, &options, "test", made::NOW_US)
        .expect("fits")
        .0
}

/// The base's listings, and those that come afterwards, in a market that rises by `rise` in log price and
/// in which one city becomes expensive by `city` besides.
fn market(rise: f64, city: f64) -> (Vec<Value>, Vec<Value>) {
    let mut rows = made::listings(2 * BASE_ROWS);
    let mut later = rows.split_off(BASE_ROWS);
    let count = later.len() as f64;
    for (position, row) in later.iter_mut().enumerate() {
        let part = position as f64 / count;
        let effect = if row["city"] == "city3" { city } else { 0.0 };
        let price = row["price"].as_f64().expect("a price") * ((rise + effect) * part).exp();
        row["price"] = price.into();
    }
    (rows, later)
}

fn follow(base: &Model, later: &RecordBatch, pull: f64) -> (Online, Vec<PriorPrediction>) {
    let options = OnlineOptions {
        pull,
        ..OnlineOptions::default()
    };
    let mut online = Online::new(base.clone(), options).expect("a line");
    let predicted = online.learn(later).expect("learns");
    let predicted = predicted
        .into_iter()
        .map(|record| record.expect("has a price"));
    (online, predicted.collect())
}

fn error(predicted: &[PriorPrediction], of: impl Fn(&PriorPrediction) -> f64) -> f64 {
    let squares = predicted
        .iter()
        .map(|record| (of(record) / record.price).ln().powi(2));
    (squares.sum::<f64>() / predicted.len() as f64).sqrt()
}

#[test]
fn a_drift_is_followed_and_the_pull_holds_it_back() {
    let (before, later) = market(0.3, 0.3);
    let base = line(&before);
    let later = made::decode(&later, Purpose::Listing);
    let pulls = [0.0, 0.01, 0.1, 1.0, 10.0, 100.0];
    let found: Vec<(f64, f64)> = pulls
        .iter()
        .map(|pull| {
            let (online, predicted) = follow(&base, &later, *pull);
            let (online_error, frozen) = online.totals().errors().expect("records");
            assert!((online_error - error(&predicted, |record| record.value)).abs() < 1e-12);
            assert!((frozen - error(&predicted, |record| record.base)).abs() < 1e-12);
            // What is called the base is what the base itself says.
            let values = base.predict(&later).expect("prices");
            for (record, value) in predicted.iter().zip(values).step_by(97) {
                assert!((record.base / value.value - 1.0).abs() < 1e-9);
            }
            (online_error / frozen, online.distance())
        })
        .collect();
    // The noise is 0.1; frozen, the error grows to three times that.
    assert!(found[1].0 < 0.75, "{found:?}");
    for pair in found.windows(2) {
        assert!(pair[1].1 < pair[0].1, "nearer as the pull grows: {found:?}");
    }
    let (ratio, distance) = found[5];
    assert!(ratio > 0.95 && distance < 0.05 * found[0].1, "{found:?}");
    // Where nothing moves there is nothing to win, and little is lost.
    let (before, still) = market(0.0, 0.0);
    let (online, _) = follow(
        &line(&before),
        &made::decode(&still, Purpose::Listing),
        0.01,
    );
    let (online_error, frozen) = online.totals().errors().expect("records");
    assert!(online_error < 1.1 * frozen, "{online_error} {frozen}");
}

#[test]
fn a_step_takes_its_share_of_the_error_away() {
    let (before, mut later) = market(0.3, 0.0);
    later[0]["price"] = (later[0]["price"].as_f64().expect("a price") * 1.5).into();
    let base = line(&before);
    let one = made::decode(&later[..1], Purpose::Listing);
    let options = OnlineOptions {
        rate: 0.25,
        rate_least: 0.25,
        pull: 0.0,
        clip: f64::MAX,
        batch_rows: 1,
        ..OnlineOptions::default()
    };
    let mut online = Online::new(base, options).expect("a line");
    let mut value = || {
        online.learn(&one).expect("learns")[0]
            .expect("a price")
            .value
            .ln()
    };
    let steps: Vec<f64> = (0..4).map(|_| value()).collect();
    // Each moves by a quarter of what is left: three quarters of the move before.
    for three in steps.windows(3) {
        let share = (three[2] - three[1]) / (three[1] - three[0]);
        assert!((share - 0.75).abs() < 1e-9, "{steps:?}");
    }
    assert!(steps[1] > steps[0]);
}

#[test]
fn however_records_come_the_bits_are_the_same() {
    let (before, later) = market(0.2, 0.1);
    let base = line(&before);
    let whole = made::decode(&later, Purpose::Listing);
    let (online, predicted) = follow(&base, &whole, 0.01);
    let options = OnlineOptions::default;
    let mut parted = Online::new(base.clone(), options()).expect("a line");
    let (mut row, mut length, mut all) = (0, 1, Vec::new());
    while row < whole.num_rows() {
        let part = whole.slice(row, length.min(whole.num_rows() - row));
        all.extend(parted.learn(&part).expect("learns").into_iter().flatten());
        // In the middle of a mini-batch too.
        let kept = parted.encode().expect("bytes");
        parted = Online::restore(base.clone(), options(), &kept).expect("goes on");
        (row, length) = (row + length, length * 2 % 97);
    }
    assert_eq!(all, predicted);
    assert_eq!(
        parted.encode().expect("bytes"),
        online.encode().expect("bytes")
    );
    let other = line(&made::listings(400));
    let kept = online.encode().expect("bytes");
    // A model is too long to be reported.
    match Online::restore(other, options(), &kept) {
        Err(error) => assert!(matches!(error, OnlineError::State { .. }), "{error}"),
        Ok(_) => panic!("it is of another base"),
    }
}

#[test]
fn what_is_published_is_an_ordinary_model() {
    let (before, later) = market(0.3, 0.2);
    let base = line(&before);
    let later = made::decode(&later, Purpose::Listing);
    let (mut online, predicted) = follow(&base, &later, 0.001);
    let (recent, last) = (later.slice(2000, 1000), &predicted[2000..]);
    let (model, report): (Model, Report) = online
        .model(&recent, last, "test", made::NOW_US + 7)
        .expect("a model");
    let home = tempfile::tempdir().expect("a directory");
    model.save(home.path()).expect("saves");
    let loaded = Model::load(home.path()).expect("is verified");
    assert_eq!(loaded.trained_at_us(), made::NOW_US + 7);
    let newest = 1_700_000_000 + 3600 * (2 * BASE_ROWS as i64 - 1);
    assert_eq!(loaded.data_until_us(), Some(newest * 1_000_000));

    // The learner values what comes next as the model does, with its ranges.
    // As many as its next step still lacks.
    let next = later.slice(0, 8);
    let served = loaded.predict(&next).expect("prices");
    for (answer, predicted) in served.iter().zip(online.learn(&next).expect("learns")) {
        let predicted = predicted.expect("a price");
        for (one, other) in [
            (answer.value, predicted.value),
            (answer.low, predicted.low),
            (answer.high, predicted.high),
        ] {
            assert!((one / other - 1.0).abs() < 1e-9, "{answer:?} {predicted:?}");
        }
    }
    // Its ranges hold what was reported before it was learned from; judged on that, beside the base.
    let held = last.iter().zip(loaded.predict(&recent).expect("prices"));
    let held = held.filter(|(value, range)| {
        let half = (range.high / range.low).ln() / 2.0;
        (value.value / value.price).ln().abs() <= half
    });
    assert!(held.count() >= 900);
    assert_eq!(report.holdout_rows, 1000);
    assert_eq!(report.judged.len(), 1000);
    assert!(report.model.mdape < report.baseline.mdape, "{report:?}");
    assert_eq!(loaded.report().model, report.model);
    assert!(loaded.profile().is_some());

    // With nothing learned it states what the base says.
    let mut fresh = Online::new(base.clone(), OnlineOptions::default()).expect("a line");
    let (model, _) = fresh
        .model(&later.slice(0, 0), &[], "test", made::NOW_US)
        .expect("a model");
    for (coefficient, base) in model
        .predict(&next)
        .expect("prices")
        .iter()
        .zip(base.predict(&next).expect("prices"))
    {
        assert!((coefficient.value / base.value - 1.0).abs() < 1e-9);
    }
}

#[test]
fn a_slip_in_a_price_moves_little_and_one_without_a_logarithm_nothing() {
    let (before, mut later) = market(0.0, 0.0);
    let base = line(&before);
    let after = |rows: &[Value]| {
        let (online, _) = follow(&base, &made::decode(rows, Purpose::Listing), 0.01);
        (online.distance(), online.clipped())
    };
    let (plain, _) = after(&later[..16]);
    later[3]["price"] = (later[3]["price"].as_f64().expect("a price") * 1e3).into();
    let (moved, clipped) = after(&later[..16]);
    assert_eq!(clipped, 1);
    // Unclipped it would be 6.9 in log price, a hundred times the noise.
    assert!(moved < 6.0 * plain, "{moved} {plain}");

    let names = |online: &Online| -> Vec<String> {
        let all = online.coefficients();
        all.into_iter()
            .map(|coefficient| coefficient.name)
            .collect()
    };
    let online = Online::new(base, OnlineOptions::default()).expect("a line");
    let names = names(&online);
    for expected in [
        "(ln price where all else is 0)",
        "city = city3",
        "floor is the first",
        "floors_total not given",
        "street within its city",
    ] {
        assert!(
            names.iter().any(|name| name == expected),
            "{expected}: {names:?}"
        );
    }
    assert!(
        names
            .iter()
            .any(|name| name.starts_with("ln area from 25") && name.ends_with("m²")),
        "{names:?}"
    );
}

#[test]
fn what_cannot_learn_on_is_told() {
    let (before, _) = market(0.0, 0.0);
    let base = line(&before);
    let with = |option: fn(&mut OnlineOptions)| {
        let mut options = OnlineOptions::default();
        option(&mut options);
        let error = Online::new(base.clone(), options).expect_err("out of range");
        error.to_string()
    };
    assert!(with(|options| options.rate = 2.5).starts_with("rate is 2.5"));
    assert!(with(|options| options.rate_least = 0.9).starts_with("rate_least is 0.9"));
    assert!(with(|options| options.pull = f64::NAN).starts_with("pull is NaN"));
    assert!(with(|options| options.batch_rows = 0).starts_with("batch_rows is 0"));
    assert!(with(|options| options.decay_steps = 0.0).starts_with("decay_steps is 0"));
    assert!(with(|options| options.clip = -1.0).starts_with("clip is -1"));
    let trees = serde_json::json!([{ "name": "trees", "options": {
        "kind": "boosted", "growth": "leaf-wise", "rounds": 20, "rate": 0.2, "leaves": 8, "depth": 0,
        "leaf_rows": 5.0, "row_share": 1.0, "column_share": 1.0, "penalty": 1.0, "trusted": 1.0,
        "patience": 10,
    }}]);
    let options = FitOptions {
        members: serde_json::from_value(trees).expect("members"),
        ..FitOptions::default()
    };
    let schema = records::Schema::real_estate();
    let batch = made::decode(&before, Purpose::Listing);
    let (trees, _) = fit(&schema, &batch, &options, "test", made::NOW_US).expect("fits");
    let error = Online::new(trees, OnlineOptions::default()).expect_err("no line");
    assert!(matches!(error, OnlineError::NotALine { .. }), "{error}");
}
