//! Kinds of file as people have them, made anew: the proposed schema takes every row without an edit. The first
//! eighteen are those of public files; `bench/files` makes the same.

mod made;
#[path = "../../records/tests/spreadsheet/mod.rs"]
mod spreadsheet;

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};

use made::{output_text, program};
use parquet::arrow::ArrowWriter;
use records::{Kind, Schema};
use serde_json::Value;
use spreadsheet::{archive, row_of_texts, workbook};

const ROWS: usize = 120;

/// A kind of file: its name, its bytes, the flags, and the fields that must be of a kind.
struct File {
    what: &'static str,
    name: &'static str,
    bytes: Vec<u8>,
    flags: &'static [&'static str],
    kinds: &'static [(&'static str, Kind)],
}

impl File {
    /// The same under another name.
    fn named(self, name: &'static str) -> File {
        File { name, ..self }
    }
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

/// Packed files, spreadsheets and Parquet.
fn packed() -> Vec<File> {
    let plain = text(
        "",
        "id,city,price",
        |row| format!("a{row},{},{}", city(row), price(row)),
        &[],
        &[],
    );
    let file = |what, name, bytes| File {
        what,
        name,
        bytes,
        flags: &[],
        kinds: NUMBERS,
    };
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain.bytes).expect("memory takes it");
    let sheet: String = (0..ROWS)
        .map(|row| {
            let (id, price) = (format!("a{row}"), format!("{} €", grouped(price(row), ".")));
            row_of_texts(row + 4, &[&id, city(row), &price])
        })
        .collect();
    let title = row_of_texts(1, &["Our homes"]) + &row_of_texts(3, &["id", "city", "price"]);
    let texts = |text: fn(usize) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values((0..ROWS).map(text)))
    };
    let prices = (0..ROWS).map(|row| i64::try_from(price(row)).expect("a small number"));
    let batch = RecordBatch::try_from_iter([
        ("id", texts(|row| format!("a{row}"))),
        ("Город", texts(|row| city(row).to_owned())),
        (
            "price",
            Arc::new(Int64Array::from_iter_values(prices)) as ArrayRef,
        ),
    ])
    .expect("columns of one length");
    let mut parquet = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut parquet, batch.schema(), None).expect("writer");
    writer.write(&batch).expect("memory takes it");
    writer.close().expect("memory takes it");
    vec![
        file("gzip", "homes.csv.gz", gzip.finish().expect("packed")),
        file(
            "zstd",
            "homes.csv.zst",
            zstd::encode_all(&plain.bytes[..], 0).expect("packed"),
        ),
        file(
            "a spreadsheet below a title",
            "homes.xlsx",
            workbook(&(title + &sheet)),
        ),
        file("Parquet", "homes.parquet", parquet),
    ]
}

