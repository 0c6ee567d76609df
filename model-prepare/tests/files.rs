//! The built program on files: a version, or exit code 1, what is wrong, and nothing written.

mod made;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use made::{csv, listing, output_text, run};
use parquet::arrow::ArrowWriter;
use records::{Decoder, Purpose};
use tempfile::TempDir;
use valuation::Model;

/// A directory with a registry that is to stay empty.
struct Home(TempDir);

impl Home {
    fn new() -> Home {
        let home = Home(tempfile::tempdir().expect("temporary directory"));
        fs::create_dir(home.registry()).expect("directory");
        home
    }

    fn registry(&self) -> PathBuf {
        self.0.path().join("models")
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, content).expect("file");
        path.display().to_string()
    }

    /// The program fails with 1 and says all of `parts`; the registry stays empty.
    fn refuses(&self, flags: &[&str], parts: &[&str]) {
        let output = run(&self.registry(), flags);
        let (out, error) = output_text(&output);
        assert_eq!(output.status.code(), Some(1), "{out}{error}");
        assert_eq!(out, "", "nothing but the error");
        for part in parts {
            assert!(error.contains(part), "{error} does not say {part:?}");
        }
        let left = fs::read_dir(self.registry()).expect("registry").count();
        assert_eq!(left, 0, "something was written");
    }
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).expect("batch");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("writer");
    writer.write(&batch).expect("writes");
    writer.close().expect("closes");
    bytes
}

/// The listings of [`csv`] with types of their own.
fn typed(count: usize) -> Vec<u8> {
    let rows: Vec<[String; 8]> = (0..count).map(listing).collect();
    let texts = |column: usize| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(
            rows.iter().map(|row| &row[column]),
        ))
    };
    let whole = |column: usize| -> ArrayRef {
        let values = rows.iter().map(|row| row[column].parse().expect("number"));
        Arc::new(Int64Array::from_iter_values(values))
    };
    let number = |column: usize| -> ArrayRef {
        let values = rows.iter().map(|row| row[column].parse().expect("number"));
        Arc::new(Float64Array::from_iter_values(values))
    };
    parquet(vec![
        ("id", texts(0)),
        ("listed_at", whole(1)),
        ("city", texts(2)),
        ("street", texts(3)),
        ("floor", whole(4)),
        ("rooms", whole(5)),
        ("area", number(6)),
        ("price", number(7)),
    ])
}

fn prices(version: &Path) -> Vec<f64> {
    let model = Model::load(version).expect("the version loads");
    let mut decoder = Decoder::new(model.schema(), Purpose::Request);
    for city in ["city0", "city4"] {
        let record = format!(
            r#"{{"id":1,"city":"{city}","street":"street1","floor":3,"rooms":2,"area":60}}"#
        );
        decoder.push(record.as_bytes(), 0).expect("decodes");
    }
    let found = model.predict(&decoder.finish().batch).expect("prices");
    found.iter().map(|one| one.value).collect()
}

#[test]
fn a_csv_and_a_parquet_file_make_versions_that_load() {
    let home = Home::new();
    let file = home.write("listings.csv", csv(1000));
    let output = run(&home.registry(), &["--data", &file]);
    let (out, error) = output_text(&output);
    assert_eq!(output.status.code(), Some(0), "{out}{error}");
    for part in [
        "1,000 rows: 800 in training, 200 in the hold-out",
        "MdAPE",
        "baseline: median price by city",
        "rows rejected by the schema: 0; left out of the fit: none",
        "saved as v000001 in ",
    ] {
        assert!(out.contains(part), "{out} does not say {part:?}");
    }
    let from_csv = prices(&home.registry().join("v000001"));
    assert!((3e6..4.2e6).contains(&from_csv[0]), "{from_csv:?}");
    let ratio = from_csv[1] / from_csv[0];
    assert!((3.0..3.7).contains(&ratio), "e^1.2 expected: {ratio}");

    let file = home.write("listings.parquet", typed(1000));
    let (out, error) = output_text(&run(&home.registry(), &["--data", &file]));
    assert!(out.contains("saved as v000002"), "{out}{error}");
    assert_eq!(prices(&home.registry().join("v000002")), from_csv);
    let mut names: Vec<_> = fs::read_dir(home.registry())
        .expect("registry")
        .map(|entry| entry.expect("entry").file_name())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            ".lock",
            "aliases.json",
            "history",
            "runs",
            "v000001",
            "v000002"
        ],
        "nothing else is left"
    );
}

