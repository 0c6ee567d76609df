//! Files that are not what they should be, through the built program: an error that states where, what
//! was expected, what was found and what to do; or a version, and what was left out with its lines.

mod made;

use std::fs;
use std::path::Path;
use std::process::Command;

use made::{HEADER, command, csv, listing, output_text, run};

/// Bytes of a file, as a test makes them.
fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// Text in UTF-16, little-endian.
fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Good listings with something behind them.
fn with(rows: &[&[u8]]) -> Vec<u8> {
    let mut content = bytes(&csv(400));
    rows.iter().for_each(|row| {
        content.extend_from_slice(row);
        content.push(b'\n');
    });
    content
}

/// Listings whose cells are changed.
fn changed(count: usize, change: impl Fn(&mut [String; 8])) -> Vec<u8> {
    let mut text = format!("{HEADER}\n");
    for id in 0..count {
        let mut row = listing(id);
        change(&mut row);
        text.push_str(&format!("{}\n", row.join(",")));
    }
    bytes(&text)
}

/// Writes the file where the test may find it; a name that ends in `/` is a directory.
fn placed(home: &Path, name: &str, content: &[u8]) -> String {
    let path = home.join(name.trim_end_matches('/'));
    match name.ends_with('/') {
        true => fs::create_dir(&path).expect("directory"),
        false => fs::write(&path, content).expect("file"),
    }
    path.display().to_string()
}

fn contains_all(what: &str, printed: &str, parts: &[&str]) {
    for part in parts {
        assert!(
            printed.contains(part),
            "{what}: {printed}\ndoes not say {part:?}"
        );
    }
}

#[test]
fn what_cannot_be_learned_from_is_refused_with_its_place() {
    let twice = csv(300).replacen("area,price", "price,price", 1);
    let no_target = csv(300).replacen("price", "worth", 1);
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        (
            "empty.csv",
            vec![],
            &["empty.csv is empty; expected a header"],
        ),
        (
            "blank.csv",
            bytes("\u{feff}\n \n\r\n"),
            &["blank.csv is empty"],
        ),
        (
            "headless.csv",
            bytes("7.4,0.7,11\n7.8,0.9,25\n"),
            &[
                "headless.csv, line 1: expected a header, found only numbers (7.4, 0.7, 11)",
                "put a line with the columns' names above",
            ],
        ),
        (
            "header.csv",
            bytes(&csv(0)),
            &["found none in ", "header.csv: it has a header, but no rows"],
        ),
        (
            "noise.csv",
            vec![0xff, 0, 0x13, b'\n', 7, 7],
            &["noise.csv: expected delimited text"],
        ),
        (
            "packed.csv",
            vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3],
            &["cannot read ", "packed.csv"],
        ),
        (
            "listings.csv.gz",
            vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3],
            &["cannot read ", "listings.csv.gz"],
        ),
        (
            "packed.parquet",
            vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3],
            &["expected Apache Parquet, found gzip-compressed data: unpack it first"],
        ),
        (
            "sheet.csv",
            bytes("PK\x03\x04\x14"),
            &["found a ZIP archive or a spreadsheet"],
        ),
        (
            "columns.csv",
            bytes("PAR1\x15\x04\x15"),
            &["found Apache Parquet: name it .parquet"],
        ),
        (
            "rows.parquet",
            bytes(&csv(300)),
            &["rows.parquet is not valid Parquet"],
        ),
        ("none.parquet", vec![], &["none.parquet is empty"]),
        (
            "folder.csv/",
            vec![],
            &["folder.csv is a directory; expected a file such as .csv"],
        ),
        (
            "folder/",
            vec![],
            &["folder is a directory; expected a file such as .csv"],
        ),
        (
            "listings.doc",
            bytes("[]"),
            &["expected a file named .csv, .tsv, .txt, .json"],
        ),
        ("listings.json", bytes("[]"), &["found none in "]),
        (
            "broken.json",
            bytes("[{]"),
            &["broken.json is not valid JSON"],
        ),
        (
            "twice.csv",
            bytes(&twice),
            &[
                "columns 7 (\"price\") and 8 (\"price\") both stand for the field \"price\"",
                "rename",
            ],
        ),
        (
            "no_target.csv",
            bytes(&no_target),
            &[
                "found no price; the file's columns are: id, listed_at",
                "--schema",
            ],
        ),
        (
            "unpriced.csv",
            changed(300, |row| row[7].clear()),
            &[
                "found none: all 300 rows",
                "line 2: field \"price\" is missing",
            ],
        ),
        (
            "gaps.csv",
            changed(300, |row| row[4].clear()),
            &[
                "found none: all 300 rows",
                "line 2: field \"floor\" is missing",
            ],
        ),
        (
            "words.csv",
            changed(300, |row| row[6] = "large".to_owned()),
            &[
                "all 300 rows",
                "line 2: field \"area\" is the text \"large\"; expected a number",
            ],
        ),
        (
            "same.csv",
            changed(300, |row| row[7] = "5000000".to_owned()),
            &[
                "expected price to vary, found 5000000 in all of 240",
                "check what the source",
            ],
        ),
    ];
    for (name, content, parts) in cases {
        let home = tempfile::tempdir().expect("temporary directory");
        let file = placed(home.path(), name, &content);
        let registry = home.path().join("models");
        let output = run(&registry, &["--data", &file]);
        let (out, error) = output_text(&output);
        assert_eq!(output.status.code(), Some(1), "{name}: {out}{error}");
        assert_eq!(out, "", "{name}: nothing but the error");
        contains_all(name, &error, parts);
        assert!(!registry.exists(), "{name}: something was written");
    }
}

