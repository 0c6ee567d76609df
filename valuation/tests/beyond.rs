//! Never worse than nothing on few rows, and honest where nothing was learned.
#![allow(clippy::unwrap_used)]

mod made;

use made::{NOW_US, Uniform, decode, decode_as, listings};
use records::{Purpose, Schema};
use serde_json::{Value, json};
use valuation::{Effort, FitOptions, Model, Report, SplitBy, TrainedModel, fit};

/// So many rows of so many numbers, half of which say a little each.
fn made_of(rows: usize, fields: usize, seed: u64) -> (Schema, Vec<Value>) {
    let mut toml = "name = \"wide\"\nversion = 1\ntable = \"wide\"\nkey = \"id\"\ntarget = \"price\"\n\
                    task = \"regression\"\n[[field]]\nname = \"id\"\nkind = \"text\"\nrequired = true\n\
                    [[field]]\nname = \"price\"\nkind = \"number\"\nrequired = true\n"
        .to_owned();
    for field in 0..fields {
        toml.push_str(&format!(
            "[[field]]\nname = \"f{field}\"\nkind = \"number\"\n"
        ));
    }
    let schema = Schema::parse(&toml, "wide.toml").unwrap();
    let mut random = Uniform(seed);
    let rows = (0..rows).map(|id| {
        let mut row = json!({ "id": format!("w{id}") });
        let mut log = 12.0 + 0.1 * random.normal();
        for field in 0..fields {
            let value = random.normal();
            row[format!("f{field}")] = json!(value);
            if field % 2 == 0 {
                log += 0.06 * value;
            }
        }
        row["price"] = json!(log.exp());
        row
    });
    let rows = rows.collect();
    (schema, rows)
}

fn fitted(schema: &Schema, rows: &[Value]) -> (Model, Report) {
    let batch = decode_as(schema, rows, Purpose::Listing);
    let options = FitOptions {
        split: SplitBy::Random,
        ..FitOptions::default()
    };
    fit(schema, &batch, &options, "test", NOW_US).unwrap()
}

#[test]
fn few_rows_of_many_fields_are_told_better_than_by_nothing() {
    for seed in [1, 2, 3] {
        let (schema, rows) = made_of(200, 80, seed);
        let (_, report) = fitted(&schema, &rows);
        // Prices differ by 0.39 in logarithms, of which 0.1 is noise.
        let (model, baseline) = (report.model.rmsle, report.baseline.rmsle);
        assert!(model < 0.65 * baseline, "{seed}: {model} and {baseline}");
    }
}

#[test]
fn what_was_not_learned_is_said_and_its_range_is_wider() {
    let rows = listings(1500);
    let schema = Schema::real_estate();
    let (model, _) = fitted(&schema, &rows);
    let asked = |changes: &[(&str, Value)]| {
        let mut row = json!({
            "id": "asked", "listed_at": 1_700_000_000, "city": "city3", "street": "street7", "floor": 3,
            "floors_total": 9, "area": 60.0, "rooms": 2,
        });
        for (field, value) in changes {
            row[*field] = value.clone();
        }
        let batch = decode(&[row], Purpose::Request);
        let price = model.predict(&batch).unwrap()[0];
        let width = (price.high / price.low).ln();
        (width, model.warnings(&batch).unwrap().remove(0))
    };
    let (usual, said) = asked(&[]);
    assert_eq!(said, []);
    let (far, said) = asked(&[("area", json!(600.0))]);
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(
        (said[0].field.as_str(), &said[0].value),
        ("area", &json!(600))
    );
    assert!(
        said[0].learned.contains(" to ") && said[0].learned.ends_with("m²"),
        "{said:?}"
    );
    let (further, _) = asked(&[("area", json!(900.0))]);
    assert!(usual < far && far < further, "{usual}, {far}, {further}");
    let (unknown, said) = asked(&[("city", json!("elsewhere"))]);
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(said[0].learned, "8 other names");
    // A city is worth up to 1.75 in logarithms, which nobody knows of this one.
    assert!(unknown > 1.2 * usual, "{usual} and {unknown}");

    let directory = tempfile::tempdir().unwrap();
    model.save(directory.path()).unwrap();
    let read = TrainedModel::load(directory.path()).unwrap();
    let odd = json!({
        "id": "odd", "listed_at": 1_700_000_000, "city": "elsewhere", "street": "street7", "floor": 3,
        "area": 600.0, "rooms": 2,
    });
    let odd = decode(&[odd], Purpose::Request);
    assert_eq!(read.warnings(&odd).unwrap(), model.warnings(&odd).unwrap());
    assert_eq!(read.warnings(&odd).unwrap()[0].len(), 2);
    assert_eq!(read.predict(&odd).unwrap(), model.predict(&odd).unwrap());
}

#[test]
fn prices_go_on_beyond_the_range_of_an_area_and_add_up() {
    let rows = listings(1500);
    let schema = Schema::real_estate();
    let quick = FitOptions {
        effort: Effort::Quick,
        split: SplitBy::Random,
        ..FitOptions::default()
    };
    let batch = decode_as(&schema, &rows, Purpose::Listing);
    let (line, _) = fit(&schema, &batch, &quick, "test", NOW_US).unwrap();
    let (whole, _) = fitted(&schema, &rows);
    for model in [line, whole] {
        let priced = |area: f64| {
            let row = json!({
                "id": "asked", "listed_at": 1_700_000_000, "city": "city3", "street": "street7", "floor": 3,
                "floors_total": 9, "area": area, "rooms": 3,
            });
            let batch = decode(&[row], Purpose::Request);
            let price = model.predict(&batch).unwrap()[0];
            let explained = model.explain(&batch, 0, 0).unwrap();
            let sum = explained.base + explained.reasons.iter().map(|one| one.amount).sum::<f64>();
            assert!((sum / price.value - 1.0).abs() < 1e-4, "{sum} {price:?}");
            price.value
        };
        // Homes are of 25 to 120 m², and cost as much as their area to the power of 0.9.
        let twice = priced(400.0) / priced(200.0);
        assert!((1.4..2.001).contains(&twice), "{twice}");
        assert!(priced(200.0) > 1.15 * priced(125.0));
        assert!(priced(5_000.0) > priced(400.0));
        assert!(priced(15.0) < priced(26.0));
    }
}
