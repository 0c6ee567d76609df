//! `hedonic check`: what runs is found by itself; where nothing runs, it says so.

mod start;

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use common::Shutdown;
use common::check::{Outcome, Report};
use quickstart::Options;
use start::{open_home, options};

/// Longest wait for an answer where there is one, and for a run to come to its first model.
const PATIENCE: Duration = Duration::from_secs(180);
/// The same where nobody answers.
const IMPATIENCE: Duration = Duration::from_secs(1);

async fn report(options: &Options, limit: Duration) -> Report {
    common::check::report(quickstart::needs(options, None), limit).await
}

fn outcome(report: &Report, check: &str) -> Option<Outcome> {
    report.of(check).map(|finding| finding.outcome)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hedonic_that_runs_is_found_and_one_that_has_left_is_missed() {
    let home = open_home();
    let options = options(home.path());
    let shutdown = Shutdown::new();
    let run = tokio::spawn(quickstart::run(options.clone(), shutdown.clone()));
    let began = Instant::now();
    let running = loop {
        let report = report(&options, PATIENCE).await;
        let has_model = report
            .of("model")
            .is_some_and(|finding| finding.found.contains("real-estate@v000001"));
        if has_model && report.is_healthy() {
            break report;
        }
        assert!(began.elapsed() < PATIENCE, "not well in time:\n{report}");
        assert!(!run.is_finished(), "the run has ended:\n{report}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    for check in [
        "broker",
        "topic new_data",
        "topic requests",
        "topic answers",
        "topic actuals",
        "topic rejects",
        "database",
        "tables",
        "table listings",
        "clock",
        "places",
    ] {
        assert_eq!(
            outcome(&running, check),
            Some(Outcome::Passed),
            "{check}\n{running}"
        );
    }
    for disk in ["disk, models", "disk, data"] {
        assert!(outcome(&running, disk).is_some(), "{disk}\n{running}");
    }
    shutdown.cancel();
    run.await.expect("no panic").expect("it leaves");

    let left = report(&options, PATIENCE).await;
    for check in ["broker", "database"] {
        let line = left.of(check).expect("it has a line");
        assert_eq!(line.outcome, Outcome::Failed, "{left}");
        assert!(line.found.contains("no hedonic runs on"), "{left}");
        assert!(
            line.mend
                .as_ref()
                .is_some_and(|mend| mend.contains("start hedonic")),
            "{left}"
        );
    }
    assert_eq!(outcome(&left, "model"), Some(Outcome::Passed), "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_are_named_are_asked_instead_and_no_secret_is_shown() {
    let home = open_home();
    let options = Options {
        kafka: Some("127.0.0.1:1".to_owned()),
        database_url: Some("postgres://me:geheim@127.0.0.1:1/none".to_owned()),
        ..options(home.path())
    };
    let report = report(&options, IMPATIENCE).await;
    for check in ["broker", "database"] {
        let line = report.of(check).expect("it has a line");
        assert_eq!(line.outcome, Outcome::Failed, "{report}");
        assert!(line.found.contains("127.0.0.1:1"), "{report}");
    }
    let printed = format!("{report}{}", report.to_json());
    assert!(!printed.contains("geheim"), "{printed}");
}

fn program(home: &std::path::Path, flags: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hedonic"))
        .env_remove("HEDONIC_CONFIG")
        .env_remove("DATABASE_URL")
        .arg("check")
        .arg("--data-dir")
        .arg(home.join("nothing"))
        .args(flags)
        .output()
        .expect("it starts")
}

#[test]
fn where_nothing_runs_the_program_says_what_to_do_and_makes_nothing() {
    let home = open_home();
    let text = program(home.path(), &[]);
    let printed = String::from_utf8_lossy(&text.stdout).into_owned();
    assert_eq!(text.status.code(), Some(1), "{printed}");
    assert!(printed.contains("failed   broker"), "{printed}");
    assert!(printed.contains("start hedonic"), "{printed}");
    assert!(!home.path().join("nothing").exists(), "nothing is made");

    let json = program(home.path(), &["--json"]);
    let printed: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(printed["healthy"], false, "{printed}");
}

#[test]
fn a_settings_file_that_is_wrong_is_a_line_of_its_own() {
    let home = open_home();
    let file = home.path().join("hedonic.toml");
    std::fs::write(
        &file,
        "[kafka]\nbrokers = \"127.0.0.1:1\"\nnonsense = 1\n[database]\nurl = \"postgres://x@y/z\"\n",
    )
    .expect("writes");
    let wrong = program(home.path(), &["--config", &file.display().to_string()]);
    let printed = String::from_utf8_lossy(&wrong.stdout).into_owned();
    assert_eq!(wrong.status.code(), Some(1), "{printed}");
    assert!(printed.contains("failed   settings"), "{printed}");
    assert!(printed.contains("nonsense"), "{printed}");
}