#[test]
fn what_is_left_out_is_counted_with_its_first_line() {
    let mut latin = bytes("bad,1700000000,Orl_ans,street1,3,2,50,1000000");
    latin[18] = 0xe9;
    let row = "bad,1700000000,city1,street1,3,2,50,1000000";
    let slip = "bad,1700000000,city1,street1,first,2,50,1000000";
    let mut open = bytes(&csv(300));
    open.extend(bytes("bad,\"1700000000,city1,street1,3,2,50,1000000\n"));
    open.extend(bytes(csv(400).split_once('\n').expect("a header").1));
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        (
            "marked",
            [bytes("\u{feff}"), with(&[])].concat(),
            &["schema: 0;"],
        ),
        (
            "blank lines",
            [bytes("\r\n\n"), with(&[b"", b""])].concat(),
            &["schema: 0;"],
        ),
        (
            "semicolons",
            bytes(&csv(400).replace(',', ";").replace('\n', "\r\n")),
            &["schema: 0;"],
        ),
        (
            "ragged",
            with(&[
                row.as_bytes(),
                b"short,1",
                slip.as_bytes(),
                b"1,2,3,4,5,6,7,8,9",
                b"x,y",
            ]),
            &[
                "rows rejected by the schema: 4;",
                "3 ragged, the first at line 403: the row has 2 cells; the header has 8",
                "1 wrong_type in floor, the first at line 404: field \"floor\" is the text \"first\"",
                "4 rows of",
            ],
        ),
        ("Latin-1 in a cell", with(&[&latin]), &["schema: 0;"]),
        (
            "Latin-1 in a cell of a file in UTF-8",
            with(&[
                "good,1700000000,Казань,street1,3,2,50,1000000".as_bytes(),
                &latin,
            ]),
            &[
                "1 invalid_text in city, the first at line 403",
                "is not UTF-8",
                "save the file as",
            ],
        ),
        (
            "UTF-16",
            [vec![0xff, 0xfe], utf16(&csv(400))].concat(),
            &["schema: 0;"],
        ),
        ("UTF-16 without its mark", utf16(&csv(400)), &["schema: 0;"]),
        (
            "an open quote",
            open,
            &[
                "1 ragged, the first at line 302: the row has 2 cells over 40",
                "is a quote left open?",
            ],
        ),
        (
            "a column without a value, and one that nobody knows twice",
            bytes(&csv(400).replace('\n', ",,a,b\n").replacen(
                ",,a,b",
                ",kitchen_area,note,note",
                1,
            )),
            &[
                "schema: 0;",
                "no row has a value for",
                "kitchen_area",
                "the fit ignores: note, note",
            ],
        ),
        (
            "the same listings twice",
            changed(0, |_| {})
                .into_iter()
                .chain((0..600).flat_map(|id| {
                    let mut row = listing(id / 2);
                    row[0] = format!("copy{id}");
                    row[1] = (1_700_000_000 + 3600 * id).to_string();
                    bytes(&format!("{}\n", row.join(",")))
                }))
                .collect(),
            &["schema: 0; left out of the fit: duplicate 240"],
        ),
    ];
    for (name, content, parts) in cases {
        let home = tempfile::tempdir().expect("temporary directory");
        let file = placed(home.path(), "listings.csv", &content);
        let output = run(&home.path().join("models"), &["--data", &file]);
        let (out, error) = output_text(&output);
        assert_eq!(output.status.code(), Some(0), "{name}: {out}{error}");
        contains_all(name, &format!("{out}{error}"), parts);
        assert!(out.contains("saved as v000001"), "{name}: {out}");
    }
}

