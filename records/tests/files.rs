//! Files as people have them: character sets, separators, headers, packed, spreadsheets, JSON, Parquet types.

mod spreadsheet;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow_array::types::Int8Type;
use arrow_array::{
    ArrayRef, BinaryArray, Date64Array, Decimal128Array, DictionaryArray, Float64Array, Int64Array,
    ListArray, NullArray, RecordBatch, TimestampNanosecondArray,
};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel};
use parquet::file::properties::WriterProperties;
use records::file::{FileError, FileReader, Texts};
use records::{Purpose, Schema, encode};
use serde_json::{Map, Value, json};
use spreadsheet::{archive, workbook};

const SCHEMA: &str = "name='x'\nversion=1\ntask='regression'\ntable='x'\nkey='id'\ntarget='price'\n\
    [[field]]\nname='id'\nkind='text'\n[[field]]\nname='city'\nkind='category'\ncolumn='Город'\n\
    [[field]]\nname='area'\nkind='number'\n[[field]]\nname='price'\nkind='number'\n";

fn schema() -> Schema {
    Schema::parse(SCHEMA, "x").expect("valid")
}

fn read_by(
    schema: &Schema,
    name: &str,
    bytes: &[u8],
) -> Result<Vec<Map<String, Value>>, FileError> {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).expect("written");
    let mut reader = FileReader::open(&path, schema, Purpose::Listing)?;
    let mut rows = Vec::new();
    while let Some(read) = reader.next_batch(100)? {
        assert!(read.rejects.is_empty(), "{name}: {:?}", read.rejects);
        rows.extend((0..read.batch.num_rows()).map(|row| encode::to_json(&read.batch, row)));
    }
    Ok(rows)
}

fn read(name: &str, bytes: &[u8]) -> Vec<Map<String, Value>> {
    read_by(&schema(), name, bytes).unwrap_or_else(|error| panic!("{name}: {error}"))
}

const TEXT: &str = "id;Город;area;price\na;Казань;44;1000\nb;Набережные Челны;29;2000\n";

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).expect("packed");
    packed.finish().expect("packed")
}

#[test]
fn a_text_is_read_in_the_character_set_that_it_is_in() {
    let (cyrillic, _, _) = encoding_rs::WINDOWS_1251.encode(TEXT);
    let marked = format!("\u{feff}{TEXT}");
    for (what, bytes) in [
        ("UTF-8", TEXT.as_bytes().to_vec()),
        ("UTF-8 with its mark", marked.clone().into_bytes()),
        ("UTF-16", utf16(&marked, u16::to_le_bytes)),
        (
            "UTF-16, the other end first",
            utf16(&marked, u16::to_be_bytes),
        ),
        (
            "UTF-16 without its mark",
            utf16(
                &TEXT
                    .replace("Город", "city")
                    .replace("Казань", "Kazan")
                    .replace("Набережные Челны", "Perm"),
                u16::to_le_bytes,
            ),
        ),
        ("windows-1251", cyrillic.into_owned()),
        ("gzip", gzip(TEXT.as_bytes())),
        (
            "zstd",
            zstd::encode_all(TEXT.as_bytes(), 0).expect("packed"),
        ),
    ] {
        let rows = read("a.csv", &bytes);
        assert_eq!(rows.len(), 2, "{what}");
        let is_kazan = [json!("Казань"), json!("Kazan")].contains(&rows[0]["city"]);
        assert!(is_kazan && rows[1]["price"] == 2000.0, "{what}: {rows:?}");
    }
    let (chinese, _, _) = encoding_rs::GBK
        .encode("id,Город,area,price\na,北京市朝阳区的房子,44,1000\nb,上海市浦东新区,29,2000\n");
    // GBK has Cyrillic letters too.
    assert_eq!(read("a.csv", &chinese)[0]["city"], "北京市朝阳区的房子");
    let latin: Vec<u8> = "id,Город,price\na,Besan\u{e7}on caf\u{e9} Orl\u{e9}ans,1\n"
        .replace("Город", "city")
        .chars()
        .map(|letter| letter as u8)
        .collect();
    assert_eq!(read("a.csv", &latin)[0]["city"], "Besançon café Orléans");
    assert_eq!(read("a.csv.gz", &gzip(TEXT.as_bytes())).len(), 2);
    assert_eq!(read("a.gz", &gzip(TEXT.as_bytes())).len(), 2);
}

