//! Rows of a datamart: what they hold, and that a state that was kept makes the same ones.
#![allow(clippy::unwrap_used)]

mod made;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, RecordBatch};
use made::{NOW_US, decode_as, listings};
use records::{Purpose, Schema};
use serde_json::{Value, json};
use valuation::datamart::{DatamartError, Identity, Rows, State};

fn rows_as(schema: &Schema, records: &[Value]) -> Rows {
    let batch = decode_as(schema, records, Purpose::Listing);
    let lines = vec![None; batch.num_rows()];
    let rows = Rows { batch, lines };
    rows.latest(schema, Identity::Key).unwrap().0
}

fn state(schema: &Schema, rows: &Rows) -> State {
    State::fit(schema, &rows.batch, "test", NOW_US).unwrap()
}

fn numbers<'a>(batch: &'a RecordBatch, name: &str) -> &'a [f64] {
    batch[name].as_primitive::<Float64Type>().values()
}

/// The rules that take rows, by key.
fn excluded(batch: &RecordBatch) -> Vec<(&str, &str)> {
    let (keys, rules) = (&batch["id"], &batch["excluded"]);
    let (keys, rules) = (keys.as_string::<i32>(), rules.as_string::<i32>());
    let pairs = keys.iter().flatten().zip(rules);
    pairs.filter_map(|(key, rule)| Some((key, rule?))).collect()
}

#[test]
fn a_state_that_was_kept_makes_the_same_rows() {
    let schema = Schema::real_estate();
    let rows = rows_as(&schema, &listings(1000));
    let fitted = state(&schema, &rows);
    let text = fitted.to_json().unwrap();
    let kept = State::parse(&text).unwrap();
    assert_eq!(fitted, kept);
    let made = fitted.materialise(&rows, 7).unwrap();
    assert_eq!(made, kept.materialise(&rows, 7).unwrap());
    // A row is a function of its record.
    let part = Rows {
        batch: rows.batch.slice(500, 20),
        lines: rows.lines[500..520].to_vec(),
    };
    assert_eq!(made.slice(500, 20), kept.materialise(&part, 7).unwrap());

    let area = numbers(&made, "x_area");
    let mean = area.iter().sum::<f64>() / 1000.0;
    let squares: f64 = area.iter().map(|area| (area - mean) * (area - mean)).sum();
    assert!(mean.abs() < 1e-9 && (squares / 1000.0 - 1.0).abs() < 1e-9);
    let missing = numbers(&made, "x_floors_total_missing");
    assert_eq!(missing.iter().sum::<f64>(), 100.0);
    assert_eq!(made["x_floor_per_floors_total"].null_count(), 100);
    let cities = made["city"].as_string::<i32>();
    let of_city = |name: &str| {
        let row = cities
            .iter()
            .position(|city| city == Some("city3"))
            .unwrap();
        numbers(&made, name)[row]
    };
    let rows_of_city = cities.iter().filter(|city| *city == Some("city3")).count();
    assert_eq!(of_city("x_city_rows"), rows_of_city as f64);
    assert!(
        (11.0..17.0).contains(&of_city("x_city_mean")),
        "a log price"
    );
    assert!(
        made.column_by_name("x_building_type_mean").is_none(),
        "no row has one"
    );
    assert!(
        fitted
            .dropped
            .iter()
            .any(|field| field.field == "building_type")
    );

    for (change, expected) in [
        (
            ("\"format\":1", "\"format\":2"),
            "format 2, this program reads 1",
        ),
        (("\"format\":1", "\"shape\":1"), "format none"),
        (
            (
                "\"of\":\"line\",\"column\":0",
                "\"of\":\"line\",\"column\":99999",
            ),
            "has no values",
        ),
        (("\"rows\":1000", "\"rows\":\"many\""), "it was changed"),
    ] {
        assert!(text.contains(change.0), "{}", change.0);
        let error = State::parse(&text.replacen(change.0, change.1, 1)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn what_a_fit_would_leave_out_says_by_which_rule() {
    let schema = Schema::real_estate();
    let mut records = listings(1000);
    let mut slip = records[3].clone();
    slip["price"] = json!(slip["price"].as_f64().unwrap() * 1000.0);
    slip["id"] = json!("slip");
    let mut again = records[5].clone();
    again["id"] = json!("again");
    again["listed_at"] = json!(1_710_000_000);
    records.extend([slip, again]);
    let rows = rows_as(&schema, &records);
    let fitted = state(&schema, &rows);
    let made = fitted.materialise(&rows, 1).unwrap();
    let expected = [("l5", "duplicate"), ("slip", "target_per_area_outlier")];
    let mut found = excluded(&made);
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!((fitted.rows, fitted.learned), (1002, 1000));
    assert!(fitted.marks_copies());
}

#[test]
fn without_a_price_there_are_no_means_and_no_rules() {
    let mut schema = Schema::real_estate();
    schema.target = None;
    schema.task = records::Task::Clustering;
    let rows = rows_as(&schema, &listings(300));
    let made = state(&schema, &rows).materialise(&rows, 1).unwrap();
    assert_eq!(made["excluded"].null_count(), 300);
    assert!(made.column_by_name("x_city_mean").is_none());
    assert!(made.column_by_name("x_city_rows").is_some());
    assert!(made.column_by_name("x_area").is_some());
}

#[test]
fn of_a_class_the_means_are_shares() {
    let mut schema = Schema::real_estate();
    schema.task = records::Task::Classification;
    schema.class = Some(records::Class {
        name: "dear".to_owned(),
        at_least: Some(4e6),
        level: None,
    });
    let rows = rows_as(&schema, &listings(300));
    let made = state(&schema, &rows).materialise(&rows, 1).unwrap();
    assert_eq!(made["excluded"].null_count(), 300);
    let shares = numbers(&made, "x_city_mean");
    assert!(
        shares.iter().all(|share| (0.0..=1.0).contains(share)),
        "{shares:?}"
    );
    assert!(shares.iter().any(|share| *share != shares[0]));

    // Of several classes there is no one share.
    (schema.class, schema.target) = (None, Some("city".to_owned()));
    assert!(schema.is_multiclass());
    let rows = rows_as(&schema, &listings(300));
    let made = state(&schema, &rows).materialise(&rows, 1).unwrap();
    assert_eq!(made["excluded"].null_count(), 300);
    assert!(made.column_by_name("x_street_mean").is_none());
    assert!(
        made.column_by_name("x_street_rows").is_some() && made.column_by_name("x_city").is_none()
    );
}

#[test]
fn records_of_another_schema_are_refused() {
    let schema = Schema::real_estate();
    let rows = rows_as(&schema, &listings(300));
    let fitted = state(&schema, &rows);
    let mut other = schema.clone();
    other.version += 1;
    other.fields[2].about = Some("where".to_owned());
    fitted.check_schema(&other).unwrap();
    let area = other.fields.iter_mut().find(|field| field.name == "area");
    area.unwrap().unit = Some("ft²".to_owned());
    let error = fitted.check_schema(&other).unwrap_err().to_string();
    assert!(error.contains("differ in area"), "{error}");

    let mut taken = schema.clone();
    taken.fields[6].name = "excluded".to_owned();
    let error = State::fit(&taken, &rows_as(&taken, &listings(1)).batch, "test", 0);
    assert!(
        matches!(error, Err(DatamartError::Taken { .. })),
        "{error:?}"
    );
    let none = Rows::none(&schema);
    let error = State::fit(&schema, &none.batch, "test", 0);
    assert!(
        matches!(error, Err(DatamartError::NoRows { .. })),
        "{error:?}"
    );
}
