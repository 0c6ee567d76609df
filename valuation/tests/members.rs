//! Members that are requested by name: shrunken weights, sales compared; folds that follow time.
#![allow(clippy::unwrap_used)]

mod made;

use std::fs;

use made::{NOW_US, Uniform, decode, decode_as, listings};
use records::{Purpose, Schema};
use serde_json::{Value, json};
use valuation::{FitOptions, FoldBy, Model, NamedMember, Report, SplitBy, fit};

fn members(value: Value) -> Vec<NamedMember> {
    serde_json::from_value(value).unwrap()
}

fn fitted(rows: &[Value], options: &FitOptions) -> (Model, Report) {
    let batch = decode(rows, Purpose::Listing);
    fit(&Schema::real_estate(), &batch, options, "test", NOW_US).unwrap()
}

/// Homes whose price depends on the place as no line says.
fn by_place(count: usize) -> Vec<Value> {
    let mut random = Uniform(11);
    (0..count)
        .map(|id| {
            let (latitude, longitude) = (60.0 * random.next(), 30.0 * random.next());
            let area = 25.0 + 95.0 * random.next();
            let place = (latitude / 6.0).sin() * (longitude / 4.0).cos();
            let log = 11.0 + 0.9 * area.ln() + 0.6 * place + 0.05 * random.normal();
            json!({
                "id": format!("p{id}"), "listed_at": 1_700_000_000 + 3600 * id,
                "city": format!("city{}", random.below(3)), "street": "street",
                "floor": 1 + random.below(9), "rooms": 1 + random.below(4),
                "area": area, "latitude": latitude, "longitude": longitude, "price": log.exp(),
            })
        })
        .collect()
}

fn line_and_sales() -> Vec<NamedMember> {
    members(json!([
        { "name": "linear", "options": { "kind": "linear" } },
        { "name": "comparables", "options": { "kind": "comparables", "count": 15 } },
    ]))
}

#[test]
fn sales_near_by_tell_what_a_line_does_not_and_add_up() {
    let rows = by_place(1500);
    let options = FitOptions {
        members: line_and_sales(),
        split: SplitBy::Random,
        ..FitOptions::default()
    };
    let (model, report) = fitted(&rows, &options);
    let [line, sales] = report.members.as_slice() else {
        panic!("{:?}", report.members);
    };
    assert!(
        sales.holdout_error < 0.6 * line.holdout_error,
        "{report:#?}"
    );
    // A record that is its own neighbour would be reported exactly out of fold, and not on the hold-out.
    assert!(sales.fold_error > 0.8 * sales.holdout_error, "{report:#?}");
    assert!(sales.weight > 0.8);

    let directory = tempfile::tempdir().unwrap();
    model.save(directory.path()).unwrap();
    assert!(directory.path().join("member-comparables.sales").exists());
    let loaded = Model::load(directory.path()).unwrap();
    let requests = decode(&rows[..40], Purpose::Request);
    let prices = model.predict(&requests).unwrap();
    assert_eq!(loaded.predict(&requests).unwrap(), prices);
    for (row, price) in prices.iter().enumerate() {
        assert_eq!(model.predict(&requests.slice(row, 1)).unwrap()[0], *price);
        let explained = model.explain(&requests, row, 3).unwrap();
        let amounts: f64 = explained.reasons.iter().map(|reason| reason.amount).sum();
        assert!(((explained.base + amounts) / price.value - 1.0).abs() < 1e-9);
        let near = |reason: &valuation::Reason| reason.field == "neighbourhood";
        assert!(explained.reasons.iter().any(near), "{explained:?}");
    }
    let error = model.export(true, Some("comparables")).unwrap_err();
    assert!(error.to_string().contains("comparables"), "{error}");
}

#[test]
fn noise_has_no_neighbours_to_learn_from() {
    let mut random = Uniform(3);
    let mut rows = by_place(1500);
    for row in &mut rows {
        row["price"] = json!((15.0 + 0.4 * random.normal()).exp());
    }
    let options = FitOptions {
        members: line_and_sales(),
        split: SplitBy::Random,
        ..FitOptions::default()
    };
    let (_, report) = fitted(&rows, &options);
    // The noise alone is 0.4: a model below that has seen what it was to be judged on.
    for member in &report.members {
        assert!(member.fold_error > 0.37, "{member:?}");
    }
    assert!(report.model.r2 < 0.05);
}

