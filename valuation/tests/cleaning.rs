//! What is left out of training: each rule by itself, and what no rule may take.
#![allow(clippy::unwrap_used)]

mod made;

use std::collections::BTreeMap;

use made::{fitted, listings};
use serde_json::{Value, json};
use valuation::Report;

/// Rows taken by the rules that take any.
fn taken(report: &Report) -> BTreeMap<&str, usize> {
    let rules = report.removed.iter().filter(|(_, rows)| **rows > 0);
    rules.map(|(rule, rows)| (rule.as_str(), *rows)).collect()
}

/// A listing with its price times a factor.
fn times(row: &mut Value, factor: f64) {
    row["price"] = json!(row["price"].as_f64().unwrap() * factor);
}

/// A listing whose price goes by its floor too: what is far from the line is not far from its group.
fn spread(row: &mut Value) {
    let floor = row["floor"].as_f64().unwrap();
    times(row, (0.25 * floor).exp());
}

/// A listing as somebody posts it again, under another key.
fn again(row: &Value, key: usize) -> Value {
    let mut copy = row.clone();
    copy["id"] = json!(format!("again{key}"));
    copy
}

#[test]
fn good_listings_are_all_learned_from() {
    let (_, report) = fitted(&listings(2000)).unwrap();
    assert_eq!(taken(&report), BTreeMap::new());
    assert_eq!((report.holdout_outliers, report.holdout_copies), (0, 0));
}

#[test]
fn a_price_per_area_with_a_slipped_digit() {
    let mut rows = listings(2000);
    (0..7).for_each(|at| times(&mut rows[100 * at], 10.0));
    (7..10).for_each(|at| times(&mut rows[100 * at], 0.1));
    let (_, report) = fitted(&rows).unwrap();
    assert_eq!(taken(&report), [("target_per_area_outlier", 10)].into());
}

#[test]
fn a_price_with_a_slipped_digit_where_no_area_is_known() {
    let mut rows = listings(2000);
    for at in 0..5 {
        times(&mut rows[100 * at], 1000.0);
        rows[100 * at].as_object_mut().unwrap().remove("area");
    }
    let (_, report) = fitted(&rows).unwrap();
    assert_eq!(taken(&report), [("target_outlier", 5)].into());
}

#[test]
fn a_listing_posted_again() {
    let good = listings(2000);
    let mut rows = good.clone();
    // In the training part, 30 of them; the newest are the copies, which come later.
    rows.extend((0..30).map(|key| again(&good[20 * key], key)));
    let (_, report) = fitted(&rows).unwrap();
    assert_eq!(taken(&report), [("duplicate", 30)].into());
    assert_eq!(report.train_rows, report.rows - report.holdout_rows - 30);
    // A copy with another price is not a copy.
    for row in &mut rows[2000..] {
        times(row, 1.01);
    }
    let (_, report) = fitted(&rows).unwrap();
    assert_eq!(taken(&report), BTreeMap::new());
}

#[test]
fn what_is_judged_on_stays_whatever_it_is() {
    let good = listings(2000);
    let mut rows = good.clone();
    // Copies and slips in the newest fifth.
    for (key, at) in (1700..1800).step_by(10).enumerate() {
        rows[at] = again(&good[at - 1500], key);
        rows[at]["listed_at"] = good[at]["listed_at"].clone();
    }
    (1800..1900)
        .step_by(20)
        .for_each(|at| times(&mut rows[at], 0.01));
    let (model, report) = fitted(&rows).unwrap();
    assert_eq!((report.train_rows, report.holdout_rows), (1600, 400));
    assert_eq!(report.model.rows, 400);
    assert_eq!(taken(&report), BTreeMap::new());
    assert_eq!((report.holdout_outliers, report.holdout_copies), (5, 10));
    // What is written down is what is reported.
    assert_eq!(model.report().holdout_copies, 10);
}

#[test]
fn a_price_that_nothing_explains() {
    let mut rows = listings(2000);
    rows.iter_mut().for_each(spread);
    (0..8).for_each(|at| times(&mut rows[150 * at], [8.0, 0.12][at % 2]));
    let (_, report) = fitted(&rows).unwrap();
    let found = taken(&report);
    assert_eq!(found.values().sum::<usize>(), 8, "{found:?}");
    assert!(found["residual_outlier"] > 0, "{found:?}");
}

#[test]
fn honest_dear_homes_are_learned_from() {
    let mut rows = listings(3000);
    // Villas: eight times as large, and more expensive a square metre than anything around them.
    for at in (0..3000).step_by(60) {
        let area = rows[at]["area"].as_f64().unwrap();
        rows[at]["area"] = json!(area * 6.0);
        rows[at]["rooms"] = json!(12);
        rows[at]["building_type"] = json!("villa");
        times(&mut rows[at], 6.0_f64.powf(0.9) * 2.2);
    }
    // Two penthouses, twice as expensive as their like.
    times(&mut rows[700], 2.2);
    times(&mut rows[1300], 2.2);
    let (_, report) = fitted(&rows).unwrap();
    assert_eq!(taken(&report), BTreeMap::new());
    assert_eq!(report.holdout_outliers, 0);
}

#[test]
fn homes_of_a_kind_that_a_line_cannot_price_are_learned_from() {
    let mut rows = listings(3000);
    rows.iter_mut().for_each(spread);
    // Four in a hundred cost a fifth for a reason that no field says.
    for at in (0..3000).step_by(25) {
        times(&mut rows[at], 0.2);
    }
    let (_, report) = fitted(&rows).unwrap();
    assert_eq!(taken(&report), BTreeMap::new());
}
