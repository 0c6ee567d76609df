//! A target that counts may be 0: it is learned as ln(1 + y), by lines and trees alike, zeros too, and
//! what is reported of it is no less than 0, in files and after following too.
#![allow(clippy::unwrap_used)]

mod made;

use made::Uniform;
use records::{Purpose, Schema};
use serde_json::{Value, json};
use valuation::{
    FitError, FitOptions, LinearOptions, Link, MemberOptions, Metrics, Model, NamedMember, Online,
    OnlineOptions, Report, fit,
};

const ROWS: usize = 3000;

/// Visits a shop has; `least` is the least number the schema allows.
fn schema(least: &str) -> Schema {
    let text = format!(
        "name = \"visits\"\nversion = 1\ntask = \"regression\"\ntable = \"visits\"\nkey = \"id\"\n\
         target = \"visits\"\n\
         [[field]]\nname = \"id\"\nkind = \"text\"\n\
         [[field]]\nname = \"place\"\nkind = \"category\"\n\
         [[field]]\nname = \"size\"\nkind = \"number\"\n\
         [[field]]\nname = \"visits\"\nkind = \"integer\"\n{least}"
    );
    Schema::parse(&text, "visits").unwrap()
}

/// The logarithm of the mean of what is counted.
fn effect(place: usize, size: f64) -> f64 {
    -0.6 + 0.5 * place as f64 + 1.2 * size
}

/// Knuth's.
fn poisson(random: &mut Uniform, mean: f64) -> u64 {
    let (mut product, mut count) = (random.next(), 0);
    while product > (-mean).exp() {
        product *= random.next();
        count += 1;
    }
    count
}

/// Counts of Poisson; those of `place` 2 have `more` in the logarithm of the mean.
fn counts(seed: u64, more: f64) -> Vec<Value> {
    let mut random = Uniform(seed);
    (0..ROWS)
        .map(|id| {
            let (place, size) = (random.below(4), random.next());
            let more = if place == 2 { more } else { 0.0 };
            let mean = (effect(place, size) + more).exp();
            let visits = poisson(&mut random, mean);
            json!({"id": format!("v{id}"), "place": format!("place{place}"), "size": size,
                "visits": visits})
        })
        .collect()
}

fn line() -> FitOptions {
    FitOptions {
        members: vec![NamedMember {
            name: "linear".to_owned(),
            options: MemberOptions::Linear(LinearOptions {}),
        }],
        ..FitOptions::default()
    }
}

fn fitted(rows: &[Value], options: &FitOptions) -> (Model, Report) {
    let schema = schema("min = 0");
    let batch = made::decode_as(&schema, rows, Purpose::Listing);
    fit(&schema, &batch, options, "test", made::NOW_US).unwrap()
}

fn visits(rows: &[Value]) -> Vec<f64> {
    let of = |row: &Value| row["visits"].as_f64().unwrap();
    rows.iter().map(of).collect()
}

/// The mean of ln(1 + y) of a Poisson distribution: the best that can be reported in squares.
fn expected(mean: f64) -> f64 {
    let mut share = (-mean).exp();
    let mut sum = 0.0;
    for count in 1..200 {
        share *= mean / f64::from(count);
        sum += share * f64::from(count).ln_1p();
    }
    sum
}

