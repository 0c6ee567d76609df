//! A model as files: the same again, or refused with what is wrong.
#![allow(clippy::unwrap_used)]

mod made;

use std::fs;
use std::path::Path;

use made::{decode, fitted, listings};
use records::Purpose;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use valuation::{ArtifactError, Model};

fn saved(dir: &Path) -> Model {
    let (model, _) = fitted(&listings(600)).unwrap();
    model.save(dir).unwrap();
    model
}

/// Makes SHA256SUMS right again, so that what lies behind it is tested.
fn sum_again(dir: &Path) {
    let mut files: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|file| file != "SHA256SUMS")
        .collect();
    files.sort();
    let sums: String = files
        .iter()
        .map(|file| {
            let sum = Sha256::digest(fs::read(dir.join(file)).unwrap());
            let hex: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{hex}  {file}\n")
        })
        .collect();
    fs::write(dir.join("SHA256SUMS"), sums).unwrap();
}

#[test]
fn same_listings_give_the_same_bytes_and_load_gives_the_same_prices() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let model = saved(one.path());
    saved(two.path());
    for file in [
        "model.json",
        "member-linear.json",
        "golden.json",
        "SHA256SUMS",
    ] {
        let read = |dir: &Path| fs::read(dir.join(file)).unwrap();
        assert!(read(one.path()) == read(two.path()), "{file}");
    }
    let batch = decode(&listings(600), Purpose::Request);
    let loaded = Model::load(one.path()).unwrap();
    for (a, b) in model
        .predict(&batch)
        .unwrap()
        .iter()
        .zip(loaded.predict(&batch).unwrap())
    {
        assert!((a.value / b.value - 1.0).abs() < 1e-9);
    }
    assert!(matches!(
        model.save(one.path()),
        Err(ArtifactError::NotEmpty)
    ));
}

#[test]
fn load_refuses_what_was_changed_and_names_it() {
    let dir = tempfile::tempdir().unwrap();
    saved(dir.path());
    let path = dir.path().join("member-linear.json");
    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[30] ^= 1;
    fs::write(&path, bad).unwrap();
    let error = Model::load(dir.path()).unwrap_err();
    assert!(matches!(error, ArtifactError::Checksum { file } if file == "member-linear.json"));
    fs::remove_file(&path).unwrap();
    let error = Model::load(dir.path()).unwrap_err();
    assert!(matches!(error, ArtifactError::File { file, .. } if file == "member-linear.json"));
    fs::write(&path, good).unwrap();

    let golden = dir.path().join("golden.json");
    let good = fs::read(&golden).unwrap();
    let mut rows: Value = serde_json::from_slice(&good).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 20);
    rows[3]["record"]["area"] = json!(77.7);
    fs::write(&golden, rows.to_string()).unwrap();
    sum_again(dir.path());
    let error = Model::load(dir.path()).unwrap_err();
    assert!(matches!(error, ArtifactError::Golden { row: 3, .. }));
    fs::write(&golden, good).unwrap();

    let head = dir.path().join("model.json");
    let text = fs::read_to_string(&head).unwrap();
    fs::write(&head, text.replacen("\"format\": 4", "\"format\": 5", 1)).unwrap();
    sum_again(dir.path());
    let error = Model::load(dir.path()).unwrap_err();
    assert!(matches!(
        error,
        ArtifactError::Format {
            found: 5,
            expected: 4
        }
    ));
}

/// What a file of the artifact says after `change`, its checksum being right.
fn refusal(dir: &Path, file: &str, change: impl FnOnce(&mut Value)) -> String {
    let path = dir.join(file);
    let good = fs::read(&path).unwrap();
    let mut content: Value = serde_json::from_slice(&good).unwrap();
    change(&mut content);
    fs::write(&path, content.to_string()).unwrap();
    sum_again(dir);
    let error = Model::load(dir).unwrap_err();
    fs::write(&path, good).unwrap();
    assert!(matches!(error, ArtifactError::Content { .. }), "{error}");
    error.to_string()
}

