//! The same record through every way in that this crate has (a message, a CSV, packed or not, a line of
//! JSON, a spreadsheet, a Parquet file of texts and one of types) is the same row, bit for bit, or is refused for the same reason.

mod spreadsheet;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int8Array, Int64Array, RecordBatch, StringArray,
    UInt64Array,
};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;
use records::decode::Decoder;
use records::file::{FileReader, Texts};
use records::{Purpose, Reason, Schema};
use serde_json::{Value, json};
use spreadsheet::{row_of_texts, workbook};

/// Later than all times below.
const NOW_US: i64 = 1_790_000_000_000_000;

const SCHEMA: &str = r#"
name = "homes"
version = 1
task = "regression"
table = "homes"
key = "id"
time = "seen"
target = "price"
missing = ["--", "NA"]

[[field]]
name = "id"
kind = "text"
[[field]]
name = "seen"
kind = "timestamp"
[[field]]
name = "sold"
kind = "timestamp"
format = "%d/%m/%Y"
[[field]]
name = "city"
kind = "category"
max_length = 40
[[field]]
name = "rooms"
kind = "integer"
[[field]]
name = "area"
kind = "number"
unit = "m²"
[[field]]
name = "rent"
kind = "number"
decimal = ","
group = "."
unit = "€"
[[field]]
name = "lift"
kind = "boolean"
[[field]]
name = "plot"
kind = "number"
zero_is_missing = true
[[field]]
name = "price"
kind = "number"
required = true
unit = "₽"
"#;

fn schema() -> Schema {
    Schema::parse(SCHEMA, "homes").expect("valid")
}

/// What became of a record: its row, or why there is none.
type Row = Result<RecordBatch, Reason>;

fn message(record: &Value) -> Row {
    let mut decoder = Decoder::new(&schema(), Purpose::Listing);
    decoder.push(record.to_string().as_bytes(), NOW_US)?;
    Ok(decoder.finish().batch)
}

/// Reads a file of one record; its time is given, so that no arrival counts.
fn file(directory: &Path, name: &str, bytes: &[u8]) -> Row {
    let path = directory.join(name);
    std::fs::write(&path, bytes).expect("written");
    let mut reader = FileReader::open(&path, &schema(), Purpose::Listing).expect("opens");
    let read = reader.next_batch(10).expect("reads").expect("a record");
    match read.rejects.into_iter().next() {
        Some(reject) => Err(reject.reason),
        None => Ok(read.batch),
    }
}

fn csv(names: &[&str], cells: &[&str]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(names).expect("a header");
    writer.write_record(cells).expect("a line");
    writer.into_inner().expect("memory takes it")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).expect("memory takes it");
    packed.finish().expect("packed")
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).expect("batch");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("writer");
    writer.write(&batch).expect("writes");
    writer.close().expect("closes");
    bytes
}

/// The record of texts through all ways; they agree, and this is what they say.
fn texts(field: &str, text: &str) -> Row {
    let directory = tempfile::tempdir().expect("directory");
    let mut names = vec!["id", "seen", "price"];
    let mut cells = vec!["a", "2026-01-31T12:00:00Z", "1"];
    match names.iter().position(|name| *name == field) {
        Some(at) => cells[at] = text,
        None => {
            names.push(field);
            cells.push(text);
        }
    }
    let record: serde_json::Map<String, Value> = names
        .iter()
        .zip(&cells)
        .map(|(name, cell)| ((*name).to_owned(), json!(cell)))
        .collect();
    let record = Value::from(record);
    let columns = names.iter().zip(&cells).map(|(name, cell)| {
        (
            *name,
            Arc::new(StringArray::from_iter_values([cell])) as ArrayRef,
        )
    });
    let sent = message(&record);
    let at = directory.path();
    let line = format!("{record}\n").into_bytes();
    let sheet = row_of_texts(1, &names) + &row_of_texts(2, &cells);
    let plain = csv(&names, &cells);
    let packed = zstd::encode_all(&plain[..], 0).expect("packed");
    for (way, found) in [
        ("csv", file(at, "a.csv", &plain)),
        ("gzip", file(at, "a.csv.gz", &gzip(&plain))),
        ("zstd", file(at, "a.csv.zst", &packed)),
        ("spreadsheet", file(at, "a.xlsx", &workbook(&sheet))),
        ("json lines", file(at, "a.jsonl", &line)),
        ("json", file(at, "a.json", format!("[{record}]").as_bytes())),
        (
            "parquet",
            file(at, "a.parquet", &parquet(columns.collect())),
        ),
    ] {
        assert_eq!(sent, found, "{way}: {field} = {text:?}");
    }
    sent
}

