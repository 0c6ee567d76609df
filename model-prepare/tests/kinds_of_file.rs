//! Eighteen kinds of file as people have them, made anew: the proposed schema takes every row without an edit.

mod made;

use std::fmt::Write as _;

use made::{output_text, program};
use records::{Kind, Schema};
use serde_json::Value;

const ROWS: usize = 120;

/// A kind of file: its name, its bytes, the flags, and the fields that must be of a kind.
struct File {
    what: &'static str,
    name: &'static str,
    bytes: Vec<u8>,
    flags: &'static [&'static str],
    kinds: &'static [(&'static str, Kind)],
}

/// A file of text by a header and a line for each row.
fn text(
    what: &'static str,
    header: &str,
    line: impl Fn(usize) -> String,
    flags: &'static [&'static str],
    kinds: &'static [(&'static str, Kind)],
) -> File {
    let mut text = if header.is_empty() {
        String::new()
    } else {
        format!("{header}\n")
    };
    (0..ROWS).for_each(|row| {
        let _ = writeln!(text, "{}", line(row));
    });
    File {
        what,
        name: "homes.csv",
        bytes: text.into_bytes(),
        flags,
        kinds,
    }
}

/// A price that rooms, an area and chance make: nothing tells it alone.
fn price(row: usize) -> usize {
    let chance = [3, 17, 8, 29, 11, 23, 5][row * row % 7] * 10_000;
    1_200_000 + (row * 37 % 90) * 4_000 + (row % 4) * 50_000 + chance
}

/// Digits in groups of three.
fn grouped(number: usize, mark: &str) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push_str(mark);
        }
        text.push(digit);
    }
    text
}

fn city(row: usize) -> &'static str {
    ["Kazan", "Perm", "Ufa"][row % 3]
}

const NUMBERS: &[(&str, Kind)] = &[("price", Kind::Integer)];

/// Currencies and marks between thousands.
fn numbers() -> Vec<File> {
    let semicolons = |what, cell: fn(usize) -> String| {
        let line = move |row| format!("a{row};{};{}", city(row), cell(row));
        text(what, "id;city;price", line, &[], &[])
    };
    vec![
        text(
            "plain numbers and ISO days",
            "id,listed,city,area,price",
            |row| {
                let (day, area) = (row % 28 + 1, 30 + row * 7 % 60);
                format!(
                    "a{row},2024-01-{day:02},{},{area},{}",
                    city(row),
                    price(row)
                )
            },
            &[],
            &[
                ("listed", Kind::Timestamp),
                ("area", Kind::Integer),
                ("price", Kind::Integer),
            ],
        ),
        semicolons("dots and €", |row| {
            format!("{} €", grouped(price(row), "."))
        }),
        semicolons("hard spaces and ₽", |row| {
            format!("{} ₽", grouped(price(row), "\u{a0}"))
        }),
        semicolons("apostrophes behind CHF", |row| {
            format!("CHF {}", grouped(price(row), "'"))
        }),
        semicolons("commas between thousands", |row| grouped(price(row), ",")),
        semicolons("a decimal comma", |row| format!("{},00", price(row))),
        semicolons("thousands as K", |row| format!("${}K", price(row) / 1000)),
        semicolons("Persian digits", |row| {
            let digits = price(row).to_string();
            let digits = digits
                .bytes()
                .map(|own| char::from_u32(0x06F0 + u32::from(own - b'0')).expect("a digit"));
            format!("{} تومان", digits.collect::<String>())
        }),
    ]
}

/// Texts that are numbers, dates and nothing.
fn texts() -> Vec<File> {
    vec![
        text(
            "rooms, leases and storeys in words",
            "id,size,lease,storey,price",
            |row| {
                let size = ["2 BHK", "4 Bedroom", "3 BHK"][row % 3];
                let lease = match row % 4 {
                    0 => "61 years".to_owned(),
                    _ => format!("{} years 0{} months", 60 + row % 9, row % 9),
                };
                let storey = ["01 TO 03", "04 TO 06"][row % 2];
                format!("a{row},{size},{lease},{storey},{}", price(row))
            },
            &[],
            NUMBERS,
        ),
        text(
            "marks of no value, and days before months",
            "id,lot,built,city,price",
            |row| {
                let lot = match row % 3 {
                    0 => "N/A".to_owned(),
                    _ => format!("{}.5", row % 70),
                };
                let built = match row % 5 {
                    0 => "N/A".to_owned(),
                    _ => format!("{}/11/2024", row % 28 + 1),
                };
                format!("a{row},{lot},{built},{},{}", city(row), price(row))
            },
            &[],
            &[("lot", Kind::Number), ("built", Kind::Timestamp)],
        ),
        text(
            "a copy out of PostgreSQL",
            "id,listed_at,city,price",
            |row| {
                let (day, second) = (row % 28 + 1, row % 60);
                format!(
                    "{row},2024-11-{day:02} 07:24:{second:02}.27+00,{},{}",
                    city(row),
                    price(row)
                )
            },
            &[],
            &[("listed_at", Kind::Timestamp)],
        ),
        text(
            "no header",
            "",
            |row| {
                format!(
                    "h{row},{},2024-08-{:02},{}",
                    price(row),
                    row % 28 + 1,
                    city(row)
                )
            },
            &["--target", "price", "--columns", "id,price,day,city"],
            &[("day", Kind::Timestamp)],
        ),
        text(
            "many columns with capitals, gaps and swapped roles",
            "Suburb,Rooms,Price,Date,Bedroom2,Landsize,BuildingArea",
            |row| {
                let building = match row % 3 {
                    0 => String::new(),
                    _ => (50 + row % 60).to_string(),
                };
                let (day, rooms, land) = (row % 28 + 1, row % 4 + 1, 100 + row % 90);
                format!(
                    "S{},{rooms},{},{day}/12/2016,{},{land},{building}",
                    row % 5,
                    price(row),
                    row % 4
                )
            },
            &["--target", "Price"],
            &[("date", Kind::Timestamp)],
        ),
    ]
}