/// What programs and people add to a table.
fn trappings() -> Vec<File> {
    let plain = |row: usize| format!("a{row},{},{}", city(row), price(row));
    let records: Vec<String> = (0..ROWS)
        .map(|row| {
            format!(
                "{{\"id\": \"a{row}\", \"city\": \"{}\", \"price\": {}}}",
                city(row),
                price(row)
            )
        })
        .collect();
    vec![
        text(
            "a title above",
            "Our homes\n\nid,city,price",
            plain,
            &[],
            NUMBERS,
        ),
        text(
            "comments above",
            "# made in 2024\nid,city,price",
            plain,
            &[],
            NUMBERS,
        ),
        text(
            "a separator at the end of each record",
            "id,city,price",
            |row| plain(row) + ",",
            &[],
            NUMBERS,
        ),
        File {
            what: "a JSON document",
            name: "homes.json",
            bytes: format!(
                "{{\"count\": {ROWS}, \"results\": [\n{}\n]}}",
                records.join(",\n")
            )
            .into_bytes(),
            flags: &[],
            kinds: NUMBERS,
        },
        text(
            "words for no value, and sizes that are 0",
            "id,lot,area,listed,price",
            |row| {
                let lot = if row % 6 == 0 {
                    "unknown".to_owned()
                } else {
                    format!("{}.5", row % 70)
                };
                let area = if row % 9 == 0 { 0 } else { 30 + row * 7 % 60 };
                let listed = match row % 40 {
                    0 => "0000-00-00".to_owned(),
                    _ => format!("2024-01-{:02}", row % 28 + 1),
                };
                format!("a{row},{lot},{area},{listed},{}", price(row))
            },
            &[],
            &[
                ("lot", Kind::Number),
                ("area", Kind::Integer),
                ("listed", Kind::Timestamp),
            ],
        ),
        text(
            "months in Russian, and millions with a decimal comma",
            "ид;дата публикации;площадь;цена",
            |row| {
                let month = ["января", "марта", "мая"][row % 3];
                let millions = format!("{:.3}", price(row) as f64 / 1e6).replace('.', ",");
                format!(
                    "a{row};{} {month} 2023;{},5 кв.м;{millions} млн руб.",
                    row % 28 + 1,
                    30 + row % 60
                )
            },
            &[],
            &[
                ("data_publikatsii", Kind::Timestamp),
                ("ploshchad", Kind::Number),
            ],
        ),
        text(
            "rents a month",
            "id,town,rent",
            |row| {
                format!(
                    "a{row},{},\"£{} pcm\"",
                    city(row),
                    grouped(price(row) / 1000, ",")
                )
            },
            &[],
            &[("rent", Kind::Integer)],
        ),
        text(
            "ten thousands",
            "编号,城市,面积,总价",
            |row| {
                format!(
                    "a{row},{},{}㎡,{}万",
                    city(row),
                    30 + row * 7 % 60,
                    price(row) / 10_000
                )
            },
            &[],
            &[("mian_ji", Kind::Integer), ("zong_jia", Kind::Integer)],
        ),
        text(
            "prices that end in a dash",
            "id;plaats;woonoppervlakte;vraagprijs",
            |row| {
                format!(
                    "a{row};{};{} m²;€ {},-",
                    city(row),
                    30 + row * 7 % 60,
                    grouped(price(row), ".")
                )
            },
            &[],
            &[("vraagprijs", Kind::Integer)],
        ),
    ]
}

/// Separators, quotes and archives that fewer programs write.
fn rarer() -> Vec<File> {
    let plain = |row: usize, mark: &str| {
        let (city, price) = (city(row), price(row));
        format!("a{row}{mark}{city}{mark}{price}")
    };
    let pretty = |row: usize| {
        let (city, price) = (city(row), price(row));
        format!("{{\n \"id\": \"a{row}\",\n \"city\": \"{city}\",\n \"price\": {price}\n}}")
    };
    let commas = text("", "id,city,price", |row| plain(row, ","), &[], &[]);
    let commas = String::from_utf8(commas.bytes).expect("text");
    vec![
        text(
            "tildes",
            "id~city~price",
            move |row| plain(row, "~"),
            &[],
            NUMBERS,
        ),
        text(
            "spaces that line cells up",
            "id      city      price",
            |row| format!("{:<8}{:<10}{}", format!("a{row}"), city(row), price(row)),
            &[],
            NUMBERS,
        ),
        text(
            "spaces and single quotes",
            "id area city price",
            |row| {
                format!(
                    "a{row} {}.5 '{} old' {}",
                    30 + row % 60,
                    city(row),
                    price(row)
                )
            },
            &[],
            NUMBERS,
        ),
        text(
            "single quotes around separators",
            "id;city;price",
            |row| format!("a{row};'{}; RU';{}", city(row), price(row)),
            &[],
            NUMBERS,
        ),
        text(
            "numbers of rows without a name",
            "city,price",
            |row| format!("{},{},{}", row + 1, city(row), price(row)),
            &[],
            NUMBERS,
        ),
        text("JSON over several lines", "", pretty, &[], NUMBERS).named("homes.jsonl"),
        File {
            what: "one file in an archive",
            name: "homes.zip",
            bytes: archive(&[
                ("README.txt", "made by hand".to_owned()),
                ("data/homes.csv", commas),
            ]),
            flags: &[],
            kinds: NUMBERS,
        },
    ]
}