fn value(row: &Row, field: &str) -> Value {
    let batch = row.as_ref().expect("a row");
    records::encode::to_json(batch, 0)
        .get(field)
        .cloned()
        .unwrap_or(Value::Null)
}

#[test]
fn a_text_means_the_same_everywhere() {
    for (field, text, expected) in [
        ("city", "Kazan ", json!("Kazan")),
        ("city", "\u{a0}Kazan\t", json!("Kazan")),
        ("city", "", Value::Null),
        ("city", "  ", Value::Null),
        ("city", " -- ", Value::Null),
        ("id", " a ", json!("a")),
        ("rooms", "3", json!(3)),
        ("rooms", " 3.0 ", json!(3)),
        ("rooms", "NA", Value::Null),
        ("rooms", "nan", Value::Null),
        (
            "rooms",
            "9007199254740993",
            json!(9_007_199_254_740_993_i64),
        ),
        ("area", "54,125.5 m²", json!(54_125.5)),
        ("area", "54.125", json!(54.125)),
        ("area", "۵۴", json!(54.0)),
        ("rent", "1.250,50 €", json!(1250.5)),
        ("rent", "450.000", json!(450_000.0)),
        ("lift", "1", json!(true)),
        ("lift", "No", json!(false)),
        ("lift", "0.0", json!(false)),
        ("plot", "0", Value::Null),
        ("plot", "7", json!(7.0)),
        ("price", "5 000 000 ₽", json!(5e6)),
        ("price", "5\u{202f}000\u{202f}000 ₽", json!(5e6)),
        ("price", "450.000,5", Value::Null),
        ("sold", "3/12/2016", json!("2016-12-03T00:00:00.000000Z")),
        ("sold", "1950-01-01", json!("1950-01-01T00:00:00.000000Z")),
        (
            "seen",
            "2026-05-01 10:00:00+03",
            json!("2026-05-01T07:00:00.000000Z"),
        ),
        ("seen", "1769860800", json!("2026-01-31T12:00:00.000000Z")),
    ] {
        let row = texts(field, text);
        match text {
            "450.000,5" => assert_eq!(row.expect_err("no number").code(), "wrong_type"),
            _ => assert_eq!(value(&row, field), expected, "{field} = {text:?}"),
        }
    }
}

#[test]
fn what_may_be_meant_in_two_ways_is_refused_everywhere() {
    let error = texts("price", "450.000 ₽").expect_err("450 or 450000");
    assert_eq!((error.code(), error.field()), ("wrong_type", Some("price")));
    let message = error.to_string();
    assert!(
        message.contains("may be 450 or 450000") && message.contains("group = \".\""),
        "{message}"
    );
    for (field, text, part) in [
        ("rooms", "1480000,00", "decimal comma"),
        ("plot", "15,000,000", "commas between thousands"),
        ("seen", "03/12/2016", "a time such as"),
        ("seen", "1998", "a time such as"),
        ("lift", "2", "true or false"),
        ("price", "", "is missing"),
        ("id", " ", "is missing"),
        ("city", &"x".repeat(41), "at most 40"),
    ] {
        let error = texts(field, text).expect_err(text).to_string();
        assert!(error.contains(part), "{error}");
    }
    // White space around it is not part of a text's length.
    assert!(texts("city", &format!(" {} ", "x".repeat(40))).is_ok());
}

/// A value of a typed source means what its text means.
#[test]
fn a_type_means_what_its_text_means() {
    let directory = tempfile::tempdir().expect("directory");
    let number = |value: f64| Arc::new(Float64Array::from(vec![value])) as ArrayRef;
    let whole = |value: i64| Arc::new(Int64Array::from(vec![value])) as ArrayRef;
    let cases: Vec<(&str, Value, ArrayRef, &str)> = vec![
        ("lift", json!(1), Arc::new(Int8Array::from(vec![1])), "1"),
        ("lift", json!(0.0), number(0.0), "0.0"),
        (
            "lift",
            json!(true),
            Arc::new(BooleanArray::from(vec![true])),
            "true",
        ),
        ("city", json!(7), whole(7), "7"),
        (
            "city",
            json!(false),
            Arc::new(BooleanArray::from(vec![false])),
            "false",
        ),
        ("rooms", json!(3.0), number(3.0), "3"),
        ("rooms", json!("3"), whole(3), "3"),
        ("plot", json!(0), number(0.0), "0"),
        (
            "id",
            json!(18_446_744_073_709_551_615_u64),
            Arc::new(UInt64Array::from(vec![u64::MAX])),
            "18446744073709551615",
        ),
        ("id", json!(5), number(5.0), "5"),
        ("sold", json!(20_161_203), whole(20_161_203), "20161203"),
    ];
    for (field, sent, column, text) in cases {
        let mut record = json!({"id": "a", "seen": "2026-01-31T12:00:00Z", "price": 1});
        record[field] = sent.clone();
        let time = Arc::new(StringArray::from(vec!["2026-01-31T12:00:00Z"])) as ArrayRef;
        let mut columns = vec![("seen", time), ("price", number(1.0))];
        if field != "id" {
            columns.push(("id", Arc::new(StringArray::from(vec!["a"]))));
        }
        columns.push((field, column));
        let by_message = message(&record);
        let by_file = file(directory.path(), "a.parquet", &parquet(columns));
        assert_eq!(by_message, by_file, "{field} = {sent}");
        assert_eq!(by_message, texts(field, text), "{field} = {sent}, {text:?}");
    }
}

