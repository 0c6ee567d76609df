//! Numbers with their unit in texts: the same in messages and in files, and never another number.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use proptest::prelude::*;
use records::decode::Decoder;
use records::file::Delimited;
use records::{Purpose, Reason, Schema, encode};
use serde_json::{Map, Value, json};

const SCHEMA: &str = r#"
name = "cars"
version = 1
task = "regression"
table = "cars"
key = "id"
target = "price"
missing = ["--", "N/A"]

[[field]]
name = "id"
kind = "text"

[[field]]
name = "make"
kind = "category"

[[field]]
name = "mileage"
kind = "integer"
unit = "mi"
spellings = ["mile", "miles"]
max = 2e6

[[field]]
name = "tank"
kind = "number"
unit = "gal"

[[field]]
name = "doors"
kind = "integer"

[[field]]
name = "price"
kind = "number"
required = true
unit = "$"
"#;

fn schema() -> Schema {
    Schema::parse(SCHEMA, "cars").expect("the schema is valid")
}

/// A record with one field set, decoded as a message.
fn message(field: &str, value: Value) -> Result<Map<String, Value>, Reason> {
    let mut record = json!({"id": "a", "price": 1.0});
    record[field] = value;
    let mut decoder = Decoder::new(&schema(), Purpose::Listing);
    decoder.push(record.to_string().as_bytes(), 0)?;
    Ok(encode::to_json(&decoder.finish().batch, 0))
}

/// The same as a line of a file.
fn line(field: &str, cell: &str) -> Result<Map<String, Value>, Reason> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let (header, cells) = match field {
        "price" => (vec!["id", "price"], vec!["a", cell]),
        field => (vec!["id", "price", field], vec!["a", "1", cell]),
    };
    writer.write_record(header).expect("a header");
    writer.write_record(cells).expect("a line");
    let text = writer.into_inner().expect("memory takes it");
    let mut reader = Delimited::new(&text[..], Path::new("x.csv"), &schema(), Purpose::Listing)
        .expect("the header fits");
    let read = reader.next_batch(1).expect("reads").expect("a line");
    match read.rejects.into_iter().next() {
        Some(reject) => Err(reject.reason),
        None => Ok(encode::to_json(&read.batch, 0)),
    }
}

/// As a message and as a line, which say the same.
fn both(field: &str, text: &str) -> Result<Map<String, Value>, Reason> {
    let (sent, filed) = (message(field, json!(text)), line(field, text));
    assert_eq!(sent, filed, "{field} {text:?}");
    sent
}

#[test]
fn a_unit_in_a_text_is_read_and_another_is_refused() {
    for (field, text, expected) in [
        ("mileage", "1,234 mi", json!(1234)),
        ("mileage", "1234 miles", json!(1234)),
        ("mileage", "1,234", json!(1234)),
        ("tank", "12.4 gal", json!(12.4)),
        ("price", "$12,500", json!(12500.0)),
        ("price", " 12500.5 $ ", json!(12500.5)),
    ] {
        assert_eq!(both(field, text).expect(text)[field], expected, "{text:?}");
    }
    let error = both("mileage", "1,234 km").expect_err("another unit");
    assert_eq!(
        (error.code(), error.field()),
        ("wrong_unit", Some("mileage"))
    );
    assert_eq!(
        error.to_string(),
        "field \"mileage\" is the text \"1,234 km\"; expected it in mi, such as \"12 mi\""
    );
    for (field, text, code) in [
        ("tank", "12.4 L", "wrong_unit"),
        ("tank", "12.4 GAL", "wrong_unit"),
        ("tank", "12,4 gal", "wrong_type"),
        ("tank", "full", "wrong_type"),
        ("mileage", "1.5 mi", "wrong_type"),
        ("mileage", "3,000,000 mi", "out_of_bounds"),
        ("doors", "4 doors", "wrong_type"),
    ] {
        let error = both(field, text).expect_err(text);
        assert_eq!(error.code(), code, "{text:?}: {error}");
    }
    // A text of digits is a number in a message as it is in a file.
    assert_eq!(both("doors", "4").expect("a number")["doors"], json!(4));
}

#[test]
fn what_stands_for_no_value_is_none() {
    for (field, text) in [
        ("mileage", ""),
        ("mileage", " "),
        ("mileage", "--"),
        ("tank", "N/A"),
        ("make", "--"),
        ("doors", "--"),
    ] {
        assert!(
            !both(field, text).expect(text).contains_key(field),
            "{field}"
        );
    }
    let error = both("price", "--").expect_err("it is required");
    assert_eq!(error.code(), "missing_field");
    let kept = both("make", "—").expect("a name");
    assert_eq!(kept["make"], "—", "not among the marks");
}

/// Commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

proptest! {
    #[test]
    fn what_is_written_with_a_unit_comes_back(
        number in 0_u64..2_000_000, unit in "|mi|mile|miles", apart in "| |  ", is_grouped: bool,
    ) {
        let digits = if is_grouped { grouped(number) } else { number.to_string() };
        let record = both("mileage", &format!("{digits}{apart}{unit}")).expect("a mileage");
        prop_assert_eq!(&record["mileage"], &json!(number));
    }

    #[test]
    fn decimals_come_back_to_the_bit(value in -1e9_f64..1e9) {
        let record = both("tank", &format!("{value} gal")).expect("a number");
        prop_assert_eq!(record["tank"].as_f64().expect("a number").to_bits(), value.to_bits());
    }

    #[test]
    fn any_text_is_a_number_none_or_a_reason(text in "[-+.,0-9 a-z$%]{0,12}|\\PC{0,12}") {
        let mut decoder = Decoder::new(&schema(), Purpose::Listing);
        let record = json!({"id": "a", "price": 1.0, "mileage": text.as_str(), "tank": text.as_str()});
        match decoder.push(record.to_string().as_bytes(), 0) {
            Err(reason) => prop_assert!(reason.field().is_some()),
            Ok(()) => {
                let batch = decoder.finish().batch;
                let whole = batch["mileage"].as_primitive::<Int64Type>().iter().next().flatten();
                let number = batch["tank"].as_primitive::<Float64Type>().iter().next().flatten();
                // Taken for both, it is the same number for both, and one with a digit in it.
                prop_assert_eq!(whole.map(|whole| whole as f64), number);
                let has_digit = text.chars().any(|letter| records::measure::digit(letter).is_some());
                prop_assert_eq!(number.is_some(), has_digit);
            }
        }
    }
}