/// The program's `schema infer`.
fn infer(file: &str, target: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_model-prepare"));
    let output = command
        .args(["schema", "infer", file, "--target", target])
        .output();
    let output = output.expect("runs");
    let (out, error) = output_text(&output);
    (output.status.code(), out, error)
}

#[test]
fn a_schema_is_not_proposed_for_what_is_no_table() {
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        (
            "empty.csv",
            vec![],
            &["empty.csv is empty; expected a header line"],
        ),
        (
            "headless.csv",
            bytes("7.4,0.7,11\n7.8,0.9,25\n"),
            &["line 1: expected a header, found only numbers"],
        ),
        (
            "header.csv",
            bytes("id,a,price\n"),
            &["has a header, but no records"],
        ),
        (
            "folder.csv/",
            vec![],
            &["folder.csv is a directory; expected a file such as .csv"],
        ),
        ("packed.csv", vec![0x1f, 0x8b, 8, 0], &["cannot read"]),
        (
            "columns.parquet",
            bytes("PAR1\x15"),
            &["columns.parquet is not valid Parquet"],
        ),
        (
            "ragged.csv",
            bytes("id,a,price\n1,2,3\n1,2\n2\n"),
            &["line 3: expected 3 cells, as in the header, found 2; so 2 of 3 rows"],
        ),
        (
            "dear.csv",
            bytes("id,a,price\n1,2,dear\n2,3,cheap\n"),
            &["expected numbers in the target \"price\", found \"dear\" at line 2; 0 of 2 cells"],
        ),
        (
            "other.csv",
            bytes("id,a,b\n1,2,3\n2,3,4\n"),
            &["has no column \"price\"; its columns are: id, a, b"],
        ),
        (
            "unpriced.csv",
            bytes("id,a,price\n1,2,\n2,3,\n"),
            &["expected values in the target \"price\", found none in 2 rows"],
        ),
        (
            "same.csv",
            bytes("id,a,price\n1,2,7\n2,3,7\n"),
            &["expected the target \"price\" to vary, found one value in all of 2 rows"],
        ),
    ];
    for (name, content, parts) in cases {
        let home = tempfile::tempdir().expect("temporary directory");
        let file = placed(home.path(), name, &content);
        let (code, out, error) = infer(&file, "price");
        assert_eq!((code, out.as_str()), (Some(1), ""), "{name}: {error}");
        contains_all(name, &error, parts);
    }
}