#[test]
fn letters_of_older_character_sets_are_refused_rather_than_garbled() {
    // Besançon, Orléans, Nîmes, Château, François, Hôtel: of DOS, and of the Macintosh.
    let dos = b"id;city;price\na;Besan\x87on, Orl\x82ans;1\nb;N\x8cmes, Ch\x83teau;2\n\
        c;Fran\x87ois, \x90v\x88ch\x82;3\nd;H\x93tel de ville;4\n";
    let macintosh = b"id;city;price\na;Besan\x8don, Orl\x8eans;1\nb;N\x94mes, Ch\x89teau;2\n\
        c;Fran\x8dois, \x83v\x90ch\x8e;3\nd;H\x99tel de ville;4\n";
    for text in [&dos[..], macintosh] {
        let error = read_by(&schema(), "a.csv", text).expect_err("refused");
        let error = error.to_string();
        assert!(error.contains("older character set"), "{error}");
        assert!(error.contains("save it as UTF-8"), "{error}");
    }
    let western = b"id;city;price\na;Besan\xe7on \x80 l\x92Isle \x8cuvre;1\n";
    assert_eq!(read("a.csv", western)[0]["city"], "Besançon € l’Isle Œuvre");
}

#[test]
fn headers_and_separators_are_told_by_cells() {
    for (text, price) in [
        ("sep=;\nid;area;price\na;1;5\n", 5.0),
        ("id;\"area, m, sq\";price\na;1;5\nb;2;6\n", 5.0),
        ("id|price\na|5\n", 5.0),
        ("id\tprice\na\t5\n", 5.0),
        // Files that were joined have their header again.
        ("id,price\na,5\nid,price\nb,6\n", 5.0),
    ] {
        let rows = read("a.csv", text.as_bytes());
        assert!(
            rows.len() <= 2 && rows[0]["price"] == price,
            "{text:?}: {rows:?}"
        );
    }
    let by = |columns: &str| {
        Schema::parse(
            &SCHEMA.replace("key='id'", &format!("key='id'\ncolumns={columns}")),
            "x",
        )
        .expect("valid")
    };
    let rows = read_by(&by("['id','price']"), "a.csv", b"a,5\nb,6\n").expect("reads");
    assert_eq!((rows.len(), &rows[0]["id"]), (2, &json!("a")));
    let rows = read_by(&by("['id','price']"), "a.csv", b"id,price\nb,6\n").expect("reads");
    assert_eq!(rows.len(), 1, "a header all the same");
    let error =
        read_by(&schema(), "a.csv", b"a,5,2022-02-25\nb,6,2022-02-26\n").expect_err("no header");
    assert!(
        error.to_string().contains("what looks like a record"),
        "{error}"
    );
}

#[test]
fn a_header_that_comes_twice_is_told_apart_or_refused() {
    let error = read_by(&schema(), "a.csv", b"id,price,price\na,1,2\n").expect_err("which?");
    assert!(
        error
            .to_string()
            .contains("both stand for the field \"price\""),
        "{error}"
    );
    let second = SCHEMA.replace("name='area'\n", "name='area'\ncolumn='price (2)'\n");
    let second = Schema::parse(&second, "x").expect("valid");
    let rows = read_by(&second, "a.csv", b"id,price,price\na,1,2\n").expect("reads");
    assert_eq!(
        (&rows[0]["price"], &rows[0]["area"]),
        (&json!(1.0), &json!(2.0))
    );
    // A header that is the field's to the letter goes before one that has its name.
    let exact = SCHEMA.replace("name='area'\n", "name='area'\ncolumn='Area'\n");
    let exact = Schema::parse(&exact, "x").expect("valid");
    let rows = read_by(&exact, "a.csv", b"id,price,area,Area\na,1,2,3\n").expect("reads");
    assert_eq!(rows[0]["area"], 3.0);
}