/// Formats and character sets.
fn formats() -> Vec<File> {
    let plain = |row: usize, mark: char| format!("a{row}{mark}{}{mark}{}", city(row), price(row));
    let lines: Vec<String> = (0..ROWS)
        .map(|row| {
            format!(
                "{{\"id\": {row}, \"city\": \"{}\", \"price\": {}}}",
                city(row),
                price(row)
            )
        })
        .collect();
    let mut sixteen = vec![0xFF, 0xFE];
    let utf16 = text("", "id;city;price", |row| plain(row, ';'), &[], &[]);
    let utf16 = String::from_utf8(utf16.bytes).expect("text");
    sixteen.extend(utf16.encode_utf16().flat_map(u16::to_le_bytes));
    let (head, _, _) = encoding_rs::WINDOWS_1251.encode("Номер;Город;Цена\n");
    let mut cyrillic = head.into_owned();
    for row in 0..ROWS {
        let line = format!("н{row};{};{}\n", ["Казань", "Пермь"][row % 2], price(row));
        cyrillic.extend_from_slice(&encoding_rs::WINDOWS_1251.encode(&line).0);
    }
    vec![
        text(
            "Excel's separator line, decimal commas",
            "sep=;\nprice;published;area",
            |row| {
                let (day, area) = (row % 28 + 1, 40 + row % 70);
                format!("{};{day:02}.02.2018;{area},6", grouped(price(row), " "))
            },
            &[],
            &[("published", Kind::Timestamp), ("area", Kind::Number)],
        ),
        File {
            name: "homes.tsv",
            ..text(
                "tabs",
                "id\tcity\tprice",
                |row| plain(row, '\t'),
                &[],
                NUMBERS,
            )
        },
        File {
            what: "lines of JSON",
            name: "homes.jsonl",
            bytes: lines.join("\n").into_bytes(),
            flags: &[],
            kinds: NUMBERS,
        },
        File {
            what: "UTF-16",
            name: "homes.csv",
            bytes: sixteen,
            flags: &[],
            kinds: NUMBERS,
        },
        File {
            what: "windows-1251",
            name: "дома.csv",
            bytes: cyrillic,
            flags: &["--target", "Цена"],
            kinds: &[("tsena", Kind::Integer)],
        },
    ]
}

/// What is wrong with the proposal for a file; nothing where it takes every row.
fn trouble(file: &File) -> Option<String> {
    let home = tempfile::tempdir().expect("temporary directory");
    let path = home.path().join(file.name);
    std::fs::write(&path, &file.bytes).expect("file");
    let mut command = program();
    let command = command
        .args(["schema", "infer", "--json"])
        .arg(&path)
        .args(file.flags);
    let (out, error) = output_text(&command.output().expect("runs"));
    let proposal: Value = match serde_json::from_str(&out) {
        Ok(proposal) => proposal,
        Err(_) => return Some(error),
    };
    let text = proposal["schema"].as_str().unwrap_or_default();
    let schema = match Schema::parse(text, file.name) {
        Ok(schema) => schema,
        Err(error) => return Some(error.to_string()),
    };
    let account = &proposal["account"];
    if account["taken"] != ROWS || account["refused"] != serde_json::json!([]) {
        return Some(format!("{account}\n{text}"));
    }
    let target = schema
        .target
        .as_deref()
        .and_then(|target| schema.field(target));
    if !target.is_some_and(|own| matches!(own.kind, Kind::Number | Kind::Integer)) {
        return Some(format!("the target is not a number\n{text}"));
    }
    for (name, kind) in file.kinds {
        if schema.field(name).map(|field| field.kind) != Some(*kind) {
            return Some(format!("{name} is not {kind:?}\n{text}"));
        }
    }
    None
}

#[test]
fn every_kind_of_file_is_taken_whole_without_an_edit() {
    let files: Vec<File> = [numbers(), texts(), formats()]
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(files.len(), 18);
    let failed: Vec<String> = files
        .iter()
        .filter_map(|file| Some(format!("{}: {}", file.what, trouble(file)?)))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
