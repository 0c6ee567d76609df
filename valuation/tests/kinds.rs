//! Kinds of fields and shapes of data that real estate does not have.
#![allow(clippy::unwrap_used)]

mod made;

use made::{NOW_US, Uniform, decode_as, fitted_as};
use records::{Purpose, Schema};
use serde_json::{Map, Value, json};
use valuation::{FitError, FitOptions, Model, fit};

const HEAD: &str = "name='boats'\nversion=1\ntask='regression'\ntable='boats'\nkey='id'\n";

/// A schema of an id, a target `worth` and the given fields, `name kind`.
fn schema(fields: &[&str], time: Option<&str>) -> Schema {
    let mut text = format!("{HEAD}target='worth'\n");
    if let Some(time) = time {
        text.push_str(&format!("time='{time}'\n"));
    }
    for field in ["id text", "worth number"].iter().chain(fields) {
        let (name, kind) = field.split_once(' ').unwrap();
        text.push_str(&format!("[[field]]\nname='{name}'\nkind='{kind}'\n"));
    }
    Schema::parse(&text, "boats").unwrap()
}

/// `count` rows made by `row`, which also gives the logarithm of the worth.
fn rows(count: usize, mut row: impl FnMut(usize, &mut Uniform) -> (f64, Value)) -> Vec<Value> {
    let mut random = Uniform(5);
    (0..count)
        .map(|id| {
            let (log, mut record) = row(id, &mut random);
            record["id"] = json!(format!("b{id}"));
            record["worth"] = json!((log + 0.05 * random.normal()).exp());
            record
        })
        .collect()
}

fn price(model: &Model, schema: &Schema, record: Value) -> f64 {
    let batch = decode_as(schema, &[record], Purpose::Request);
    model.predict(&batch).unwrap()[0].value
}

fn near(found: f64, expected: f64, relative: f64) {
    assert!(
        (found / expected - 1.0).abs() < relative,
        "found {found}, expected {expected}"
    );
}

#[test]
fn a_boolean_and_what_it_is_worth_when_unknown() {
    let schema = schema(&["sails boolean"], None);
    let rows = rows(2000, |id, random| {
        let sails = random.next() < 0.5;
        let mut record = json!({ "sails": sails });
        let mut log = if sails { 10.5 } else { 10.0 };
        if id % 4 == 0 {
            record = json!({});
            log = 11.0;
        }
        (log, record)
    });
    let (model, report) = fitted_as(&schema, &rows).unwrap();
    assert!(report.model.r2 > 0.9, "{report:#?}");
    near(
        price(&model, &schema, json!({"id": "a", "sails": true})),
        10.5f64.exp(),
        0.02,
    );
    near(
        price(&model, &schema, json!({"id": "a", "sails": false})),
        10f64.exp(),
        0.02,
    );
    near(
        price(&model, &schema, json!({"id": "a"})),
        11f64.exp(),
        0.02,
    );
}

#[test]
fn an_elasticity_over_orders_of_magnitude_and_above_them() {
    let schema = schema(&["tons number"], None);
    let rows = rows(2000, |_, random| {
        let tons = (7.0 * random.next()).exp();
        (9.0 + 0.8 * tons.ln(), json!({ "tons": tons }))
    });
    let (model, report) = fitted_as(&schema, &rows).unwrap();
    assert!(report.model.mdape < 0.05, "{report:#?}");
    for tons in [2.0, 30.0, 900.0f64] {
        let expected = (9.0 + 0.8 * tons.ln()).exp();
        near(
            price(&model, &schema, json!({"id": "a", "tons": tons})),
            expected,
            0.03,
        );
    }
    // It goes on above the range of training, 7 orders of e, up to 100 times the greatest.
    let dearest = price(&model, &schema, json!({"id": "a", "tons": 1e9}));
    near(dearest, (9.0 + 0.8 * (7.0 + 100f64.ln())).exp(), 0.05);
    // Below it is next to nothing.
    let cheapest = price(&model, &schema, json!({"id": "a", "tons": -5}));
    near(cheapest, 9f64.exp(), 0.03);
}

#[test]
fn a_time_that_is_the_order_and_one_that_is_a_feature() {
    let schema = schema(&["sold timestamp", "built timestamp"], Some("sold"));
    let day = 86_400;
    let rows = rows(2000, |id, random| {
        let built = random.below(3000);
        let built_s = 1_000_000_000 + built * day;
        let record = json!({"sold": 1_600_000_000 + id * day / 10, "built": built_s});
        (
            9.0 + 0.0003 * built as f64 + 0.5 * id as f64 / 2000.0,
            record,
        )
    });
    let (model, report) = fitted_as(&schema, &rows).unwrap();
    // The hold-out lies after training: its level is only found by a trend that continues.
    assert!(report.model.r2 > 0.9, "{report:#?}");
    let last = 1_600_000_000 + 1999 * day / 10;
    assert_eq!(model.data_until_us(), Some(last as i64 * 1_000_000));
    let asked =
        |built: i64, sold: i64| json!({"id": "a", "built": 1_000_000_000 + built, "sold": sold});
    let last = last as i64;
    let old = price(&model, &schema, asked(0, last));
    let new = price(&model, &schema, asked(2999 * day as i64, last));
    near(new / old, (0.0003 * 2999.0f64).exp(), 0.03);
    // No further than training is long.
    let length = 2000 * day as i64 / 10;
    let far = price(&model, &schema, asked(0, last + 3 * length));
    near(far / old, 0.5f64.exp(), 0.05);
}

