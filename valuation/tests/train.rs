//! One call trains, whatever the task of the schema.
#![allow(clippy::unwrap_used)]

use arrow_array::RecordBatch;
use records::{Decoder, Purpose, Schema};
use valuation::{Effort, FitOptions, FitReport, Provenance, TrainedModel, train};

const NOW_US: i64 = 1_767_225_600_000_000;

/// Visits of 300 pages: long ones are those of a deep page. `roles` are the lines of the task.
fn visits(roles: &str) -> (Schema, RecordBatch) {
    let text = format!(
        "name='visits'\nversion=1\ntable='visits'\nkey='id'\n{roles}\n\
         [[field]]\nname='id'\nkind='text'\n[[field]]\nname='depth'\nkind='number'\n\
         [[field]]\nname='hour'\nkind='number'\n[[field]]\nname='minutes'\nkind='number'\n"
    );
    let schema = Schema::parse(&text, "visits").unwrap();
    let mut decoder = Decoder::new(&schema, Purpose::Listing);
    for row in 0..300 {
        let (depth, hour) = (f64::from(row * 37 % 101), f64::from(row * 53 % 24));
        let minutes = 1.0 + depth / 10.0 + f64::from(row * 29 % 7);
        let record = serde_json::json!({
            "id": format!("v{row}"), "depth": depth, "hour": hour, "minutes": minutes,
        });
        decoder.push(record.to_string().as_bytes(), NOW_US).unwrap();
    }
    (schema, decoder.finish().batch)
}

fn trained(roles: &str) -> (TrainedModel, FitReport, RecordBatch) {
    let (schema, batch) = visits(roles);
    let options = FitOptions {
        effort: Effort::Quick,
        ..FitOptions::default()
    };
    let provenance = Provenance {
        code_version: "test".to_owned(),
        trained_at_us: NOW_US,
    };
    let (model, report) = train(&schema, &batch, &options, provenance).unwrap();
    assert_eq!(model.trained_at_us(), NOW_US);
    assert_eq!(model.predict(&batch).unwrap().len(), 300);
    (model, report, batch)
}

#[test]
fn a_regression_is_judged_on_its_hold_out() {
    let (model, report, _) = trained("task='regression'\ntarget='minutes'");
    assert!(model.price().is_some() && report.price().is_some());
    assert_eq!((report.rows(), report.holdout_rows()), (300, 60));
    assert_eq!(report.judged().len(), 60);
    assert!(!report.is_too_good());
    // As it was without the enum around it.
    let alone = serde_json::to_value(report.price().unwrap()).unwrap();
    assert_eq!(serde_json::to_value(&report).unwrap(), alone);
}

#[test]
fn a_price_among_the_features_is_too_good_to_be_true() {
    let (schema, _) = visits("task='regression'\ntarget='minutes'");
    let mut decoder = Decoder::new(&schema, Purpose::Listing);
    for row in 0..300 {
        let depth = f64::from(row * 37 % 101) / 25.0;
        let record = serde_json::json!({
            "id": format!("v{row}"), "depth": depth, "hour": 0, "minutes": depth.exp(),
        });
        decoder.push(record.to_string().as_bytes(), NOW_US).unwrap();
    }
    let leaking = decoder.finish().batch;
    let options = FitOptions {
        effort: Effort::Quick,
        ..FitOptions::default()
    };
    let provenance = Provenance {
        code_version: "test".to_owned(),
        trained_at_us: NOW_US,
    };
    let (_, report) = train(&schema, &leaking, &options, provenance).unwrap();
    assert!(report.is_too_good(), "{:?}", report.price().unwrap().model);
}

#[test]
fn a_classification_and_a_clustering_are_trained_by_the_same_call() {
    let class = "task='classification'\ntarget='minutes'\n[class]\nname='long'\nat_least=8";
    let (model, report, batch) = trained(class);
    assert!(model.class().is_some() && report.class().is_some());
    assert!(report.train_rows() > report.holdout_rows() && report.holdout_rows() > 0);
    let predicted = model.predict(&batch).unwrap();
    assert!(predicted.iter().all(|row| (0.0..=1.0).contains(&row.value)));

    let (model, report, _) = trained("task='clustering'");
    assert!(model.clusters().is_some());
    let clusters = report.clusters().unwrap();
    assert_eq!((report.train_rows(), report.holdout_rows()), (300, 0));
    assert_eq!(clusters.members.len(), 300);
    assert!(report.removed().is_empty() && report.judged().is_empty());
}