#[test]
fn json_is_read_as_messages_are() {
    let lines = "{\"id\": 1, \"Город\": \" K \", \"price\": \"5\"}\n\n{\"id\": 2, \"price\": 6, \"area\": NaN}\n";
    let array = "\u{feff} [{\"id\": 1, \"Город\": \"K\", \"price\": 5}, {\"id\": 2, \"price\": 6, \"area\": NaN}]";
    for (name, text) in [
        ("a.jsonl", lines),
        ("a.ndjson", lines),
        ("a.json", array),
        ("b.json", lines),
    ] {
        let rows = read(name, text.as_bytes());
        assert_eq!(rows.len(), 2, "{name}");
        assert_eq!(
            (&rows[0]["id"], &rows[0]["city"], &rows[1]["price"]),
            (&json!("1"), &json!("K"), &json!(6.0))
        );
    }
    assert_eq!(read("a.jsonl.gz", &gzip(lines.as_bytes())).len(), 2);
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("a.jsonl");
    std::fs::write(
        &path,
        "{\"id\": 1, \"price\": 5}\n{\"id\": 2\n{\"id\": 3, \"price\": 5}\n",
    )
    .expect("written");
    let mut reader = FileReader::open(&path, &schema(), Purpose::Listing).expect("opens");
    let batch = reader.next_batch(10).expect("reads").expect("rows");
    assert_eq!((batch.lines, batch.rejects[0].line), (vec![1, 3], 2));
}

#[test]
fn a_table_is_read_below_its_title_and_despite_what_programs_add() {
    for (what, text) in [
        ("a title", format!("Our homes, 2024\n\n{TEXT}")),
        ("a title in a table", format!("Our homes;;;\r\n{TEXT}")),
        (
            "comments",
            format!("# made by hand\n# in 2024; \"x\n{TEXT}"),
        ),
        ("Excel's line", format!("sep=;\n{TEXT}")),
        ("separators at the ends", TEXT.replace("000\n", "000;\n")),
        ("blank lines", TEXT.replace('\n', "\n\n")),
    ] {
        let rows = read("a.csv", text.as_bytes());
        assert_eq!(rows.len(), 2, "{what}: {rows:?}");
        let is_whole = rows[0]["city"] == "Казань" && rows[1]["price"] == 2000.0;
        assert!(is_whole, "{what}: {rows:?}");
    }
    let escaped = "id,city,price\na,\"the \\\"old\\\" town, west\",1\nb,\"x \\\"y\\\", z\",2\n";
    let rows = read("a.csv", escaped.as_bytes());
    assert_eq!(rows[0]["city"], "the \"old\" town, west");
    // The line of a record stays that of the file.
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("a.csv");
    std::fs::write(&path, format!("Our homes\n\n{TEXT}")).expect("written");
    let mut reader = FileReader::open(&path, &schema(), Purpose::Listing).expect("opens");
    let read = reader.next_batch(10).expect("reads").expect("records");
    assert_eq!(read.lines, [4, 5]);
    let texts = Texts::open(&path, &[]).expect("opens");
    assert!(
        texts.notes.iter().any(|note| note.contains("Our homes")),
        "{:?}",
        texts.notes
    );
}

