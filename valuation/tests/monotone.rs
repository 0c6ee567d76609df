//! What the schema says a price goes with, the model's estimates never contradict.
#![allow(clippy::unwrap_used)]

mod made;

use made::{NOW_US, Uniform, decode_as};
use records::{Purpose, Schema};
use serde_json::{Value, json};
use valuation::{Effort, FitError, FitOptions, MemberOptions, Model, NamedMember, SplitBy, fit};

fn schema(area: &str, age: &str) -> Schema {
    let text = format!(
        r#"
name = "homes"
version = 1
task = "regression"
table = "homes"
key = "id"
target = "price"
area = "area"
place = ["x", "y"]
field = [
    {{ name = "id", kind = "text", required = true }},
    {{ name = "price", kind = "number", required = true }},
    {{ name = "area", kind = "number", unit = "m²"{area} }},
    {{ name = "rooms", kind = "integer" }},
    {{ name = "age", kind = "integer"{age} }},
    {{ name = "x", kind = "number" }},
    {{ name = "y", kind = "number" }},
    {{ name = "town", kind = "category" }},
]
"#
    );
    Schema::parse(&text, "homes").unwrap()
}

fn directed() -> Schema {
    schema(", monotone = \"increasing\"", ", monotone = \"decreasing\"")
}

/// Homes whose price grows with the area but for those of 80 to 100 m², which someone sold cheaply, and falls
/// with age but for a few years that are in fashion.
fn homes(count: usize) -> Vec<Value> {
    let mut random = Uniform(5);
    let home = |id: usize| {
        let area = (30.0 + 120.0 * random.next()).round();
        let age = random.below(60);
        let town = random.below(6);
        let (x, y) = (random.next(), random.next());
        let dip = if (80.0..100.0).contains(&area) {
            0.35
        } else {
            0.0
        };
        let fashion = if (30..36).contains(&age) { 0.3 } else { 0.0 };
        let log = 8.0 + area.ln() - dip - 0.008 * age as f64
            + fashion
            + 0.1 * town as f64
            + 0.3 * x * y
            + 0.08 * random.normal();
        json!({
            "id": format!("h{id}"), "area": area, "rooms": 1 + (area / 40.0) as i64,
            "age": age, "x": x, "y": y, "town": format!("town{town}"), "price": log.exp().round(),
        })
    };
    (0..count).map(home).collect()
}

fn options() -> FitOptions {
    FitOptions {
        effort: Effort::Standard,
        split: SplitBy::Random,
        ..FitOptions::default()
    }
}

fn fitted(schema: &Schema) -> Model {
    let batch = decode_as(schema, &homes(900), Purpose::Listing);
    let (model, report) = fit(schema, &batch, &options(), "test", NOW_US).unwrap();
    assert!(
        report.model.rmsle < 0.6 * report.baseline.rmsle,
        "{report:#?}"
    );
    model
}

/// How far estimates fall at most, as a share, from a home to the next of a row of homes that differ in one
/// field alone.
fn falls(
    model: &Model,
    schema: &Schema,
    field: &str,
    values: impl Iterator<Item = f64> + Clone,
) -> f64 {
    let mut most = 0.0_f64;
    for home in homes(25) {
        let rows: Vec<Value> = values
            .clone()
            .map(|value| {
                let mut asked = home.clone();
                let cells = asked.as_object_mut().unwrap();
                cells.remove("price");
                cells.insert(field.to_owned(), json!(value));
                asked
            })
            .collect();
        let batch = decode_as(schema, &rows, Purpose::Request);
        let prices: Vec<f64> = model
            .predict(&batch)
            .unwrap()
            .iter()
            .map(|found| found.value)
            .collect();
        for pair in prices.windows(2) {
            most = most.max(1.0 - pair[1] / pair[0]);
        }
    }
    most
}

#[test]
fn estimates_follow_what_the_schema_says_and_the_rows_where_it_says_nothing() {
    let areas = (40..=300).map(|tenth| f64::from(tenth) / 2.0);
    // Falling with age is rising with youth.
    let youth = (0..60).rev().map(f64::from);
    let (free, held) = (schema("", ""), directed());
    let model = fitted(&free);
    assert!(falls(&model, &free, "area", areas.clone()) > 0.002);
    assert!(falls(&model, &free, "age", youth.clone()) > 0.002);
    let model = fitted(&held);
    assert_eq!(falls(&model, &held, "area", areas), 0.0);
    assert_eq!(falls(&model, &held, "age", youth), 0.0);
    // What is saved holds to it as well, since it says the same.
    let directory = tempfile::tempdir().unwrap();
    let kept = directory.path().join("model");
    std::fs::create_dir(&kept).unwrap();
    model.save(&kept).unwrap();
    assert_eq!(Model::load(&kept).unwrap().schema(), &held);
}

#[test]
fn what_cannot_hold_to_it_is_refused_in_words() {
    let schema = directed();
    let batch = decode_as(&schema, &homes(300), Purpose::Listing);
    let refused = |options: FitOptions| match fit(&schema, &batch, &options, "test", NOW_US) {
        Err(error @ FitError::Monotone { .. }) => error.to_string(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("fitted"),
    };
    let segments = FitOptions {
        segments: 4,
        ..options()
    };
    let error = refused(segments);
    assert!(
        error.contains("segments = 4") && error.contains("\"area\""),
        "{error}"
    );
    let compared: MemberOptions =
        serde_json::from_value(json!({"kind": "comparables", "count": 15})).unwrap();
    let member = NamedMember {
        name: "sales".to_owned(),
        options: compared,
    };
    let compared = FitOptions {
        members: vec![member],
        ..options()
    };
    let error = refused(compared);
    assert!(
        error.contains("\"sales\"") && error.contains("compares sales"),
        "{error}"
    );
}