#[test]
fn zeros_are_learned_from_and_what_is_said_is_near_what_can_be_known() {
    let rows = counts(5, 0.0);
    let zeros = visits(&rows).iter().filter(|count| **count == 0.0).count();
    assert!(zeros > ROWS / 8, "{zeros}");
    let (model, report) = fitted(&rows, &line());
    assert_eq!(
        (model.link(), report.link),
        (Link::LogOnePlus, Link::LogOnePlus)
    );
    assert_eq!(
        report.train_rows + report.holdout_rows,
        ROWS,
        "{:?}",
        report.model
    );
    assert!(
        report.removed.values().all(|count| *count == 0),
        "{:?}",
        report.model
    );
    assert!(
        report.ratios.is_none()
            && report
                .segments
                .iter()
                .all(|segment| segment.ratios.is_none())
    );
    assert!(
        report.model.rmsle < 0.9 * report.baseline.rmsle,
        "{:?}",
        report.model
    );
    assert!(report.model.mae < report.baseline.mae, "{:?}", report.model);
    assert!(report.model.mdape.is_finite() && report.model.mape.is_finite());
    assert!((report.coverage - 0.9).abs() < 0.04, "{}", report.coverage);

    let asked: Vec<(usize, f64)> = (0..40)
        .map(|number| (number % 4, (number / 4) as f64 / 9.0))
        .collect();
    let records: Vec<Value> = asked
        .iter()
        .map(|(place, size)| json!({"id": "q", "place": format!("place{place}"), "size": size}))
        .collect();
    let batch = made::decode_as(model.schema(), &records, Purpose::Request);
    let predicted = model.predict(&batch).unwrap();
    for ((place, size), prediction) in asked.iter().zip(&predicted) {
        let best = expected(effect(*place, *size).exp());
        // The estimate is a median, which a skewed count has elsewhere than its mean.
        let off = prediction.value.ln_1p() - best;
        assert!(off.abs() < 0.25, "{place} {size}: {prediction:?}, {best}");
        assert!(
            0.0 <= prediction.low
                && prediction.low <= prediction.value
                && prediction.value <= prediction.high
        );
    }
    // Somewhere nothing is well possible, and the range says so.
    assert!(
        predicted.iter().any(|prediction| prediction.low == 0.0),
        "{predicted:?}"
    );

    let explained = model.explain(&batch, 7, 0).unwrap();
    let sum: f64 = explained.reasons.iter().map(|reason| reason.amount).sum();
    assert!(
        (explained.base + sum - predicted[7].value).abs() < 1e-9,
        "{explained:?}"
    );
    let expected_ape = model.expected_ape(&predicted).unwrap();
    assert!((0.05..0.9).contains(&expected_ape), "{expected_ape}");
}

#[test]
fn trees_learn_counts_too_and_files_keep_the_way_back() {
    let rows = counts(6, 0.0);
    let (model, report) = fitted(&rows, &FitOptions::default());
    assert!(
        report.model.rmsle < 0.9 * report.baseline.rmsle,
        "{:?}",
        report.model
    );
    let home = tempfile::tempdir().unwrap();
    model.save(home.path()).unwrap();
    let head = home.path().join("model.json");
    let text = std::fs::read_to_string(&head).unwrap();
    assert!(
        text.contains("\"log-one-plus\""),
        "the way back is written down"
    );
    let loaded = Model::load(home.path()).unwrap();
    assert_eq!(loaded.link(), Link::LogOnePlus);
    let batch = made::decode_as(model.schema(), &rows[..200], Purpose::Listing);
    assert_eq!(
        loaded.predict(&batch).unwrap(),
        model.predict(&batch).unwrap()
    );

    // Of a price nothing is written: artifacts are as they were.
    let (priced, _) = made::fitted(&made::listings(400)).unwrap();
    let home = tempfile::tempdir().unwrap();
    priced.save(home.path()).unwrap();
    let text = std::fs::read_to_string(home.path().join("model.json")).unwrap();
    assert!(!text.contains("\"link\""));
    assert_eq!(Model::load(home.path()).unwrap().link(), Link::Log);
}