#[test]
fn a_json_document_has_its_records_inside() {
    for (name, text) in [
        (
            "data.json",
            "{\"count\": 2, \"data\": [{\"id\":\"a\",\"city\":\"Kazan\",\"price\":1},\n {\"id\":\"b\",\"area\":NaN,\"price\":2}]}",
        ),
        (
            "columns.json",
            "{\"id\":{\"0\":\"a\",\"1\":\"b\"},\"city\":{\"0\":\"Kazan\",\"1\":null},\"price\":{\"0\":1,\"1\":2}}",
        ),
        (
            "pretty.json",
            "{\n  \"items\": [\n    {\"id\": \"a\", \"city\": \"Kazan\", \"price\": 1},\n    {\"id\": \"b\", \"price\": 2}\n  ]\n}\n",
        ),
        (
            "lines.json",
            "{\"id\":\"a\",\"city\":\"Kazan\",\"price\":1}\n{\"id\":\"b\",\"price\":2}\n",
        ),
        (
            "one after the other.json",
            "{\"id\":\"a\",\"city\":\"Kazan\",\"price\":1}{\"id\":\"b\",\"price\":2}",
        ),
        (
            "over several lines.jsonl",
            "{\n \"id\": \"a\",\n \"city\": \"Kazan\",\n \"price\": 1\n}\n{\n \"id\": \"b\",\n \"price\": 2\n}\n",
        ),
        (
            "deep.json",
            "{\"response\":{\"found\":2,\"docs\":[{\"id\":\"a\",\"city\":\"Kazan\",\"price\":1},{\"id\":\"b\",\"price\":2}]}}",
        ),
        (
            "lists.json",
            "{\"id\":[\"a\",\"b\"],\"city\":[\"Kazan\",null],\"price\":[1,2]}",
        ),
        (
            "arrays.json",
            "[[\"id\",\"city\",\"price\"],[\"a\",\"Kazan\",1],[\"b\",null,2]]",
        ),
    ] {
        let rows = read(name, text.as_bytes());
        assert_eq!(rows.len(), 2, "{name}: {rows:?}");
        assert_eq!(
            (&rows[0]["city"], &rows[0]["price"]),
            (&json!("Kazan"), &json!(1.0)),
            "{name}"
        );
        assert_eq!(
            (rows[1].get("city"), &rows[1]["price"]),
            (None, &json!(2.0)),
            "{name}"
        );
    }
    let one = "{\"id\":\"a\",\"price\":1,\"photos\":[{\"id\":\"x\"}]}";
    assert_eq!(read("one.json", one.as_bytes())[0]["id"], "a");
}

#[test]
fn an_archive_has_one_file_of_listings() {
    let part = |name| (name, TEXT.to_owned());
    for parts in [
        vec![part("homes.csv")],
        vec![
            part("README.txt"),
            part("data/homes.csv"),
            part("__MACOSX/data/._homes.csv"),
            part("notes.txt"),
        ],
        vec![part("homes.txt"), part("license.txt"), part("map.png")],
    ] {
        let rows = read("homes.csv.zip", &archive(&parts));
        assert_eq!(rows.len(), 2, "{parts:?}");
        assert_eq!(rows[0]["city"], "Казань");
    }
    let lines = "{\"id\":\"a\",\"price\":1}\n{\"id\":\"b\",\"price\":2}\n";
    let json = archive(&[("homes.jsonl", lines.to_owned())]);
    assert_eq!(read("homes.zip", &json).len(), 2);
    for (parts, expected) in [
        (
            vec![part("a.csv"), part("b.csv")],
            "found 2: a.csv, b.csv; extract the one that you mean",
        ),
        (vec![part("map.png")], "found none (map.png): extract"),
    ] {
        let error = read_by(&schema(), "homes.zip", &archive(&parts));
        let error = error.expect_err("refused").to_string();
        assert!(error.contains(expected), "{error}");
    }
    let error = read_by(&schema(), "homes.zip", b"no archive").expect_err("refused");
    assert!(
        error.to_string().contains("not a readable ZIP archive"),
        "{error}"
    );
}

