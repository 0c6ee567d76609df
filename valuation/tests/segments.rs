//! Segments of the market: one more category, computed from the numbers, in the line, the ratio study, the
//! reasons and the files; where they are not wanted, nothing of them.
#![allow(clippy::unwrap_used)]

mod made;

use arrow_array::RecordBatch;
use made::{NOW_US, Uniform, decode_as};
use records::{Purpose, Schema};
use serde_json::{Value, json};
use valuation::{Effort, FitOptions, Model, Report};

fn schema(more: &str) -> Schema {
    let text = format!(
        "name='flats'\nversion=1\ntask='regression'\ntable='flats'\nkey='id'\ntarget='price'\n\
         [[field]]\nname='id'\nkind='text'\n[[field]]\nname='price'\nkind='number'\n\
         [[field]]\nname='year'\nkind='integer'\n[[field]]\nname='size'\nkind='number'\n\
         [[field]]\nname='balcony'\nkind='boolean'\n{more}"
    );
    Schema::parse(&text, "flats").expect("the schema is valid")
}

/// Old and large flats are expensive, new and small ones too: no sum of year and size says it.
fn flats(rows: usize) -> Vec<Value> {
    let mut random = Uniform(5);
    (0..rows)
        .map(|row| {
            let (is_new, is_large) = (random.below(2), random.below(2));
            let year = [1900, 1990][is_new] + random.below(20);
            let size = [40.0, 120.0][is_large] + 15.0 * random.next();
            let balcony = random.below(2) == 1;
            let log = 11.0
                + 0.6 * f64::from(u8::from(is_new != is_large))
                + 0.002 * size
                + 0.03 * f64::from(u8::from(balcony))
                + 0.05 * random.normal();
            json!({"id": format!("f{row}"), "year": year, "size": size, "balcony": balcony,
                "price": log.exp()})
        })
        .collect()
}

fn batch(schema: &Schema) -> RecordBatch {
    decode_as(schema, &flats(1200), Purpose::Listing)
}

fn fit(segments: usize, threads: usize) -> (Model, Report) {
    let options = FitOptions {
        effort: Effort::Quick,
        segments,
        threads,
        ..FitOptions::default()
    };
    let schema = schema("");
    valuation::fit(&schema, &batch(&schema), &options, "test", NOW_US).unwrap()
}

#[test]
fn prices_are_told_by_segments_and_judged_by_them() {
    let (plain, without) = fit(0, 0);
    let (model, with) = fit(4, 0);
    assert!(without.model.mdape > 0.2, "{}", without.model.mdape);
    assert!(with.model.mdape < 0.05, "{}", with.model.mdape);
    let named = |report: &Report| -> Vec<String> {
        let segments = report
            .segments
            .iter()
            .filter(|segment| segment.by == "segment");
        segments.map(|segment| segment.name.clone()).collect()
    };
    assert_eq!(named(&with), ["0", "1", "2", "3"]);
    assert!(named(&without).is_empty());

    let dir = tempfile::tempdir().unwrap();
    model.save(dir.path()).unwrap();
    let loaded = Model::load(dir.path()).unwrap();
    let schema = schema("");
    let requests = decode_as(&schema, &flats(50), Purpose::Request);
    let predicted = model.predict(&requests).unwrap();
    assert_eq!(loaded.predict(&requests).unwrap(), predicted);
    let explained = loaded.explain(&requests, 7, 0).unwrap();
    assert!(
        explained
            .reasons
            .iter()
            .any(|reason| reason.field == "segment"),
        "{explained:?}"
    );
    let all: f64 = explained.reasons.iter().map(|reason| reason.amount).sum();
    assert!((explained.base + all - predicted[7].value).abs() < 1e-6 * predicted[7].value);
    // Nothing is known of the numbers: their medians state which segment it is.
    let bare = decode_as(&schema, &[json!({"id": "x"})], Purpose::Request);
    assert!(loaded.predict(&bare).unwrap()[0].value > 0.0);
    assert!(loaded.fits(&schema).is_ok());

    let dir = tempfile::tempdir().unwrap();
    plain.save(dir.path()).unwrap();
    let head = std::fs::read_to_string(dir.path().join("model.json")).unwrap();
    let head: Value = serde_json::from_str(&head).unwrap();
    assert!(head["plan"].get("segments").is_none(), "nothing of them");
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let predictions_by = |threads| {
        let (model, _) = fit(4, threads);
        model.predict(&batch(&schema(""))).unwrap()
    };
    assert_eq!(predictions_by(1), predictions_by(3));
}

#[test]
fn what_cannot_be_is_said() {
    let refused = |schema: &Schema, segments| {
        let options = FitOptions {
            effort: Effort::Quick,
            segments,
            ..FitOptions::default()
        };
        match valuation::fit(schema, &batch(schema), &options, "test", NOW_US) {
            Ok(_) => panic!("expected an error"),
            Err(error) => error.to_string(),
        }
    };
    let error = refused(&schema(""), 1);
    assert!(
        error.contains("segments 0 for none, or between 2 and 50, found 1"),
        "{error}"
    );
    let segmented = schema("[[field]]\nname='segment'\nkind='category'\n");
    let error = refused(&segmented, 4);
    assert!(
        error.contains("has a field \"segment\" of its own"),
        "{error}"
    );
}