#[test]
fn nan_is_no_value_everywhere() {
    let directory = tempfile::tempdir().expect("directory");
    let columns = |area: f64, price: f64| -> Vec<(&str, ArrayRef)> {
        vec![
            ("id", Arc::new(StringArray::from(vec!["a"])) as ArrayRef),
            (
                "seen",
                Arc::new(StringArray::from(vec!["2026-01-31"])) as ArrayRef,
            ),
            ("area", Arc::new(Float64Array::from(vec![area])) as ArrayRef),
            (
                "price",
                Arc::new(Float64Array::from(vec![price])) as ArrayRef,
            ),
        ]
    };
    let by_file = file(
        directory.path(),
        "a.parquet",
        &parquet(columns(f64::NAN, 1.0)),
    );
    let mut decoder = Decoder::new(&schema(), Purpose::Listing);
    let text =
        br#"{"id": "a", "seen": "2026-01-31", "area": NaN, "price": 1, "note": "NaN \" NaN"}"#;
    decoder.push(text, NOW_US).expect("NaN is no value");
    let by_message = decoder.finish().batch;
    assert_eq!(by_file.expect("a row"), by_message);
    assert!(by_message["area"].is_null(0));
    let error = file(
        directory.path(),
        "b.parquet",
        &parquet(columns(1.0, f64::NAN)),
    );
    assert_eq!(error.expect_err("required").code(), "missing_field");
    for bad in [
        &br#"{"id": "a", "price": NaN}"#[..],
        br#"{"id": "a", "price": Infinity}"#,
    ] {
        assert!(decoder.push(bad, NOW_US).is_err());
    }
    assert!(
        decoder
            .push(br#"{"id": "a", "price": 1, "area": Nan}"#, NOW_US)
            .is_err()
    );
}

#[test]
fn a_byte_order_mark_before_a_message_is_passed_over() {
    let text = r#"{"id": "a", "price": 1}"#;
    let mut decoder = Decoder::new(&schema(), Purpose::Listing);
    decoder.push(text.as_bytes(), NOW_US).expect("a row");
    let plain = decoder.finish().batch;
    let marked = format!("\u{feff}{text}");
    decoder.push(marked.as_bytes(), NOW_US).expect("a row");
    assert_eq!(decoder.finish().batch, plain);
    let key = records::decode::key_of_reject(&schema(), "\u{feff}{\"id\": \"a\"}".as_bytes());
    assert_eq!(key.map(|key| key.text).as_deref(), Some("a"));
}

#[test]
fn a_file_that_is_looked_at_has_the_texts_that_are_read() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("a.jsonl");
    let text =
        "{\"Price\": 450.125, \"city\": \"K\"}\n{\"city\": null, \"tags\": [1], \"Price\": NaN}\n";
    std::fs::write(&path, text).expect("written");
    let mut read = Texts::open(&path, &[]).expect("opens");
    assert_eq!(read.headers, ["Price", "city"]);
    assert!(
        read.notes
            .iter()
            .any(|note| note.contains("\"tags\" is nested")),
        "{:?}",
        read.notes
    );
    // Three decimals could be thousands, four cannot.
    let first = read.next_row().expect("reads").expect("a row");
    assert_eq!(first, (1, vec!["450.1250".to_owned(), "K".to_owned()]));
    let second = read.next_row().expect("reads").expect("a row");
    assert_eq!(second.1, ["", ""]);
    assert!(read.next_row().expect("reads").is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any text in any field: all ways take it for the same, or refuse it for the same.
    #[test]
    fn any_text_is_the_same_row_or_the_same_reason(
        field in "(id|seen|sold|city|rooms|area|rent|lift|plot|price)",
        text in "[-+.,0-9 €₽kKmM²/:TZ]{0,12}|[a-zA-Z ]{0,8}|\\PC{0,6}",
    ) {
        prop_assume!(!text.contains('\0'));
        // A record without its time has that of its arrival, which differs from way to way.
        prop_assume!(field != "seen" || !text.trim().is_empty());
        let _ = texts(&field, &text);
    }
}