#[test]
fn other_quotes_separators_and_spaces_are_read() {
    for text in [
        "id;city;area;price\na;'Nizhny; old';2.5;5\nb;'Perm';3.5;6\n",
        "id city area price\na 'Nizhny; old' 2.5 5\nb 'Perm' 3.5 6\n",
        "id   city            area  price\na   \"Nizhny; old\"   2.5   5\nb   Perm            3.5   6\n",
        "id~city~area~price\na~Nizhny; old~2.5~5\nb~Perm~3.5~6\n",
        "id^city^area^price\na^Nizhny; old^2.5^5\nb^Perm^3.5^6\n",
        // R writes the numbers of the rows, and no name above them.
        "city,id,area,price\n1,Nizhny; old,a,2.5,5\n2,Perm,b,3.5,6\n3,Ufa,c,4.5,7\n",
        "\"city\" \"id\" \"area\" \"price\"\n\"1\" \"Nizhny; old\" \"a\" 2.5 5\n\"2\" \"Perm\" \"b\" 3.5 6\n\
         \"3\" \"Ufa\" \"c\" 4.5 7\n",
    ] {
        let schema = Schema::parse(&SCHEMA.replace("column='Город'\n", ""), "x").expect("valid");
        let rows = read_by(&schema, "a.csv", text.as_bytes());
        let rows = rows.unwrap_or_else(|error| panic!("{text}: {error}"));
        let first = json!({"id": "a", "city": "Nizhny; old", "area": 2.5, "price": 5.0});
        assert_eq!(Value::Object(rows[0].clone()), first, "{text}");
        assert_eq!(rows[1]["city"], "Perm", "{text}");
    }
    for (name, text, expected) in [
        (
            "a.csv",
            "{\"id\":\"a\",\"price\":1}\n",
            "found JSON: name it .json",
        ),
        ("a.csv", "<html><body></body></html>\n", "found a web page"),
    ] {
        let error = read_by(&schema(), name, text.as_bytes()).expect_err("refused");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn a_mark_of_one_field_is_a_name_in_another() {
    let text = SCHEMA.replace(
        "name='area'\nkind='number'\n",
        "name='area'\nkind='number'\nmissing='none'\n",
    );
    let schema = Schema::parse(&text, "x").expect("valid");
    let rows = read_by(&schema, "a.csv", b"id,city,area,price\na,none,none,5\n").expect("reads");
    assert_eq!(rows[0].get("area"), None);
    assert_eq!(rows[0]["city"], "none");
    let wrong = text.replace("missing='none'", "missing='-999'");
    assert!(Schema::parse(&wrong, "x").is_err());
}

#[test]
fn a_spreadsheet_is_read_below_its_title() {
    let text = |at: &str, value: &str| {
        format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{value}</t></is></c>")
    };
    let number = |at: &str, value: &str| format!("<c r=\"{at}\"><v>{value}</v></c>");
    let rows = format!(
        "<row r=\"1\">{}</row><row r=\"3\">{}{}{}</row><row r=\"4\">{}{}{}</row><row r=\"5\">{}{}</row>",
        text("A1", "Our homes"),
        text("A3", "id"),
        text("B3", "Город"),
        text("C3", "price"),
        text("A4", "a"),
        text("B4", "Kazan, \"old\" part"),
        number("C4", "450.125"),
        text("A5", "b"),
        number("C5", "7"),
    );
    let rows = read("a.xlsx", &workbook(&rows));
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (&rows[0]["city"], &rows[0]["price"]),
        (&json!("Kazan, \"old\" part"), &json!(450.125))
    );
    assert_eq!(rows[1].get("city"), None);
    assert!(read_by(&schema(), "a.xlsx", b"PK\x03\x04broken").is_err());
}

fn parquet(columns: Vec<(&str, ArrayRef)>, compression: Compression) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, true)),
    )
    .expect("batch");
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .build();
    let mut bytes = Vec::new();
    let mut writer =
        ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect("writer");
    writer.write(&batch).expect("writes");
    writer.close().expect("closes");
    bytes
}

#[test]
fn a_codec_that_is_not_read_is_named_with_what_to_do() {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(arrow_array::StringArray::from(vec!["a"]))),
        ("price", Arc::new(Float64Array::from(vec![5.0]))),
    ];
    let gzip = Compression::GZIP(GzipLevel::default());
    let mut bytes = parquet(columns, gzip);
    // In the footer the codec follows the column's path: 2 is gzip, 3 LZO, both doubled.
    let (name, lzo) = (&b"price\x15\x04"[..], b"price\x15\x06");
    let at = bytes.windows(name.len()).position(|part| part == name);
    let at = at.expect("the codec of the column");
    bytes[at..at + name.len()].copy_from_slice(lzo);
    let error = read_by(&schema(), "a.parquet", &bytes).expect_err("refused");
    let error = error.to_string();
    assert!(error.contains("found LZO; write the file again"), "{error}");
}