/// Texts whose plain reading would be wrong by a factor, a century, or a name.
fn misleading() -> Vec<File> {
    let semicolons = |what, cell: fn(usize) -> String| {
        let line = move |row| format!("a{row};{};{}", city(row), cell(row));
        text(what, "id;city;price", line, &[], NUMBERS)
    };
    fn millions(row: usize) -> String {
        format!("{:.2}", price(row) as f64 / 1e6)
    }
    fn thousands(row: usize) -> usize {
        price(row) / 2_000
    }
    vec![
        semicolons("millions as m beside k", |row| match row % 3 {
            0 => format!("£{}k", thousands(row)),
            _ => format!("£{}m", millions(row)),
        }),
        semicolons("milhões and mil", |row| match row % 3 {
            0 => format!("R$ {} mil", thousands(row)),
            1 => format!("R$ {} mi", millions(row).replace('.', ",")),
            _ => format!("R$ {} milhões", millions(row).replace('.', ",")),
        }),
        semicolons("mil. and tis.", |row| match row % 3 {
            0 => format!("{} tis. Kč", thousands(row)),
            _ => format!("{} mil. Kč", millions(row).replace('.', ",")),
        }),
        text(
            "dots between thousands beside smaller numbers",
            "id,area,rent",
            |row| {
                let rent = match row % 3 {
                    0 => (500 + row * 7 % 480).to_string(),
                    _ => format!("{}.{}", 1 + row % 3, 101 + row * 37 % 890),
                };
                format!("a{row},{}.5,{rent}", 30 + row % 60)
            },
            &[],
            &[("rent", Kind::Integer), ("area", Kind::Number)],
        ),
        text(
            "a mark that is a name elsewhere",
            "id,kitchen,garage,price",
            |row| {
                let kitchen = match row % 9 {
                    0 => "none".to_owned(),
                    _ => (5 + row % 12).to_string(),
                };
                let garage = ["none", "attached", "built-in"][row % 3];
                format!("a{row},{kitchen},{garage},{}", price(row))
            },
            &[],
            &[("kitchen", Kind::Integer), ("garage", Kind::Category)],
        ),
        text(
            "the digits of a time",
            "id,listed_at,price",
            |row| {
                let (day, minute) = (row % 28 + 1, row % 60);
                format!("a{row},202401{day:02}10{minute:02}30,{}", price(row))
            },
            &[],
            &[("listed_at", Kind::Timestamp)],
        ),
        text(
            "a floor of so many",
            "id,floor,price",
            |row| format!("a{row},{}/{},{}", row % 9 + 1, 9 + row % 3, price(row)),
            &[],
            &[("floor", Kind::Integer)],
        ),
        text(
            "times to come",
            "id,ready_on,price",
            |row| format!("a{row},209{}-0{}-01,{}", row % 6, row % 9 + 1, price(row)),
            &[],
            &[("ready_on", Kind::Timestamp)],
        ),
        text(
            "years of another calendar",
            "id,date,price",
            |row| {
                format!(
                    "a{row},140{}/{:02}/{:02},{}",
                    row % 4,
                    row % 6 + 1,
                    row % 31 + 1,
                    price(row)
                )
            },
            &[],
            &[("date", Kind::Text)],
        ),
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
    let public = [numbers(), texts(), formats()];
    assert_eq!(public.iter().map(Vec::len).sum::<usize>(), 18);
    let files: Vec<File> = public
        .into_iter()
        .chain([packed(), trappings(), rarer(), misleading()])
        .flatten()
        .collect();
    let failed: Vec<String> = files
        .iter()
        .filter_map(|file| Some(format!("{}: {}", file.what, trouble(file)?)))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
