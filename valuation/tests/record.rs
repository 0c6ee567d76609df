//! A record priced by itself, from its cells, costs the same to the bit as in a batch.
#![allow(clippy::unwrap_used)]

mod made;

use arrow_array::RecordBatch;
use made::{decode, fitted, listings};
use records::Purpose;
use serde_json::{Value, json};
use valuation::{Cell, Model, PredictError, TrainedModel};

/// Requests of which some lack what is optional.
fn requests() -> Vec<Value> {
    let mut rows = listings(150);
    for (number, row) in rows.iter_mut().enumerate() {
        let row = row.as_object_mut().unwrap();
        row.remove("price");
        if number % 4 == 0 {
            row.remove("area");
        }
        if number % 7 == 0 {
            row.insert(
                "street".into(),
                Value::from("a street that no listing is in"),
            );
        }
    }
    rows
}

/// A model whose members are of every kind, and one that earlier releases kept.
fn models() -> Vec<Model> {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kept/format-4");
    let kept = Model::load(kept.as_ref()).unwrap();
    vec![kept, fitted(&listings(900)).unwrap().0]
}

fn bits(one: valuation::Prediction) -> [u64; 3] {
    [one.value, one.low, one.high].map(f64::to_bits)
}

#[test]
fn a_record_alone_is_priced_as_in_a_batch() {
    let batch = decode(&requests(), Purpose::Request);
    let schema = batch.schema();
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    // The cells may come in any order.
    let turned: Vec<&str> = names.iter().rev().copied().collect();
    for model in models() {
        let expected = model.predict(&batch).unwrap();
        let model = TrainedModel::Price(Box::new(model));
        for (names, is_turned) in [(&names, false), (&turned, true)] {
            let bound = model.bind_record(names).unwrap().unwrap();
            for (row, expected) in expected.iter().enumerate() {
                let columns = batch.columns().iter();
                let mut cells: Vec<Cell> = columns.map(|column| Cell::of(column, row)).collect();
                if is_turned {
                    cells.reverse();
                }
                let found = model.predict_record(&bound, &cells).unwrap();
                assert_eq!(bits(found), bits(*expected), "row {row}");
                let alone: RecordBatch = batch.slice(row, 1);
                let found = model.predict(&alone).unwrap()[0];
                assert_eq!(bits(found), bits(*expected), "row {row} as a batch");
            }
        }
    }
}

#[test]
fn what_is_assessed_is_what_is_predicted_and_warned_of_and_no_name_that_the_model_has() {
    let mut rows = requests();
    rows.truncate(60);
    for row in rows.iter_mut().step_by(5) {
        row["city"] = json!("a city that no listing is in");
        row["area"] = json!(900.0);
    }
    let batch = decode(&rows, Purpose::Request);
    let schema = batch.schema();
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    for model in models() {
        let predicted = model.predict(&batch).unwrap();
        let warnings = model.warnings(&batch).unwrap();
        let model = TrainedModel::Price(Box::new(model));
        let known = model.names();
        let bound = model.bind_record(&names).unwrap().unwrap();
        let assessed = model.assess(&batch).unwrap();
        assert_eq!(assessed.len(), rows.len());
        let mut all_unseen = 0;
        for (row, assessed) in assessed.iter().enumerate() {
            assert_eq!(bits(assessed.prediction), bits(predicted[row]), "row {row}");
            assert_eq!(assessed.warnings, warnings[row], "row {row}");
            let unseen = known.iter().filter_map(|(field, names)| {
                let name = rows[row].get(*field)?.as_str()?;
                (!names.contains(name)).then_some((*field, name))
            });
            let found = assessed.unseen.iter();
            let found = found.map(|unseen| (unseen.field.as_str(), unseen.name.as_str()));
            let found: Vec<(&str, &str)> = found.collect();
            assert_eq!(found, unseen.collect::<Vec<_>>(), "row {row}");
            all_unseen += found.len();
            let columns = batch.columns().iter();
            let cells: Vec<Cell> = columns.map(|column| Cell::of(column, row)).collect();
            let alone = model.assess_record(&bound, &cells).unwrap();
            assert_eq!(alone, *assessed, "row {row}");
            let alone = model.assess(&batch.slice(row, 1)).unwrap();
            assert_eq!(
                alone,
                std::slice::from_ref(assessed),
                "row {row} as a batch"
            );
        }
        // Every fifth has a city, and every seventh a street, that no model has.
        assert!(all_unseen >= 12 + 9, "{all_unseen}");
    }
}

#[test]
fn a_record_without_a_required_field_is_refused() {
    let model = TrainedModel::Price(Box::new(models().remove(0)));
    let refused = model.bind_record(&["city", "street", "floor"]);
    assert!(matches!(refused, Err(PredictError::Column { column, .. }) if column == "rooms"));
}

#[test]
fn a_batch_of_other_columns_is_refused_however_often_the_right_ones_came_by() {
    let model = models().remove(0);
    let batch = decode(&requests(), Purpose::Request);
    let rooms = batch.schema().index_of("rooms").unwrap();
    let mut without = batch.clone();
    without.remove_column(rooms);
    for _ in 0..3 {
        assert!(model.predict(&batch).is_ok());
        assert!(model.predict(&without).is_err());
    }
}