#[test]
fn shrunken_weights_are_nearly_those_of_the_line_where_rows_are_many() {
    let options = FitOptions {
        members: members(json!([
            { "name": "linear", "options": { "kind": "linear" } },
            { "name": "net", "options": { "kind": "elastic-net", "l1_ratio": 0.5 } },
        ])),
        ..FitOptions::default()
    };
    let (model, report) = fitted(&listings(1500), &options);
    let [line, net] = report.members.as_slice() else {
        panic!("{:?}", report.members);
    };
    assert!(
        (net.fold_error / line.fold_error - 1.0).abs() < 0.02,
        "{report:#?}"
    );
    let directory = tempfile::tempdir().unwrap();
    model.save(directory.path()).unwrap();
    Model::load(directory.path()).unwrap();
}

#[test]
fn shrunken_weights_beat_the_line_where_fields_are_noise() {
    // Forty fields without information beside one that does, on few rows.
    let mut toml = "name = \"noisy\"\nversion = 1\ntable = \"noisy\"\nkey = \"id\"\ntarget = \"price\"\ntask = \"regression\"\n\
                    [[field]]\nname = \"id\"\nkind = \"text\"\nrequired = true\n\
                    [[field]]\nname = \"price\"\nkind = \"number\"\nrequired = true\n"
        .to_owned();
    for field in 0..40 {
        toml.push_str(&format!(
            "[[field]]\nname = \"f{field}\"\nkind = \"number\"\n"
        ));
    }
    let schema = Schema::parse(&toml, "noisy.toml").unwrap();
    let mut random = Uniform(8);
    let rows: Vec<Value> = (0..250)
        .map(|id| {
            let mut row = json!({ "id": format!("n{id}") });
            let values: Vec<f64> = (0..40).map(|_| random.normal()).collect();
            for (field, value) in values.iter().enumerate() {
                row[format!("f{field}")] = json!(value);
            }
            row["price"] = json!((10.0 + 0.3 * values[0] + 0.5 * random.normal()).exp());
            row
        })
        .collect();
    let batch = decode_as(&schema, &rows, Purpose::Listing);
    let options = FitOptions {
        members: members(json!([
            { "name": "linear", "options": { "kind": "linear" } },
            { "name": "net", "options": { "kind": "elastic-net", "l1_ratio": 0.9 } },
        ])),
        ..FitOptions::default()
    };
    let (_, report) = fit(&schema, &batch, &options, "test", NOW_US).unwrap();
    let [line, net] = report.members.as_slice() else {
        panic!("{:?}", report.members);
    };
    // The line's own weights are drawn to 0 by their squares, which keeps some of the noise.
    assert!(net.fold_error < line.fold_error, "{report:#?}");
    // Noise alone is 0.5, and knowing nothing of a row 0.583 (the root of 0.25 + 0.09): no worse than that.
    assert!(line.fold_error < 0.583, "{report:#?}");
}

#[test]
fn folds_of_a_rolling_origin_judge_the_newest_alone() {
    let rows = by_place(1500);
    let options = FitOptions {
        members: line_and_sales(),
        fold_by: FoldBy::Time,
        ..FitOptions::default()
    };
    let (model, report) = fitted(&rows, &options);
    // Three of five blocks of the training rows.
    assert_eq!(report.folds.len(), 3);
    let judged: usize = report.folds.iter().map(|fold| fold.rows).sum();
    assert!(
        judged.abs_diff(report.train_rows * 3 / 5) <= 3,
        "{report:#?}"
    );
    assert!(model.predict(&decode(&rows[..5], Purpose::Request)).is_ok());
    // By default they follow the hold-out: where there is enough to learn from, and it is the newest.
    let default = || FitOptions {
        members: members(json!([{ "name": "linear", "options": { "kind": "linear" } }])),
        ..FitOptions::default()
    };
    assert_eq!(fitted(&rows, &default()).1.folds.len(), 5);
    let many = by_place(7000);
    assert_eq!(fitted(&many, &default()).1.folds.len(), 3);
    let drawn = FitOptions {
        split: SplitBy::Random,
        ..default()
    };
    assert_eq!(fitted(&many, &drawn).1.folds.len(), 5);
}