#[test]
fn bad_rows_are_counted_and_the_first_is_named() {
    let home = Home::new();
    let mut text = csv(400);
    text.push_str("bad,1700000000,city1,street1,first,2,50,1000000\n");
    let file = home.write("listings.csv", text);
    let (out, error) = output_text(&run(&home.registry(), &["--data", &file]));
    assert!(out.contains("rows rejected by the schema: 1"), "{out}");
    assert!(
        error.contains("line 402") && error.contains("floor"),
        "{error}"
    );
}

#[test]
fn other_columns() {
    let home = Home::new();
    let missing = "requires, found no city, street, floor, rooms;";
    let columns = "the file's columns are: id, colour, price";
    let file = home.write("wine.csv", "id,colour,price\n1,red,100\n");
    home.refuses(&["--data", &file], &[missing, columns, "--schema"]);
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
    let numbers: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
    let content = parquet(vec![
        ("id", ids.clone()),
        ("colour", ids),
        ("price", numbers),
    ]);
    let file = home.write("wine.parquet", content);
    home.refuses(&["--data", &file], &[missing, columns, "wine.parquet"]);
}

#[test]
fn too_little_and_nothing() {
    let home = Home::new();
    let file = home.write("few.csv", csv(50));
    home.refuses(
        &["--data", &file],
        &["at least 200 usable listings, found 50 of 50", "min_rows"],
    );
    let file = home.write("few.parquet", typed(50));
    home.refuses(&["--data", &file], &["found 50 of 50"]);
    let file = home.write("header.parquet", typed(0));
    home.refuses(&["--data", &file], &["found none", "header.parquet"]);
    let rows = "1,,a,b,x,2,50,7\n2,,a,b,3,2,50,cheap\n";
    let file = home.write("bad.csv", format!("{}\n{rows}", made::HEADER));
    home.refuses(
        &["--data", &file],
        &["found none: all 2 rows", "line 2", "floor"],
    );
}

#[test]
fn files_that_are_not_there_or_cut_off() {
    let home = Home::new();
    let absent = home.0.path().join("absent.csv").display().to_string();
    home.refuses(&["--data", &absent], &["cannot read", "absent.csv"]);
    let file = home.write("cut.parquet", &typed(500)[..900]);
    home.refuses(&["--data", &file], &["cut.parquet is not valid Parquet"]);
    let file = home.write("listings.xlsx", "PK");
    home.refuses(
        &["--data", &file],
        &["listings.xlsx is not a valid spreadsheet"],
    );
    let file = home.write("listings.pdf", "%PDF");
    home.refuses(&["--data", &file], &[".csv, .tsv", ".parquet"]);
}

#[test]
fn a_registry_that_is_a_file_is_refused_before_anything_is_read() {
    let home = Home::new();
    let file = home.write("listings.csv", csv(300));
    let taken = home.write("taken", "mine");
    for registry in [taken.clone(), format!("{taken}/deeper")] {
        let output = run(Path::new(&registry), &["--data", &file]);
        let (_, error) = output_text(&output);
        assert_eq!(output.status.code(), Some(1), "{error}");
        let expected = format!("found the file {taken}: give another with --registry");
        assert!(error.contains(&expected), "{error}");
    }
    assert_eq!(fs::read_to_string(taken).expect("reads"), "mine");
}

#[test]
fn settings_that_are_wrong() {
    let home = Home::new();
    let file = home.write("listings.csv", csv(300));
    for expression in ["every day", "0 3 * * *", "99 0 3 * * *"] {
        home.refuses(
            &["--cron", expression],
            &["is not a schedule", expression, "0 0 3 * * *"],
        );
    }
    home.refuses(
        &["--data", &file, "--schema", "absent.toml"],
        &["cannot read the schema absent.toml"],
    );
    home.refuses(
        &["--data", &file, "--set", "prepare.holdout_fraction=0.9"],
        &["holdout_fraction between 0.01 and 0.5, found 0.9"],
    );
    home.refuses(&[], &["no database is set", "--database-url"]);
}

