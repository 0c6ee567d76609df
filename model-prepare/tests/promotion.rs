//! Versions that are judged, promoted, kept and rolled back, by the built program.

mod made;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use made::{HEADER, csv, listing, output_text};
use registry::{Directory, Registry};
use serde_json::Value;
use tempfile::TempDir;

struct Home(TempDir);

impl Home {
    fn new() -> Home {
        Home(tempfile::tempdir().expect("temporary directory"))
    }

    fn registry(&self) -> PathBuf {
        self.0.path().join("models")
    }

    fn command(&self, flags: &[&str]) -> Command {
        let mut command = made::command(&self.registry(), &[]);
        // A command's own flags come before those of all.
        let mut whole = Command::new(command.get_program());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => whole.env(name, value),
                None => whole.env_remove(name),
            };
        }
        whole.env_remove("MLFLOW_TRACKING_URI").args(flags);
        whole.arg("--registry").arg(self.registry());
        std::mem::swap(&mut command, &mut whole);
        command
    }

    /// The program's output where it succeeds.
    fn run(&self, flags: &[&str]) -> String {
        let output = self.command(flags).output().expect("the program runs");
        let (out, error) = output_text(&output);
        assert_eq!(output.status.code(), Some(0), "{flags:?}: {out}{error}");
        out
    }

    fn json(&self, flags: &[&str]) -> Value {
        let out = self.run(&[flags, &["--json"]].concat());
        serde_json::from_str(&out).expect("one JSON object")
    }

    fn refused(&self, flags: &[&str]) -> String {
        let output: Output = self.command(flags).output().expect("the program runs");
        assert_eq!(output.status.code(), Some(1), "{flags:?}: {output:?}");
        output_text(&output).1
    }

    /// Trains on a file of this text.
    fn train(&self, text: &str) -> String {
        self.train_with(text, &[])
    }

    fn train_with(&self, text: &str, flags: &[&str]) -> String {
        let file = self.0.path().join("listings.csv");
        std::fs::write(&file, text).expect("file");
        let file = file.display().to_string();
        self.run(&[&["--data", &file, "--set", "prepare.effort=quick"], flags].concat())
    }

    fn champion(&self) -> u64 {
        let registry = Directory::new(self.registry());
        registry
            .champion()
            .expect("reads")
            .expect("is there")
            .number
    }
}