#[test]
fn a_schema_that_is_proposed_says_what_is_odd_and_reads_the_file() {
    let home = tempfile::tempdir().expect("temporary directory");
    let mut text = "\u{feff}\nname;Tons;Hull;colour;empty;Worth\n".to_owned();
    for id in 0..600 {
        let tons = 1.5 + f64::from(id % 90);
        let hull = if id == 100 {
            "unknown".to_owned()
        } else {
            (5 + id % 13).to_string()
        };
        let worth = match id {
            7 => "on request".to_owned(),
            // Not by the weight alone, which would be a leak.
            _ => format!(
                "{:.0}",
                900.0 * tons * [0.8, 1.0, 1.2, 1.4][id as usize % 4]
            ),
        };
        let name = ["Ada", "Bea", "Cleo"][id as usize % 3];
        text.push_str(&format!("{name};{tons};{hull};red;;{worth}\n"));
    }
    text.push_str("Dot;1\n");
    let file = placed(home.path(), "boats.csv", text.as_bytes());
    let (code, schema, error) = infer(&file, "Worth");
    assert_eq!(code, Some(0), "{error}");
    contains_all(
        "boats",
        &schema,
        &[
            "# 1 rows are left out, here and in training: line 603: expected 6 cells",
            "# No key: no column has another value in every row.",
            "task = \"regression\"",
            "\"empty\" has no value at all: left out",
            "\"colour\" has one value only: left out",
            "# Texts that stand for no value, and their cells: \"unknown\" (1).",
            "# 1 rows have no number here and will be refused, the first at line 10: \"on request\".",
        ],
    );
    let path = placed(home.path(), "boats.toml", schema.as_bytes());
    let registry = home.path().join("models");
    let output = command(&registry, &["--data", &file, "--schema", &path]).output();
    let (out, error) = output_text(&output.expect("runs"));
    contains_all(
        "boats",
        &format!("{out}{error}"),
        &[
            "rows rejected by the schema: 2;",
            "1 wrong_type in worth, the first at line 10",
            "1 ragged, the first at line 603",
            "saved as v000001",
        ],
    );
}

#[test]
fn a_unit_in_the_text_of_numbers_is_proposed_and_read() {
    let home = tempfile::tempdir().expect("temporary directory");
    let mut text = "vin,Run,tank,Asked\n".to_owned();
    for id in 0..400 {
        let run = 1000 + 37 * id;
        let run = match id {
            11 => "55,000 km".to_owned(),
            _ => format!("{},{:03} mi", run / 1000, run % 1000),
        };
        let tank = match id % 9 {
            0 => "--".to_owned(),
            step => format!("{}.5 gal", 10 + step),
        };
        let asked = 20_000 - 40 * id % 7000 + 500 * (id % 9);
        text.push_str(&format!(
            "v{id},\"{run}\",{tank},\"${},{:03}\"\n",
            asked / 1000,
            asked % 1000
        ));
    }
    let file = placed(home.path(), "cars.csv", text.as_bytes());
    let (code, schema, error) = infer(&file, "Asked");
    assert_eq!(code, Some(0), "{error}");
    contains_all(
        "cars",
        &schema,
        &[
            "missing = [\"--\"]",
            "name = \"run\"\nkind = \"integer\"\ncolumn = \"Run\"\nunit = \"mi\"",
            "# 1 row has the unit \"km\", which is refused: if it means \"mi\"",
            "name = \"tank\"\nkind = \"number\"\nunit = \"gal\"\n# 45 of 400 rows have none.",
            "name = \"asked\"\nkind = \"integer\"\ncolumn = \"Asked\"\nunit = \"$\"\nrequired = true",
        ],
    );
    let path = placed(home.path(), "cars.toml", schema.as_bytes());
    let registry = home.path().join("models");
    let output = command(&registry, &["--data", &file, "--schema", &path]).output();
    let (out, error) = output_text(&output.expect("runs"));
    contains_all(
        "cars",
        &format!("{out}{error}"),
        &[
            "rows rejected by the schema: 1;",
            "1 wrong_unit in run, the first at line 13",
            "saved as v000001",
        ],
    );
}
