//! Boosters of XGBoost read, walked and explained, and broken ones.

use serde_json::{Value, json};

use super::super::Boosted;
use super::super::walk::Codes;

/// A booster of XGBoost 3 with numbers, gaps and categories, rows, its predictions and contributions; made by
/// `tests/xgboost/make.py`.
const FITTED: &str = include_str!("../../../tests/xgboost/fitted.json");

fn names(width: usize) -> Vec<String> {
    (0..width).map(|column| format!("f{column}")).collect()
}

fn floats(list: &Value) -> Vec<f32> {
    let numbers = list.as_array().expect("a list").iter();
    numbers
        .map(|number| number.as_f64().map_or(f32::NAN, |number| number as f32))
        .collect()
}

#[test]
fn its_trees_predict_and_explain_what_xgboost_does() {
    let kept: Value = serde_json::from_str(FITTED).expect("JSON");
    let cases = kept["boosters"].as_array().expect("boosters");
    assert!(cases.len() >= 3);
    for case in cases {
        let bytes = serde_json::to_vec(&case["model"]).expect("JSON");
        let rows = case["rows"].as_array().expect("rows");
        let width = rows[0].as_array().expect("a row").len();
        let boosted = Boosted::from_xgboost(&bytes, &names(width)).expect("reads");
        let again = Boosted::decode(&boosted.encode().expect("bytes")).expect("its own file");
        assert_eq!(again, boosted);
        let predicted = floats(&case["predicted"]);
        let parts = case["contributions"].as_array().expect("contributions");
        for ((row, expected), parts) in rows.iter().zip(predicted).zip(parts) {
            let row = floats(row);
            let found = boosted.row(&row, &mut Codes::default());
            let off = (found / f64::from(expected) - 1.0).abs();
            assert!(off < 1e-6, "{row:?}: {found} for {expected}");
            let found = boosted.contributions(&row).expect("explains");
            for (found, expected) in found.iter().zip(floats(parts)) {
                let off = (found - f64::from(expected)).abs();
                assert!(off < 2e-5, "{row:?}: {found} for {expected}");
            }
        }
    }
}

#[test]
fn what_was_exported_is_read_again() {
    let kept: Value = serde_json::from_str(FITTED).expect("JSON");
    let case = &kept["boosters"][0];
    let width = case["rows"][0].as_array().expect("a row").len();
    let bytes = serde_json::to_vec(&case["model"]).expect("JSON");
    let boosted = Boosted::from_xgboost(&bytes, &names(width)).expect("reads");
    let exported = boosted.to_xgboost().expect("writes");
    let again = Boosted::from_xgboost(&exported, &names(width)).expect("reads");
    assert_eq!(again, boosted);
}

#[test]
fn what_is_no_such_booster_is_refused_with_what_was_expected() {
    let kept: Value = serde_json::from_str(FITTED).expect("JSON");
    let case = &kept["boosters"][0];
    let width = case["rows"][0].as_array().expect("a row").len();
    let refused = |change: &dyn Fn(&mut Value), width: usize| {
        let mut model = case["model"].clone();
        change(&mut model);
        let bytes = serde_json::to_vec(&model).expect("JSON");
        let error = Boosted::from_xgboost(&bytes, &names(width)).expect_err("is refused");
        error.to_string()
    };
    let same = |_: &mut Value| {};
    assert!(refused(&same, width + 1).contains("columns"));
    let objective = |model: &mut Value| {
        model["learner"]["objective"]["name"] = json!("reg:gamma");
    };
    assert!(refused(&objective, width).contains("reg:gamma"));
    let dart = |model: &mut Value| {
        model["learner"]["gradient_booster"]["name"] = json!("dart");
    };
    assert!(refused(&dart, width).contains("dart"));
    let named = |model: &mut Value| {
        model["learner"]["feature_names"] = json!(["f1", "f0"]);
    };
    assert!(refused(&named, width).contains("f1 in the place of f0"));
    let circle = |model: &mut Value| {
        model["learner"]["gradient_booster"]["model"]["trees"][0]["left_children"][0] = json!(0);
    };
    assert!(refused(&circle, width).contains("tree 0"));
    let short = |model: &mut Value| {
        model["learner"]["gradient_booster"]["model"]["trees"][0]["sum_hessian"] = json!([1.0]);
    };
    assert!(refused(&short, width).contains("one length"));
    let error = Boosted::from_xgboost(b"\x7b\x4c\x00", &names(width)).expect_err("UBJSON");
    assert!(error.to_string().contains("model.json"), "{error}");
}
