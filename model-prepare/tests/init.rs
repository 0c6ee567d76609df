//! `init`: a file becomes a schema, settings, a report and a model, and nothing is replaced unasked.

mod made;

use std::path::Path;
use std::process::{Output, Stdio};

use made::{csv, output_text, program};
use records::Schema;

/// Calls `init` on a file of this text in a directory, without anybody at the keyboard.
fn init(home: &Path, text: &str, flags: &[&str]) -> Output {
    std::fs::write(home.join("flats.csv"), text).expect("the file can be written");
    let mut command = program();
    command
        .current_dir(home)
        .stdin(Stdio::null())
        .args(["init", "flats.csv"])
        .args(flags);
    command.output().expect("the program runs")
}

fn refused(output: &Output) -> String {
    let (out, error) = output_text(output);
    assert_eq!(output.status.code(), Some(1), "{out}\n{error}");
    error
}

#[test]
fn a_file_becomes_a_schema_settings_a_report_and_a_model() {
    let home = tempfile::tempdir().expect("temporary directory");
    let made = init(home.path(), &csv(600), &["--yes"]);
    let (out, error) = output_text(&made);
    assert_eq!(made.status.code(), Some(0), "{out}\n{error}");
    let read = |name: &str| {
        let path = home.path().join("flats").join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
    };
    let schema = Schema::parse(&read("schema.toml"), "schema.toml").expect("a valid schema");
    assert_eq!(schema.target.as_deref(), Some("price"));
    assert!(read("report.html").contains("<html"));
    for part in [
        "This schema takes 600 rows of the file, refuses 0",
        "hedonic --data flats.csv --schema flats/schema.toml",
        "model-prepare train --data flats.csv --config flats/hedonic.toml",
        "model-application --serve-only --config flats/hedonic.toml",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }

    // The settings lead to the model that was saved.
    let mut versions = program();
    let versions =
        versions
            .current_dir(home.path())
            .args(["versions", "--config", "flats/hedonic.toml"]);
    let (out, error) = output_text(&versions.output().expect("the program runs"));
    assert!(out.contains("champion"), "{out}\n{error}");

    let again = refused(&init(home.path(), &csv(600), &["--yes"]));
    assert!(again.contains("schema.toml exists"), "{again}");
    assert!(again.contains("--force"), "{again}");
    let forced = init(home.path(), &csv(700), &["--yes", "--force"]);
    let (out, error) = output_text(&forced);
    assert_eq!(forced.status.code(), Some(0), "{out}\n{error}");
    assert!(out.contains("takes 700 rows"), "{out}");
}

#[test]
fn without_a_terminal_it_says_what_to_pass() {
    let home = tempfile::tempdir().expect("temporary directory");
    let error = refused(&init(home.path(), &csv(300), &[]));
    for part in ["not a terminal", "--yes", "--target"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(!home.path().join("flats").exists());
}

#[test]
fn a_file_without_a_target_is_told_its_columns_and_nothing_is_written() {
    let home = tempfile::tempdir().expect("temporary directory");
    let text = csv(300).replace(",price\n", ",zorblat\n");
    let error = refused(&init(home.path(), &text, &["--yes"]));
    assert!(error.contains("zorblat"), "{error}");
    assert!(error.contains("--target"), "{error}");
    assert!(!home.path().join("flats").exists());
}

#[test]
fn too_few_rows_leave_the_schema_and_say_why_there_is_no_model() {
    let home = tempfile::tempdir().expect("temporary directory");
    let error = refused(&init(home.path(), &csv(60), &["--yes"]));
    assert!(error.contains("no model could be trained"), "{error}");
    assert!(
        error.contains("expected at least 200 usable listings"),
        "{error}"
    );
    assert!(home.path().join("flats/schema.toml").exists());
    assert!(!home.path().join("flats/report.html").exists());
}