#[test]
fn what_is_followed_learns_from_zeros_and_the_pull_holds_it() {
    let (base, _) = fitted(&counts(5, 0.0), &line());
    let later = counts(9, -1.5);
    let batch = made::decode_as(base.schema(), &later, Purpose::Listing);
    let actual = visits(&later);
    let mut distances = Vec::new();
    for pull in [0.0, 0.1, 1.0, 10.0] {
        let options = OnlineOptions {
            pull,
            ..OnlineOptions::default()
        };
        let mut online = Online::new(base.clone(), options).unwrap();
        let predicted = online.learn(&batch).unwrap();
        assert!(predicted.iter().all(Option::is_some), "zeros too");
        assert_eq!(online.totals().rows, ROWS as u64);
        distances.push(online.distance());
        if pull > 0.1 {
            continue;
        }
        let predicted: Vec<_> = predicted.into_iter().flatten().collect();
        let of = |of: fn(&valuation::online::PriorPrediction) -> f64| -> Metrics {
            let predicted: Vec<f64> = predicted.iter().map(of).collect();
            Metrics::on(Link::LogOnePlus, &actual, &predicted).unwrap()
        };
        let (online_error, frozen) = (of(|record| record.value), of(|record| record.base));
        assert!(
            online_error.rmsle < 0.97 * frozen.rmsle,
            "{online_error:?} {frozen:?}"
        );
        let (in_all, frozen_in_all) = online.totals().errors().unwrap();
        assert!(
            (in_all - online_error.rmsle).abs() < 1e-9
                && (frozen_in_all - frozen.rmsle).abs() < 1e-9
        );
        // The place that has become empty is the one that has moved.
        let moved = online.coefficients();
        assert_eq!(moved[0].name, "(ln(1 + visits) where all else is 0)");
        let by = |coefficient: &&valuation::online::Coefficient| {
            (coefficient.now - coefficient.base).abs()
        };
        let most = moved
            .iter()
            .max_by(|one, other| by(one).total_cmp(&by(other)));
        let most = most.unwrap();
        assert!(
            most.name == "place = place2" && most.now < most.base,
            "{moved:?}"
        );

        // Published it is an ordinary model, which states what the follower says.
        let (recent, last) = (batch.slice(ROWS - 1000, 1000), &predicted[ROWS - 1000..]);
        let (model, report) = online.model(&recent, last, "test", made::NOW_US).unwrap();
        assert!(
            report.model.rmsle < report.baseline.rmsle,
            "{:?}",
            report.model
        );
        assert!((report.coverage - 0.9).abs() < 0.1, "{}", report.coverage);
        let home = tempfile::tempdir().unwrap();
        model.save(home.path()).unwrap();
        let next = batch.slice(0, 8);
        let served = Model::load(home.path()).unwrap().predict(&next).unwrap();
        for (answer, predicted) in served.iter().zip(online.learn(&next).unwrap()) {
            let predicted = predicted.unwrap();
            for (one, other) in [
                (answer.value, predicted.value),
                (answer.low, predicted.low),
                (answer.high, predicted.high),
            ] {
                assert!(
                    (one - other).abs() < 1e-9 * (1.0 + other),
                    "{answer:?} {predicted:?}"
                );
            }
        }
    }
    assert!(
        distances.windows(2).all(|pair| pair[1] < pair[0]),
        "{distances:?}"
    );
}

#[test]
fn where_the_schema_allows_no_zero_it_is_a_price_as_before() {
    let schema = schema("");
    let rows = counts(5, 0.0);
    let zeros = visits(&rows).iter().filter(|count| **count == 0.0).count();
    let batch = made::decode_as(&schema, &rows, Purpose::Listing);
    let (model, report) = fit(&schema, &batch, &line(), "test", made::NOW_US).unwrap();
    assert_eq!(model.link(), Link::Log);
    assert_eq!(report.removed["target_not_positive"], zeros);
    // A count that is always the same is reported as ever.
    let mut all_zero = counts(5, 0.0);
    all_zero.iter_mut().for_each(|row| row["visits"] = 0.into());
    let schema = self::schema("min = 0");
    let batch = made::decode_as(&schema, &all_zero, Purpose::Listing);
    match fit(&schema, &batch, &line(), "test", made::NOW_US) {
        Err(FitError::ConstantTarget { value, .. }) => assert_eq!(value, 0.0),
        other => panic!("{:?}", other.map(|_| "a model")),
    }
}