#[test]
fn a_schema_file_describes_another_kind_of_record() {
    let home = Home::new();
    let schema = "name='boats'\nversion=1\ntask='regression'\ntable='boats'\nkey='id'\n\
        target='worth'\n[[field]]\nname='id'\nkind='text'\n[[field]]\nname='worth'\n\
        kind='number'\n[[field]]\nname='tons'\nkind='number'\nrequired=true\n";
    let schema = home.write("boats.toml", schema);
    let mut text = "id;worth;tons;colour\n".to_owned();
    for id in 0..300 {
        let tons = 1 + id % 40;
        text.push_str(&format!("{id};{};{tons};red\n", 1000 * tons + id % 7));
    }
    let file = home.write("boats.csv", text);
    let (out, error) = output_text(&run(
        &home.registry(),
        &["--data", &file, "--schema", &schema],
    ));
    assert!(out.contains("baseline: median worth\n"), "{out}{error}");
    let model = Model::load(&home.registry().join("v000001")).expect("loads");
    assert_eq!(model.schema().name, "boats");
    assert!(model.report().model.mdape < 0.05, "{out}");
}

#[test]
fn a_report_has_every_measure_and_saves_nothing_unasked() {
    let home = Home::new();
    let file = home.write("listings.csv", csv(1000));
    let path = |name: &str| home.0.path().join(name).display().to_string();
    let (report, page, rows) = (path("out.json"), path("out.html"), path("rows.csv"));
    let arguments = [
        "--data",
        &file,
        "--report",
        &report,
        "--html",
        &page,
        "--predictions",
        &rows,
        "--split",
        "random",
        "--test-fraction",
        "0.25",
        "--seed",
        "7",
    ];
    let judge = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_model-prepare"));
        command.current_dir(home.0.path()).args(arguments).output()
    };
    let output = judge().expect("runs");
    let (out, error) = output_text(&output);
    assert_eq!(output.status.code(), Some(0), "{out}{error}");
    for part in [
        "RMSLE",
        "COD",
        "PRB",
        "IAAO",
        "coverage of the 90 % prediction interval",
        "rows/s",
    ] {
        assert!(out.contains(part), "{out} does not say {part:?}");
    }
    let read = |path: &str| fs::read_to_string(path).expect("is written");
    let found: serde_json::Value = serde_json::from_str(&read(&report)).expect("JSON");
    assert_eq!(found["report"]["holdout_rows"], 250);
    assert!(found["report"]["model"]["mdape"].as_f64() < Some(0.2));
    for rule in ["duplicate", "target_outlier", "residual_outlier"] {
        assert_eq!(found["report"]["removed"][rule], 0, "{rule}");
    }
    assert_eq!(found["refused"], serde_json::json!([]));
    assert!(found["effects"][0][1].as_f64() > Some(0.1));
    assert!(found["report"]["segments"][0]["ratios"]["cod"]["value"].is_number());
    let levels = found["report"]["calibration"].as_array().expect("levels");
    assert_eq!(levels.len(), 4);
    for held in levels {
        let (level, low) = (held["level"].as_f64(), held["held"]["low"].as_f64());
        let (level, low) = (level.expect("a level"), low.expect("a share"));
        let high = held["held"]["high"].as_f64().expect("a share");
        assert!(low - 0.05 < level && level < high + 0.05, "{level}");
    }
    let text = read(&rows);
    assert_eq!(text.lines().count(), 1001);
    assert_eq!(
        text.lines().filter(|line| line.contains(",test,")).count(),
        250
    );
    let html = read(&page);
    assert!(html.starts_with("<!doctype html>") && html.matches("<svg").count() > 5);
    assert!(!html.contains("http"), "it fetches nothing");
    assert!(!home.0.path().join(".hedonic").exists(), "nothing is saved");
    // The same seed draws the same rows and gives the same estimates.
    judge().expect("runs");
    assert_eq!(read(&rows), text);
}

