//! `price` goes on past a line that is no record, and says at its place what is wrong.

mod made;

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use made::{csv, listing, output_text, program, run};
use serde_json::{Value, json};

/// Prices of these lines by the champion.
fn price(registry: &Path, lines: &[String], flags: &[&str]) -> Output {
    let mut child = program()
        .arg("price")
        .args(flags)
        .arg("--registry")
        .arg(registry)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    // A program that has ended reads no more.
    let _ = input.write_all(lines.join("\n").as_bytes());
    drop(input);
    child.wait_with_output().expect("it ends")
}

fn record(id: usize) -> Value {
    let [key, _, city, street, floor, rooms, area, _] = listing(id);
    let number = |text: &str| text.parse::<i64>().expect("a number");
    json!({"id": key, "city": city, "street": street, "floor": number(&floor),
           "rooms": number(&rooms), "area": number(&area)})
}

#[test]
fn a_bad_line_gets_its_error_and_the_others_their_price() {
    let home = tempfile::tempdir().expect("temporary directory");
    let registry = home.path().join("models");
    let file = home.path().join("listings.csv");
    std::fs::write(&file, csv(600)).expect("file");
    let data = file.display().to_string();
    let effort = ["--data", &data, "--set", "prepare.effort=quick"];
    let trained = run(&registry, &effort);
    assert_eq!(
        trained.status.code(),
        Some(0),
        "{:?}",
        output_text(&trained)
    );

    let mut without_city = record(2);
    without_city
        .as_object_mut()
        .expect("a record")
        .remove("city");
    let lines = [
        record(1).to_string(),
        without_city.to_string(),
        "no JSON".to_owned(),
        record(3).to_string(),
    ];
    let priced = price(&registry, &lines, &[]);
    let (out, error) = output_text(&priced);
    assert_eq!(priced.status.code(), Some(0), "{out}\n{error}");
    assert!(error.contains("2 of 4 lines"), "{error}");
    let answers: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(answers.len(), 4, "{out}");
    for index in [0, 3] {
        assert!(answers[index]["prediction"].is_number(), "{out}");
        assert!(answers[index].get("error").is_none(), "{out}");
    }
    let refused = answers[1]["error"].as_str().expect("an error");
    assert!(refused.contains("city"), "{out}");
    assert!(
        answers[1]["code"].is_string() && answers[1].get("prediction").is_none(),
        "{out}"
    );
    let refused = answers[2]["error"].as_str().expect("an error");
    assert!(refused.contains("expected a JSON object"), "{out}");

    let alone = price(&registry, &[record(3).to_string()], &["--strict"]);
    let (out, error) = output_text(&alone);
    assert_eq!(alone.status.code(), Some(0), "{error}");
    let same: Value = serde_json::from_str(out.trim()).expect("JSON");
    assert_eq!(same, answers[3], "whatever stands beside it");
    let explained = price(&registry, &[record(3).to_string()], &["--explain", "3"]);
    let (out, error) = output_text(&explained);
    assert_eq!(explained.status.code(), Some(0), "{error}");
    let with: Value = serde_json::from_str(out.trim()).expect("JSON");
    assert_eq!(with["prediction"], answers[3]["prediction"]);
    let comparables = with["explanation"]["comparables"].as_array();
    let comparables = comparables.expect("comparables");
    assert_eq!(comparables.len(), 3, "{out}");
    for comparable in comparables {
        assert_ne!(comparable["id"], record(3)["id"], "{out}");
        for one in comparable["differences"].as_array().expect("differences") {
            let field = one["field"].as_str().expect("a field");
            assert_eq!(one["subject"], record(3)[field], "{out}");
            assert_ne!(one["value"], one["subject"], "{out}");
        }
    }
    let strict = price(&registry, &lines, &["--strict"]);
    let (_, error) = output_text(&strict);
    assert_eq!(strict.status.code(), Some(1), "{error}");
    assert!(error.contains("line 2"), "{error}");
}
