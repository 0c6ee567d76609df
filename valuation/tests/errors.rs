//! What cannot be fitted is reported: what was expected, what was found, what to do.
#![allow(clippy::unwrap_used)]

mod made;

use arrow_array::RecordBatch;
use made::{NOW_US, decode, fitted, listings};
use records::{Purpose, Schema, Task};
use serde_json::json;
use valuation::{FitError, FitOptions, NamedMember, fit};

fn refused(schema: &Schema, batch: &RecordBatch, options: &FitOptions) -> FitError {
    fit(schema, batch, options, "test", NOW_US).unwrap_err()
}

fn says(error: &FitError, parts: &[&str]) {
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "{message} does not say {part:?}");
    }
}

#[test]
fn too_few_rows() {
    let error = fitted(&listings(150)).unwrap_err();
    assert!(matches!(error, FitError::TooFewRows { found: 150, .. }));
    says(
        &error,
        &[
            "at least 200",
            "found 150 of 150",
            "removed: none",
            "widen the training window",
        ],
    );
    let error = fitted(&[]).unwrap_err();
    says(&error, &["found 0 of 0"]);
}

#[test]
fn too_few_rows_after_cleaning() {
    let mut rows = listings(205);
    for row in &mut rows[..10] {
        row["price"] = json!(row["price"].as_f64().unwrap() * 1e4);
    }
    let error = fitted(&rows).unwrap_err();
    assert!(
        matches!(error, FitError::TooFewRows { found: 195, .. }),
        "{error}"
    );
    says(&error, &["found 195 of 205", "target_per_area_outlier 10"]);
}

#[test]
fn everything_cleaned_away() {
    let mut schema = Schema::real_estate();
    schema.fields.iter_mut().for_each(|field| field.min = None);
    let mut rows = listings(300);
    rows.iter_mut().for_each(|row| row["price"] = json!(0));
    let batch = made::decode_as(&schema, &rows, Purpose::Listing);
    let error = refused(&schema, &batch, &FitOptions::default());
    assert!(matches!(error, FitError::NothingLeft { given: 300, .. }));
    says(
        &error,
        &["price is above 0", "none among 300", "check which field"],
    );
}

#[test]
fn an_empty_holdout() {
    let batch = decode(&listings(40), Purpose::Listing);
    let options = FitOptions {
        min_rows: 10,
        holdout_fraction: 0.01,
        ..FitOptions::default()
    };
    let error = refused(&Schema::real_estate(), &batch, &options);
    assert!(matches!(error, FitError::EmptyHoldout { rows: 40, .. }));
    says(&error, &["0.01 of 40", "raise holdout_fraction"]);
}

#[test]
fn a_constant_target() {
    let mut rows = listings(300);
    rows.iter_mut().for_each(|row| row["price"] = json!(5e6));
    let error = fitted(&rows).unwrap_err();
    assert!(matches!(error, FitError::ConstantTarget { rows: 240, .. }));
    says(
        &error,
        &[
            "price to vary",
            "found 5000000 in all of 240",
            "check what the source",
        ],
    );
}

#[test]
fn a_missing_column_and_one_of_another_type() {
    let batch = decode(&listings(300), Purpose::Listing);
    let schema = Schema::real_estate();
    let error = refused(
        &schema,
        &batch.project(&[0, 1, 2]).unwrap(),
        &FitOptions::default(),
    );
    assert!(matches!(&error, FitError::MissingColumn { column, .. } if column == "street"));
    says(
        &error,
        &[
            "street of type Utf8",
            "found none",
            "id, listed_at, city",
            "same schema",
        ],
    );

    let mut other = Schema::real_estate();
    other
        .fields
        .iter_mut()
        .filter(|field| field.name == "area")
        .for_each(|field| field.kind = records::Kind::Integer);
    let error = refused(&other, &batch, &FitOptions::default());
    says(&error, &["area of type Int64", "found Float64"]);
}

#[test]
fn no_target_and_no_features() {
    let batch = decode(&listings(300), Purpose::Listing);
    let mut schema = Schema::real_estate();
    schema.task = Task::Classification;
    let error = refused(&schema, &batch, &FitOptions::default());
    assert!(matches!(error, FitError::UnsupportedTask { .. }));
    says(
        &error,
        &["task regression", "task classification", "set task"],
    );

    let mut bare = Schema::real_estate();
    bare.fields
        .retain(|field| ["id", "listed_at", "price"].contains(&field.name.as_str()));
    let error = refused(&bare, &batch, &FitOptions::default());
    assert!(matches!(error, FitError::NoFeatures { .. }));
    says(&error, &["found none among: none"]);
}

#[test]
fn options_out_of_their_range() {
    let batch = decode(&listings(300), Purpose::Listing);
    for (fraction, interval, part) in [
        (0.9, 0.9, "holdout_fraction between 0.01 and 0.5, found 0.9"),
        (f64::NAN, 0.9, "found NaN"),
        (0.2, 90.0, "interval between 0.01 and 0.999, found 90"),
    ] {
        let options = FitOptions {
            holdout_fraction: fraction,
            interval,
            ..FitOptions::default()
        };
        says(
            &refused(&Schema::real_estate(), &batch, &options),
            &[part, "change the setting"],
        );
    }
}

#[test]
fn members_that_cannot_be_grown() {
    let schema = Schema::real_estate();
    let batch = decode(&listings(300), Purpose::Listing);
    let members = |changes: serde_json::Value| {
        let mut options = json!({
            "kind": "boosted", "growth": "leaf-wise", "rounds": 10, "rate": 0.1, "leaves": 8,
            "depth": 0, "leaf_rows": 5.0, "row_share": 1.0, "column_share": 1.0, "penalty": 1.0,
            "trusted": 1.0, "patience": 0,
        });
        for (name, value) in changes.as_object().unwrap() {
            options[name] = value.clone();
        }
        let member = json!({ "name": "trees", "options": options });
        serde_json::from_value::<Vec<NamedMember>>(json!([member])).unwrap()
    };
    for (changes, part) in [
        (json!({ "leaves": 1 }), "leaves 2 to 1024, found 1"),
        (json!({ "growth": "symmetric" }), "depth 1 to 10, found 0"),
        (json!({ "rounds": 0 }), "rounds at least 1, found 0"),
        (json!({ "rate": 0.0 }), "rate above 0, at most 1, found 0"),
        (json!({ "leaf_rows": 0.0 }), "leaf_rows at least 1, found 0"),
        (
            json!({ "row_share": 1.5 }),
            "row_share above 0, at most 1, found 1.5",
        ),
        (
            json!({ "column_share": 0.0 }),
            "column_share above 0, at most 1, found 0",
        ),
        (json!({ "penalty": -1.0 }), "penalty 0 or above, found -1"),
        (
            json!({ "trusted": 0.0 }),
            "trusted above 0, at most 1, found 0",
        ),
    ] {
        let options = FitOptions {
            members: members(changes),
            ..FitOptions::default()
        };
        let error = refused(&schema, &batch, &options);
        says(&error, &["member \"trees\": expected", part]);
    }
    let mut twice = members(json!({}));
    twice.extend(twice.clone());
    let options = FitOptions {
        members: twice,
        ..FitOptions::default()
    };
    let error = refused(&schema, &batch, &options);
    says(&error, &["different names", "found \"trees\": rename it"]);
}
