//! A comparable says what it differs by from the record that is asked for, and what that adds to its price.
#![allow(clippy::unwrap_used)]

mod made;

use std::fs;
use std::path::Path;

use made::{NOW_US, decode, listings};
use records::{Purpose, Schema};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use valuation::{Comparable, Effort, FitOptions, Model, fit};

const FILE: &str = "comparables-values.json";
/// What made listings are a function of, beside time.
const FIELDS: [&str; 6] = ["city", "street", "floor", "floors_total", "area", "rooms"];
/// Differences that have amounts at least.
const WITH_AMOUNT: usize = 3;

fn fitted(rows: &[Value], effort: Effort) -> Model {
    let options = FitOptions {
        effort,
        ..FitOptions::default()
    };
    let batch = decode(rows, Purpose::Listing);
    fit(&Schema::real_estate(), &batch, &options, "test", NOW_US)
        .unwrap()
        .0
}

/// Writes the checksum of a file again, or leaves the file out where it is gone.
fn sum_again(directory: &Path, file: &str) {
    let sums = directory.join("SHA256SUMS");
    let text = fs::read_to_string(&sums).unwrap();
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| !line.ends_with(&format!("  {file}")))
        .map(str::to_owned)
        .collect();
    if let Ok(bytes) = fs::read(directory.join(file)) {
        let bytes = Sha256::digest(bytes);
        let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        lines.push(format!("{}  {file}", digits.concat()));
    }
    fs::write(&sums, lines.join("\n") + "\n").unwrap();
}

fn object(comparable: &Comparable) -> Vec<Map<String, Value>> {
    let text = serde_json::to_value(comparable).unwrap();
    let differences = text["differences"].as_array().unwrap().iter();
    differences
        .map(|one| one.as_object().unwrap().clone())
        .collect()
}

/// Holds what comparables say they differ by to the listings themselves, and to prices of records with one value
/// exchanged.
fn hold(model: &Model, rows: &[Value]) {
    let by_id = |id: &str| rows.iter().find(|row| row["id"] == id).unwrap();
    let requests = decode(&rows[..20], Purpose::Request);
    let prices = model.predict(&requests).unwrap();
    let (mut gaps, mut names, mut order) = (0, 0, Vec::<String>::new());
    for (row, asked) in rows.iter().take(20).enumerate() {
        let explained = model.explain(&requests, row, 5).unwrap().stated();
        assert_eq!(explained.comparables.len(), 5);
        for comparable in &explained.comparables {
            assert_ne!(asked["id"], *comparable.id, "never the record itself");
            let other = by_id(&comparable.id);
            let differences = object(comparable);
            let fields: Vec<&str> = differences
                .iter()
                .map(|one| one["field"].as_str().unwrap())
                .collect();
            for field in FIELDS {
                assert_eq!(
                    fields.contains(&field),
                    asked[field] != other[field],
                    "{field}: {asked} and {other}: {differences:?}"
                );
            }
            for (place, one) in differences.iter().enumerate() {
                let field = one["field"].as_str().unwrap();
                assert!(FIELDS.contains(&field), "{one:?}");
                assert_eq!(one["value"], other[field], "{other}");
                assert_eq!(one["subject"], asked[field], "{asked}");
                gaps += usize::from(one["value"].is_null() || one["subject"].is_null());
                names += usize::from(one["value"].is_string());
                let amount = one.get("amount").map(|amount| amount.as_f64().unwrap());
                assert!(amount.is_some() || place >= WITH_AMOUNT, "{differences:?}");
                let Some(amount) = amount else {
                    continue;
                };
                let mut exchanged = asked.clone();
                match &one["value"] {
                    Value::Null => drop(exchanged.as_object_mut().unwrap().remove(field)),
                    value => exchanged[field] = value.clone(),
                }
                let with = model
                    .predict(&decode(&[exchanged], Purpose::Request))
                    .unwrap()[0];
                let expected = with.value - prices[row].value;
                assert!(
                    (amount - expected).abs() <= 0.01,
                    "{one:?}, expected {expected}"
                );
            }
            // One order for all.
            for field in &fields {
                if !order.iter().any(|known| known == field) {
                    order.push((*field).to_owned());
                }
            }
        }
    }
    assert!(gaps > 0 && names > 0, "{gaps} gaps, {names} names");
    for row in 0..requests.num_rows() {
        for comparable in model.explain(&requests, row, 5).unwrap().comparables {
            let differences = comparable.differences.unwrap();
            let at = |field: &str| order.iter().position(|known| known == field);
            // What matters most comes first: the city and the area before the number of floors.
            let place = |field: &str| differences.iter().position(|one| one.field == field);
            if let (Some(city), Some(floors)) = (place("city"), place("floors_total")) {
                assert!(city < floors, "{differences:?}");
            }
            if let (Some(area), Some(floors)) = (place("area"), place("floors_total")) {
                assert!(area < floors, "{differences:?}");
            }
            assert!(differences.iter().all(|one| at(&one.field).is_some()));
        }
    }
}