#[test]
fn predictions_say_on_which_line_a_row_stands() {
    let home = Home::new();
    // A cell of two lines, a blank line, and a row that the schema refuses, each after some rows.
    let plain = csv(400);
    let mut text = String::new();
    let mut expected = Vec::new();
    let mut line = 1;
    for (number, row) in plain.lines().enumerate() {
        let row = match number {
            50 => {
                let (id, rest) = row.split_once(',').expect("cells");
                format!("\"{id}\nb\",{rest}")
            }
            _ => row.to_owned(),
        };
        if number == 100 {
            text.push('\n');
            line += 1;
        }
        if number == 150 {
            text.push_str("ragged,row\n");
            line += 1;
        }
        text.push_str(&row);
        text.push('\n');
        if number > 0 {
            expected.push(line.to_string());
        }
        line += row.lines().count();
    }
    let file = home.write("listings.csv", text);
    let rows = home.0.path().join("rows.csv").display().to_string();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_model-prepare"))
        .current_dir(home.0.path())
        .args(["--data", &file, "--predictions", &rows])
        .output()
        .expect("runs");
    let (out, error) = output_text(&output);
    assert_eq!(output.status.code(), Some(0), "{out}{error}");
    let found = fs::read_to_string(&rows).expect("is written");
    let found: Vec<&str> = found
        .lines()
        .skip(1)
        .map(|row| row.split(',').next().expect("a line"))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_schema_is_proposed_and_works() {
    let home = Home::new();
    let mut text = "ID;Tons;builtIn;colour;empty;Worth\n".to_owned();
    for id in 0..400 {
        let tons = 1.5 + f64::from(id % 40);
        let colour = ["red", "blue"][id as usize % 2];
        text.push_str(&format!(
            "b{id};{tons};{};{colour};;{}\n",
            1990 + id % 30,
            // Not by the weight alone, which would be a leak.
            900.0 * tons * [0.8, 1.1, 1.4][id as usize % 3]
        ));
    }
    let file = home.write("boats.csv", &text);
    let propose = |file: &str, target: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_model-prepare"));
        let output = command
            .args(["schema", "infer", file, "--target", target])
            .output();
        output_text(&output.expect("runs"))
    };
    let (schema, error) = propose(&file, "Worth");
    for part in [
        "target = \"worth\"",
        "column = \"builtIn\"",
        "has no value at all",
        "key = \"id\"",
    ] {
        assert!(
            schema.contains(part),
            "{schema}{error} does not say {part:?}"
        );
    }
    let schema = home.write("boats.toml", &schema);
    let (out, error) = output_text(&run(
        &home.registry(),
        &["--data", &file, "--schema", &schema],
    ));
    assert!(out.contains("saved as v000001"), "{out}{error}");
}

#[test]
fn a_report_with_a_registry_publishes_as_a_training_does() {
    let home = Home::new();
    let file = home.write("listings.csv", csv(1000));
    let report = home.0.path().join("out.json").display().to_string();
    let flags = [
        "--data",
        &file,
        "--report",
        &report,
        "--split",
        "random",
        "--test-fraction",
        "0.25",
    ];
    for number in 1..=2 {
        let output = run(&home.registry(), &flags);
        let (out, error) = output_text(&output);
        assert_eq!(output.status.code(), Some(0), "{out}{error}");
        assert!(
            error.contains(&format!("saved as v00000{number}")),
            "{error}"
        );
    }
    let registry = registry::Directory::new(home.registry());
    let history = registry::Registry::history(&registry).expect("reads");
    assert_eq!(history.len(), 2, "each was judged: {history:?}");
    assert_eq!(history[0].action, registry::Action::Promoted);
    for number in 1..=2 {
        let info = registry::Registry::info(&registry, number).expect("reads");
        let run = registry::Registry::run(&registry, &info.run.expect("it has a run"));
        let run = run.expect("reads").expect("is kept");
        assert_eq!(run.params["fit.holdout_fraction"], "0.25");
        assert!(run.value("mdape").is_some() && run.value("seconds.validation").is_some());
        let holdout = registry::Registry::artifact(&registry, &run.id, "holdout.parquet");
        assert!(holdout.expect("reads").is_some());
    }
}