#[test]
fn a_price_that_is_a_function_of_its_fields_has_a_model_that_loads() {
    // Trees that take all of what is left leave nothing at all: no error out of fold, and on the
    // hold-out what is rounded.
    let greedy = members(json!([{ "name": "trees", "options": {
        "kind": "boosted", "growth": "symmetric", "rounds": 40, "rate": 1.0, "leaves": 0, "depth": 6,
        "leaf_rows": 1.0, "row_share": 1.0, "column_share": 1.0, "penalty": 0.0, "trusted": 1.0,
        "patience": 10,
    }}]));
    type Price = fn(f64, usize) -> f64;
    for (what, members, price) in [
        (
            "line",
            Vec::new(),
            (|area, _| (11.0 + 0.01 * area).exp()) as Price,
        ),
        ("steps", greedy, |_, rooms| 1e6 * (1 << rooms) as f64),
        ("both", Vec::new(), |area, rooms| {
            1e5 * area * (1.0 + rooms as f64)
        }),
    ] {
        let options = FitOptions {
            members,
            split: SplitBy::Random,
            ..FitOptions::default()
        };
        let mut rows = listings(900);
        for row in &mut rows {
            let rooms = row["rooms"].as_u64().unwrap() as usize;
            row["price"] = json!(price(row["area"].as_f64().unwrap(), rooms));
        }
        let (model, report) = fitted(&rows, &options);
        assert!(report.model.mdape < 0.02, "{what}: {report:#?}");
        assert!(report.widened.is_finite() && report.widened > 0.0, "{what}");
        let directory = tempfile::tempdir().unwrap();
        model.save(directory.path()).unwrap();
        let model = Model::load(directory.path()).unwrap_or_else(|error| panic!("{what}: {error}"));
        for price in model
            .predict(&decode(&rows[..50], Purpose::Request))
            .unwrap()
        {
            let ordered = price.low < price.value && price.value < price.high;
            assert!(ordered && price.high.is_finite(), "{what}: {price:?}");
        }
    }
}

#[test]
fn what_sales_are_compared_by_is_checked_when_it_is_read() {
    let options = FitOptions {
        members: line_and_sales(),
        split: SplitBy::Random,
        ..FitOptions::default()
    };
    let (model, _) = fitted(&by_place(900), &options);
    let directory = tempfile::tempdir().unwrap();
    model.save(directory.path()).unwrap();
    let file = directory.path().join("member-comparables.sales");
    let before = fs::read_to_string(&file).unwrap();
    let broken = before.replacen("\"count\":15", "\"count\":0", 1);
    assert_ne!(before, broken);
    fs::write(&file, &broken).unwrap();
    let sums = directory.path().join("SHA256SUMS");
    let digest = |text: &str| {
        use sha2::Digest;
        let bytes = sha2::Sha256::digest(text.as_bytes());
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let text = fs::read_to_string(&sums).unwrap();
    fs::write(&sums, text.replace(&digest(&before), &digest(&broken))).unwrap();
    let error = Model::load(directory.path()).unwrap_err().to_string();
    assert!(
        error.contains("member-comparables.sales") && error.contains("0 nearest sales"),
        "{error}"
    );
}

#[test]
fn a_city_of_wild_prices_has_wider_ranges() {
    let mut random = Uniform(21);
    let mut rows = listings(3000);
    for (id, row) in rows.iter_mut().enumerate() {
        let (city, noise) = match id % 3 {
            0 => ("wild", 0.3),
            _ => ("calm", 0.1),
        };
        let area = row["area"].as_f64().unwrap();
        row["city"] = json!(city);
        row["price"] = json!((11.0 + 0.9 * area.ln() + noise * random.normal()).exp());
    }
    // A line alone does not tell how far off a row usually is: all ranges are of one width.
    let options = FitOptions {
        members: members(json!([{ "name": "linear", "options": { "kind": "linear" } }])),
        split: SplitBy::Random,
        ..FitOptions::default()
    };
    let (model, report) = fitted(&rows, &options);
    let cities = report.segments.iter().filter(|one| one.by == "city");
    let coverage: Vec<f64> = cities.map(|one| one.coverage).collect();
    // One width would hold 98 % of the calm and 72 % of the wild.
    assert_eq!(coverage.len(), 2);
    assert!(
        coverage.iter().all(|held| (0.84..0.96).contains(held)),
        "{coverage:?}"
    );
    let directory = tempfile::tempdir().unwrap();
    model.save(directory.path()).unwrap();
    let loaded = Model::load(directory.path()).unwrap();
    let requests = decode(&rows[..30], Purpose::Request);
    let prices = model.predict(&requests).unwrap();
    assert_eq!(loaded.predict(&requests).unwrap(), prices);
    let width = |row: usize| (prices[row].high / prices[row].low).ln();
    assert!((2.3..4.0).contains(&(width(0) / width(1))), "{prices:?}");
    // One by one, the same.
    assert_eq!(model.predict(&requests.slice(3, 1)).unwrap()[0], prices[3]);
}