#[test]
fn comparables_of_a_line_say_what_they_differ_by() {
    let rows = listings(1200);
    let model = fitted(&rows, Effort::Quick);
    hold(&model, &rows);
    let directory = tempfile::tempdir().unwrap();
    model.save(directory.path()).unwrap();
    let loaded = Model::load(directory.path()).unwrap();
    let requests = decode(&rows[..20], Purpose::Request);
    for row in 0..requests.num_rows() {
        assert_eq!(
            loaded.explain(&requests, row, 7).unwrap(),
            model.explain(&requests, row, 7).unwrap()
        );
    }

    // Without the file, as earlier releases wrote artifacts, there are no differences.
    fs::remove_file(directory.path().join(FILE)).unwrap();
    sum_again(directory.path(), FILE);
    let without = Model::load(directory.path()).unwrap();
    let explained = without.explain(&requests, 0, 5).unwrap();
    assert_eq!(explained.comparables.len(), 5);
    for (own, with) in explained
        .comparables
        .iter()
        .zip(loaded.explain(&requests, 0, 5).unwrap().comparables)
    {
        assert!(own.differences.is_none() && with.differences.is_some());
        let text = serde_json::to_value(own).unwrap();
        assert!(text.get("differences").is_none(), "{text}");
        assert_eq!(
            (&own.id, own.price, own.adjusted),
            (&with.id, with.price, with.adjusted)
        );
    }
}

#[test]
fn comparables_of_trees_say_what_they_differ_by() {
    let rows = listings(1200);
    hold(&fitted(&rows, Effort::Fast), &rows);
}

#[test]
fn values_that_are_not_of_the_comparables_are_refused() {
    let rows = listings(600);
    let directory = tempfile::tempdir().unwrap();
    fitted(&rows, Effort::Quick).save(directory.path()).unwrap();
    let path = directory.path().join(FILE);
    let kept: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let names = |values: &Value| {
        values["fields"]
            .as_array()
            .unwrap()
            .iter()
            .position(|one| one["values"].get("names").is_some())
    };
    let numbers = |values: &Value| {
        values["fields"]
            .as_array()
            .unwrap()
            .iter()
            .position(|one| one["values"].get("numbers").is_some())
    };
    let (names, numbers) = (names(&kept).unwrap(), numbers(&kept).unwrap());
    type Spoil = Box<dyn Fn(&mut Value)>;
    let cases: [(&str, Spoil); 5] = [
        (
            "expected a field that the model may read",
            Box::new(|values| values["fields"][0]["field"] = json!("id")),
        ),
        (
            "twice",
            Box::new(move |values| {
                let again = values["fields"][names].clone();
                values["fields"].as_array_mut().unwrap().push(again);
            }),
        ),
        (
            "1 values",
            Box::new(move |values| values["fields"][names]["values"]["names"]["of"] = json!([0])),
        ),
        (
            "not among its",
            Box::new(move |values| {
                values["fields"][names]["values"]["names"]["of"][0] = json!(4_000_000_000_u32)
            }),
        ),
        (
            "200 decimals",
            Box::new(move |values| {
                values["fields"][numbers]["values"]["numbers"]["decimals"] = json!(200)
            }),
        ),
    ];
    for (expected, spoil) in cases {
        let mut values = kept.clone();
        spoil(&mut values);
        fs::write(&path, values.to_string()).unwrap();
        sum_again(directory.path(), FILE);
        let error = Model::load(directory.path()).unwrap_err().to_string();
        assert!(error.contains(FILE) && error.contains(expected), "{error}");
    }
}

#[test]
fn a_kept_artifact_of_an_earlier_release_says_nothing_of_differences() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kept/format-4");
    let model = Model::load(&kept).unwrap();
    let golden = fs::read_to_string(kept.join("golden.json")).unwrap();
    let golden: Vec<Value> = serde_json::from_str(&golden).unwrap();
    let requests = decode(&[golden[0]["record"].clone()], Purpose::Request);
    let comparables = model.explain(&requests, 0, 3).unwrap().comparables;
    assert_eq!(comparables.len(), 3);
    assert!(comparables.iter().all(|one| one.differences.is_none()));
}