/// The encoding of a field's only block of a kind.
fn block<'a>(head: &'a mut Value, field: &str, kind: &str) -> &'a mut Value {
    let blocks = head["plan"]["features"]["blocks"].as_array_mut().unwrap();
    let mut found = blocks
        .iter_mut()
        .filter(|block| block["field"] == field && block["encoding"].get(kind).is_some());
    &mut found.next().unwrap()["encoding"][kind]
}

#[test]
fn parts_that_do_not_fit_together_are_refused_without_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    saved(dir.path());
    let head = "model.json";
    type Change = fn(&mut Value);
    let cases: [(&str, Change, &str); 20] = [
        (
            head,
            |head| head["plan"]["features"]["width"] = json!(7),
            "weights, expected 7",
        ),
        (
            "member-linear.json",
            |linear| drop(linear["weights"].as_array_mut().unwrap().pop()),
            "one a column of the features",
        ),
        (
            head,
            |head| block(head, "area", "Number")["scale"]["column"] = json!(4_000_000_000_u64),
            "feature \"area\": column 4000000000, expected one below",
        ),
        (
            head,
            |head| block(head, "area", "Number")["scale"]["column"] = json!(0),
            "feature \"area\": column 0 is taken twice",
        ),
        (
            head,
            |head| block(head, "floor", "Edge")["last"] = json!(99_999),
            "column 99999",
        ),
        (
            head,
            |head| block(head, "street", "LevelMeans")["column"] = json!(99_999),
            "column 99999",
        ),
        (
            head,
            |head| block(head, "city", "OneHot")["levels"]["city1"] = json!([99_999, 0.1]),
            "column 99999",
        ),
        (
            head,
            |head| {
                drop(
                    head["plan"]["features"]["blocks"]
                        .as_array_mut()
                        .unwrap()
                        .pop(),
                )
            },
            "no feature fills column",
        ),
        (
            head,
            |head| block(head, "area", "Number")["low"] = json!(1e9),
            "low, median and high are",
        ),
        (
            head,
            |head| block(head, "area", "Number")["low"] = json!(-1.0),
            "a logarithm from -1 on",
        ),
        (
            head,
            |head| block(head, "area", "Number")["scale"]["deviation"] = json!(0.0),
            "a deviation above 0",
        ),
        (
            head,
            |head| block(head, "city", "OneHot")["levels"]["city1"][1] = json!(-3.0),
            "has a share of -3",
        ),
        (
            head,
            |head| block(head, "street", "LevelMeans")["group"] = json!("country"),
            "\"country\" is not a feature of the schema",
        ),
        (
            head,
            |head| block(head, "floor", "Edge")["total"] = json!("city"),
            "\"city\" is of kind Category",
        ),
        (
            head,
            |head| head["plan"]["features"]["blocks"][0]["field"] = json!("price"),
            "\"price\" is not a feature of the schema",
        ),
        (
            head,
            |head| head["schema"]["key"] = json!("colour"),
            "names no field",
        ),
        (
            head,
            |head| head["schema"]["target"] = json!("city"),
            "is of kind Category",
        ),
        (
            head,
            |head| {
                let fields = head["schema"]["field"].as_array_mut().unwrap();
                fields.push(fields[3].clone());
            },
            "occurs twice",
        ),
        (
            head,
            |head| head["plan"]["quantile"] = json!(-0.1),
            "quantile -0.1",
        ),
        (
            "golden.json",
            |golden| *golden = json!([]),
            "no row, expected at least one",
        ),
    ];
    for (file, change, expected) in cases {
        let message = refusal(dir.path(), file, change);
        assert!(
            message.contains(expected),
            "{message} does not say {expected:?}"
        );
        assert!(message.contains("fit the model again"), "{message}");
    }
    sum_again(dir.path());
    Model::load(dir.path()).unwrap();
}