/// Listings of which all but the newest fifth show nothing true.
fn spoilt(count: usize) -> String {
    let mut text = format!("{HEADER}\n");
    for id in 0..count {
        let mut cells = listing(id);
        if id < count * 4 / 5 {
            // A floor decides, where it should not.
            let floor: f64 = cells[4].parse().expect("a number");
            let noise = 0.8 + 0.4 * (id as f64 * 0.618_034).fract();
            cells[7] = format!("{:.0}", 1e6 * floor * noise);
        }
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

/// Listings whose prices have all become so many times what they were.
fn dearer(count: usize, factor: f64) -> String {
    let mut text = format!("{HEADER}\n");
    for id in 0..count {
        let mut cells = listing(id);
        let price: f64 = cells[7].parse().expect("a number");
        cells[7] = format!("{:.0}", factor * price);
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

#[test]
fn data_of_another_market_wait_for_a_person() {
    let home = Home::new();
    home.train(&csv(1000));
    let out = home.train(&dearer(1600, 1.6));
    assert!(
        out.contains("kept as challenger") && out.contains("times what the champion says"),
        "{out}"
    );
    assert_eq!(home.champion(), 1);
    // What a market does in a while is no reason to wait.
    let out = home.train(&dearer(1600, 1.02));
    assert!(!out.contains("waits for somebody"), "{out}");
}

#[test]
fn what_does_not_beat_its_baseline_is_not_published_unless_forced() {
    let home = Home::new();
    // The newest fifth is of cities and areas, all before of floors alone.
    let file = home.0.path().join("spoilt.csv");
    std::fs::write(&file, spoilt(2400)).expect("file");
    let file = file.display().to_string();
    let flags = ["train", "--data", &file, "--set", "prepare.effort=quick"];
    let output = home.command(&flags).output().expect("the program runs");
    let (out, error) = output_text(&output);
    if output.status.code() == Some(0) {
        panic!("a model of another market was published: {out}{error}");
    }
    assert!(
        error.contains("does not beat its baseline") && error.contains("--force"),
        "{error}"
    );
    assert!(home.run(&["versions"]).contains("no version yet"));
    home.run(&[&flags[..], &["--force"]].concat());
    assert_eq!(home.champion(), 1);
}

#[test]
fn the_better_is_promoted_the_worse_waits_and_force_is_on_record() {
    let home = Home::new();
    assert!(home.run(&["versions"]).contains("no version yet"));
    let out = home.train(&csv(1000));
    assert!(
        out.contains("promoted: there is no other version yet"),
        "{out}"
    );
    assert_eq!(home.champion(), 1);

    let out = home.train(&csv(1600));
    assert!(out.contains("promoted: it passes all 7 checks"), "{out}");
    assert!(
        out.contains("that the champion has not learned from"),
        "{out}"
    );
    assert_eq!(home.champion(), 2);

    let out = home.train_with(&spoilt(2400), &["--force"]);
    assert!(out.contains("kept as challenger: it fails error"), "{out}");
    assert_eq!(home.champion(), 2);
    let error = home.refused(&["promote", "challenger"]);
    assert!(
        error.contains("v000003 is not promoted") && error.contains("--force"),
        "{error}"
    );
    assert_eq!(home.champion(), 2);

    let flags = ["promote", "3", "--force", "--who", "Ada", "--why", "to see"];
    let out = home.run(&flags);
    assert!(out.contains("v000003 is the champion"), "{out}");
    assert_eq!(home.champion(), 3);
    let back = home.run(&["rollback", "--who", "Ada", "--why", "seen"]);
    assert!(back.contains("v000002 is the champion again"), "{back}");
    assert_eq!(home.champion(), 2);

    let history = home.json(&["history"]);
    let changes: Vec<(&str, u64, &str)> = history["history"]
        .as_array()
        .expect("changes")
        .iter()
        .map(|check| {
            (
                check["action"].as_str().expect("text"),
                check["version"].as_u64().expect("number"),
                check["who"].as_str().expect("text"),
            )
        })
        .collect();
    assert_eq!(
        changes,
        [
            ("promoted", 1, "model-prepare"),
            ("promoted", 2, "model-prepare"),
            ("kept", 3, "model-prepare"),
            ("promoted", 3, "Ada"),
            ("rolled-back", 2, "Ada"),
        ]
    );
    let why = history["history"][3]["why"].as_str().expect("text");
    assert!(why.starts_with("by force: to see; it fails"), "{why}");
    let contest = &history["history"][2]["evidence"]["contest"];
    assert_eq!(contest["challenger"]["version"], 3);
    assert!(
        contest["difference"]["low"].as_f64() > Some(0.0),
        "{contest}"
    );
    assert_eq!(contest["rows_new"], 480);

    let versions = home.json(&["versions"]);
    let versions = versions["versions"].as_array().expect("versions");
    assert_eq!(versions.len(), 3);
    assert_eq!(versions[1]["champion"], true);
    assert_eq!(versions[1]["aliases"][0], "champion");
    assert!(versions[0]["mdape"].as_f64() < Some(0.1));

    let compared = home.json(&["compare", "2", "1"]);
    assert_eq!(compared["verdict"]["passes"], true, "{compared}");
    assert!(
        home.run(&["compare", "1", "3"])
            .contains("v000001 against v000003")
    );
    let error = home.refused(&["compare", "9"]);
    assert!(
        error.contains("\"9\"") && error.contains("versions"),
        "{error}"
    );
    let error = home.refused(&["compare", "2", "v2"]);
    assert!(error.contains("twice"), "{error}");
}

#[test]
fn a_run_keeps_what_it_was_given_and_what_it_came_to() {
    let home = Home::new();
    home.train(&csv(800));
    let shown = home.json(&["show", "champion"]);
    let run = &shown["run"];
    let params = &run["params"];
    for (name, value) in [
        ("data.rows", "800"),
        ("schema.name", "real-estate"),
        ("member.linear.kind", "linear"),
        ("fit.seed", "42"),
        ("data.until", "2023-12-18T"),
    ] {
        let found = params[name].as_str().unwrap_or("none");
        assert!(found.starts_with(value), "{name}: {found}");
    }
    assert_eq!(
        params["schema.sha256"].as_str().expect("a digest").len(),
        64
    );
    let measures = run["measures"].as_array().expect("measures");
    let of = |key: &str| -> Vec<f64> {
        let measures = measures.iter().filter(|measure| measure["key"] == key);
        measures
            .map(|measure| measure["value"].as_f64().expect("a number"))
            .collect()
    };
    assert_eq!(of("fold.linear.rmse_log").len(), 5, "fold by fold");
    assert_eq!(of("rows.holdout"), [160.0]);
    for key in [
        "mdape",
        "baseline.mdape",
        "coverage",
        "ratio_study.cod",
        "member.linear.holdout.rmse_log",
        "seconds.train",
        "seconds.validation",
        "seconds.total",
    ] {
        assert_eq!(of(key).len(), 1, "{key}");
    }
    let id = run["id"].as_str().expect("an id");
    let registry = Directory::new(home.registry());
    let file = |name: &str| registry.artifact(id, name).expect("reads").expect(name);
    let page = std::fs::read_to_string(file("report.html")).expect("reads");
    assert!(page.contains("<svg"), "plots");
    let report = std::fs::read(file("report.json")).expect("reads");
    let report: Value = serde_json::from_slice(&report).expect("JSON");
    assert_eq!(report["train_rows"], 640);
    let rows = |name: &str| {
        let schema = records::Schema::real_estate();
        let path = file(name);
        let mut reader = records::file::FileReader::open(&path, &schema, records::Purpose::Listing)
            .expect("opens");
        let batch = reader.next_batch(10_000).expect("reads").expect("rows");
        batch.batch.num_rows()
    };
    assert_eq!(rows("training_set.parquet"), 800);
    assert_eq!(rows("holdout.parquet"), 160);
    assert!(home.run(&["runs"]).contains("real-estate on "));
    assert!(home.run(&["show", "1"]).contains("member.linear.kind"));
}

#[test]
fn the_settings_may_leave_promotion_to_people_or_do_without_the_rule() {
    let home = Home::new();
    home.train(&csv(1000));
    let file = home.0.path().join("worse.csv");
    std::fs::write(&file, spoilt(2400)).expect("file");
    let file = file.display().to_string();
    let with = |mode: &str| {
        let mode = format!("prepare.promote={mode}");
        home.run(&[
            "--data",
            &file,
            "--set",
            "prepare.effort=quick",
            "--set",
            &mode,
            "--force",
        ])
    };
    assert!(with("never").contains("kept as challenger: it fails"));
    assert_eq!(home.champion(), 1);
    assert!(with("always").contains("promoted: it fails"));
    assert_eq!(home.champion(), 3);
    let history = home.json(&["history"]);
    let why = history["history"][2]["why"].as_str().expect("text");
    assert!(
        why.starts_with("prepare.promote is \"always\"; it fails"),
        "{why}"
    );
    let error = home.refused(&["--data", &file, "--set", "prepare.promote=maybe"]);
    assert!(error.contains("prepare.promote"), "{error}");
}

#[test]
fn old_versions_go_with_their_runs_and_those_in_use_stay() {
    let home = Home::new();
    for count in [600, 620, 640, 660] {
        home.train(&csv(count));
    }
    // Too few new rows to decide on: the first is still the champion, the last the challenger.
    assert_eq!(home.champion(), 1, "{}", home.run(&["history"]));
    let before = home.json(&["versions"]);
    let would = home.run(&["gc", "--keep", "1", "--dry-run"]);
    assert_eq!(home.json(&["versions"]), before);
    assert!(
        would.contains("would take away versions: v000002, v000003;"),
        "{would}"
    );
    home.run(&["gc", "--keep", "1"]);
    let left = home.json(&["versions"]);
    let left: Vec<&str> = left["versions"]
        .as_array()
        .expect("versions")
        .iter()
        .map(|version| version["version"].as_str().expect("text"))
        .collect();
    assert_eq!(left, ["v000001", "v000004"]);
    let runs = home.json(&["runs"]);
    assert_eq!(runs["runs"].as_array().expect("runs").len(), 2);
}

#[test]
fn records_are_priced_line_by_line() {
    let home = Home::new();
    home.train(&csv(800));
    let mut child = home
        .command(&["price"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut input = child.stdin.take().expect("a pipe");
    let record =
        r#"{"city":"city1","street":"street2","floor":3,"rooms":2,"area":60.0,"year_built":null}"#;
    writeln!(input, "{record}\n{record}").expect("writes");
    drop(input);
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0], lines[1]);
    let (low, value, high) = (
        lines[0]["low"].as_f64(),
        lines[0]["prediction"].as_f64(),
        lines[0]["high"].as_f64(),
    );
    assert!(low < value && value < high, "{lines:?}");
    // exp(0.3) · 60,000 · 60, as they are made.
    assert!(
        (4.4e6..5.3e6).contains(&value.expect("a price")),
        "{value:?}"
    );
}