#[test]
fn nulls_everywhere_but_in_one_field() {
    let fields = [
        "tons number",
        "masts integer",
        "sails boolean",
        "port category",
        "built timestamp",
        "sold timestamp",
        "name text",
    ];
    let schema = schema(&fields, Some("sold"));
    let rows = rows(1000, |id, random| {
        let tons = 1.0 + 9.0 * random.next();
        // Only training has a port, and only once.
        let mut record = json!({ "tons": tons, "sold": 1_600_000_000 + id });
        if id == 3 {
            record["port"] = json!("Kotlin");
        }
        (9.0 + 0.2 * tons, record)
    });
    let (model, report) = fitted_as(&schema, &rows).unwrap();
    assert!(report.model.r2 > 0.9, "{report:#?}");
    let bare = price(&model, &schema, json!({"id": "a"}));
    let full = json!({
        "id": "a", "masts": 3, "sails": true, "port": "Odessa", "built": 1_000_000_000, "name": "Vera",
    });
    near(price(&model, &schema, full), bare, 1e-9);
}

#[test]
fn nothing_but_nulls_and_nothing_but_constants_are_no_features() {
    let schema = schema(&["tons number", "port category", "sails boolean"], None);
    let empty = rows(300, |_, random| (9.0 + random.next(), json!({})));
    let error = fitted_as(&schema, &empty).unwrap_err();
    assert!(matches!(error, FitError::NoFeatures { .. }), "{error}");
    assert!(error.to_string().contains("tons, port, sails"), "{error}");
    let same = rows(300, |_, random| {
        let record = json!({"tons": 5, "port": "Kotlin", "sails": true});
        (9.0 + random.next(), record)
    });
    let error = fitted_as(&schema, &same).unwrap_err();
    assert!(matches!(error, FitError::NoFeatures { .. }), "{error}");
}

#[test]
fn a_constant_column_and_a_category_of_one_level_change_nothing() {
    let wide = schema(&["tons number", "length number", "port category"], None);
    let narrow = schema(&["tons number"], None);
    let made = rows(1000, |_, random| {
        let tons = 5.0 + random.next();
        (
            9.0 + tons,
            json!({"tons": tons, "length": 12, "port": "Kotlin"}),
        )
    });
    let (model, report) = fitted_as(&wide, &made).unwrap();
    let (plain, _) = fitted_as(&narrow, &made).unwrap();
    assert_eq!(report.features, 1);
    let expected = price(&plain, &narrow, json!({"id": "a", "tons": 5.5}));
    for extra in [
        json!({}),
        json!({"length": 12, "port": "Kotlin"}),
        json!({"length": 99, "port": "Odessa"}),
    ] {
        let mut record: Map<String, Value> = extra.as_object().unwrap().clone();
        record.insert("id".to_owned(), json!("a"));
        record.insert("tons".to_owned(), json!(5.5));
        near(price(&model, &wide, Value::Object(record)), expected, 1e-6);
    }
}

#[test]
fn without_a_time_every_fifth_row_judges_and_a_saved_model_gives_the_same() {
    let schema = schema(&["tons number", "masts integer", "sails boolean"], None);
    let made = rows(1000, |_, random| {
        let (tons, masts) = (1.0 + 9.0 * random.next(), random.below(4));
        let sails = random.next() < 0.3;
        let log = 9.0 + 0.1 * tons + [0.0, 0.5, 0.4, 1.0][masts];
        (log, json!({"tons": tons, "masts": masts, "sails": sails}))
    });
    let (model, report) = fitted_as(&schema, &made).unwrap();
    assert_eq!((report.train_rows, report.holdout_rows), (800, 200));
    assert_eq!(report.baseline_name, "median worth");
    assert_eq!(model.data_until_us(), None);
    // Not a line in masts: each number of them has a worth of its own.
    assert!(report.model.mdape < 0.05, "{report:#?}");
    let dir = tempfile::tempdir().unwrap();
    model.save(dir.path()).unwrap();
    let loaded = Model::load(dir.path()).unwrap();
    let batch = decode_as(&schema, &made, Purpose::Request);
    assert_eq!(
        loaded.predict(&batch).unwrap(),
        model.predict(&batch).unwrap()
    );
}

#[test]
fn a_whole_number_can_be_the_target() {
    let mut schema = schema(&["tons number"], None);
    schema.fields[1].kind = records::Kind::Integer;
    let mut made = rows(500, |_, random| {
        let tons = 1.0 + 9.0 * random.next();
        (9.0 + 0.2 * tons, json!({ "tons": tons }))
    });
    for row in &mut made {
        row["worth"] = json!(row["worth"].as_f64().unwrap().round());
    }
    let batch = decode_as(&schema, &made, Purpose::Listing);
    let (_, report) = fit(&schema, &batch, &FitOptions::default(), "test", NOW_US).unwrap();
    assert!(report.model.r2 > 0.9, "{report:#?}");
}