#[test]
fn parquet_of_all_types_and_codecs_is_read() {
    let text = "name='x'\nversion=1\ntask='regression'\ntable='x'\nkey='id'\ntarget='price'\n\
        [[field]]\nname='id'\nkind='text'\n[[field]]\nname='city'\nkind='category'\n\
        [[field]]\nname='town'\nkind='category'\n[[field]]\nname='floor'\nkind='integer'\n\
        [[field]]\nname='built'\nkind='timestamp'\n[[field]]\nname='seen'\nkind='timestamp'\n\
        [[field]]\nname='tags'\nkind='category'\n[[field]]\nname='price'\nkind='number'\n";
    let schema = Schema::parse(text, "x").expect("valid");
    let cities: DictionaryArray<Int8Type> = vec![Some("Kazan"), None, Some("Kazan")]
        .into_iter()
        .collect();
    let tags = ListArray::from_iter_primitive::<arrow_array::types::Int64Type, _, _>(vec![
        Some(vec![Some(1)]),
        None,
        None,
    ]);
    let prices = Decimal128Array::from(vec![430_200_050_i128, 100, 200])
        .with_precision_and_scale(14, 2)
        .expect("fits");
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        ("city", Arc::new(cities)),
        (
            "town",
            Arc::new(BinaryArray::from(vec![
                &b"Perm"[..],
                b" ",
                "Пермь".as_bytes(),
            ])),
        ),
        ("floor", Arc::new(NullArray::new(3))),
        (
            "built",
            Arc::new(Date64Array::from(vec![-631_152_000_000, 0, 86_400_000])),
        ),
        (
            "seen",
            Arc::new(TimestampNanosecondArray::from(vec![
                1_769_860_800_000_000_001,
                -1,
                0,
            ])),
        ),
        ("tags", Arc::new(tags)),
        ("price", Arc::new(prices)),
    ];
    for codec in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::LZ4_RAW,
        Compression::ZSTD(Default::default()),
        Compression::BROTLI(Default::default()),
    ] {
        let rows = read_by(&schema, "a.parquet", &parquet(columns.clone(), codec)).expect("reads");
        assert_eq!(rows.len(), 3, "{codec:?}");
        assert_eq!(rows[0]["price"], 4_302_000.5);
        assert_eq!(
            (&rows[0]["city"], &rows[0]["town"]),
            (&json!("Kazan"), &json!("Perm"))
        );
        assert_eq!(
            (
                rows[1].get("city"),
                rows[1].get("town"),
                rows[0].get("floor")
            ),
            (None, None, None)
        );
        assert_eq!(rows[0]["built"], "1950-01-01T00:00:00.000000Z");
        assert_eq!(rows[0]["seen"], "2026-01-31T12:00:00.000000Z");
        assert_eq!(rows[1]["seen"], "1969-12-31T23:59:59.999999Z");
        assert_eq!(rows[0].get("tags"), None, "nested: passed over");
    }
    // A nested column that is required is an error of the file.
    let asked = Schema::parse(
        &text.replace(
            "name='tags'\nkind='category'\n",
            "name='tags'\nkind='category'\nrequired=true\n",
        ),
        "x",
    );
    let bytes = parquet(columns, Compression::SNAPPY);
    let error = read_by(&asked.expect("valid"), "a.parquet", &bytes).expect_err("nested");
    assert!(
        error
            .to_string()
            .contains("column \"tags\" is of type List"),
        "{error}"
    );
}

#[test]
fn a_file_of_types_has_texts_that_cannot_be_meant_in_two_ways() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("a.parquet");
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "price",
            Arc::new(Float64Array::from(vec![
                Some(450.125),
                None,
                Some(f64::NAN),
            ])),
        ),
        (
            "seen",
            Arc::new(TimestampNanosecondArray::from(vec![
                0,
                1_769_860_800_000_000_000,
                0,
            ])),
        ),
    ];
    std::fs::write(&path, parquet(columns, Compression::SNAPPY)).expect("written");
    let mut read = Texts::open(Path::new(&path), &[]).expect("opens");
    let rows: Vec<Vec<String>> = std::iter::from_fn(|| read.next_row().expect("reads"))
        .map(|row| row.1)
        .collect();
    assert_eq!(rows[0], ["450.1250", "1970-01-01"]);
    assert_eq!(rows[1], ["", "2026-01-31T12:00:00.000000Z"]);
    assert_eq!(rows[2][0], "");
}
