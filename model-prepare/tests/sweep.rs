//! Sweeps by the built program: the same trials by seed, going on after a kill, the winner registered.

mod made;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use made::{csv, output_text};
use registry::{Alias, Directory, Registry, RunStatus};
use serde_json::Value;

/// Two parameters of small trees: a trial takes a moment. No linear member: it would say it all.
const SETTINGS: &str = r#"
[prepare]
folds = 3

[[prepare.members]]
name = "trees"
options = { kind = "boosted", growth = "leaf-wise", rounds = 30, rate = 0.1, leaves = 8, depth = 5, leaf_rows = 5.0, row_share = 0.8, column_share = 0.8, penalty = 1.0, trusted = 0.9, patience = 10 }

[prepare.sweep]
warmup = 4
first_stride = 2

[[prepare.sweep.parameters]]
member = "trees"
option = "rate"
low = 0.01
high = 0.5
log = true

[[prepare.sweep.parameters]]
member = "trees"
option = "leaves"
choices = [2, 8, 32]
"#;

fn command(home: &Path, registry: &str, trials: usize, parallel: usize) -> Command {
    let (file, settings) = (home.join("listings.csv"), home.join("settings.toml"));
    std::fs::write(&file, csv(1500)).expect("file");
    std::fs::write(&settings, SETTINGS).expect("file");
    let base = made::command(Path::new("unused"), &[]);
    let mut command = Command::new(base.get_program());
    for (name, value) in base.get_envs() {
        if value.is_none() {
            command.env_remove(name);
        }
    }
    command
        .env_remove("MLFLOW_TRACKING_URI")
        .args(["sweep", "--json", "--data"])
        .arg(file)
        .arg("--config")
        .arg(settings)
        .arg("--registry")
        .arg(home.join(registry))
        .args(["--trials", &trials.to_string()])
        .args(["--parallel", &parallel.to_string()]);
    command
}

fn sweep(home: &Path, registry: &str, trials: usize, parallel: usize) -> Value {
    let output = command(home, registry, trials, parallel).output();
    let output = output.expect("the program runs");
    let (out, error) = output_text(&output);
    assert_eq!(output.status.code(), Some(0), "{out}{error}");
    serde_json::from_str(&out).expect("one JSON object")
}

/// What must be the same of the same sweep.
fn trials(sweep: &Value) -> Vec<(Value, Value, Value)> {
    let all = sweep["trials"].as_array().expect("trials");
    let values = |trial: &Value| {
        let (values, outcome) = (trial["values"].clone(), trial["outcome"].clone());
        (values, outcome, trial["objective"].clone())
    };
    all.iter().map(values).collect()
}

#[test]
fn the_same_seed_gives_the_same_trials_and_a_killed_sweep_goes_on() {
    let home = tempfile::tempdir().expect("temporary directory");
    let home = home.path();
    let whole = sweep(home, "whole", 12, 2);
    assert_eq!(trials(&whole).len(), 12);
    let outcomes = |of: &str| {
        let all = trials(&whole);
        all.iter().filter(|trial| trial.1 == of).count()
    };
    assert!(outcomes("given-up") > 0, "{whole}");
    assert!(outcomes("finished") >= 4, "{whole}");

    // Killed when some trials are in the ledger, with a torn line at its end.
    let ledger = home.join("killed/sweeps/sweep/trials.jsonl");
    let mut child = command(home, "killed", 12, 2)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let started = Instant::now();
    let lines = || std::fs::read_to_string(&ledger).map_or(0, |text| text.lines().count());
    while lines() < 3 {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "no trial in time"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("kills");
    child.wait().expect("is gone");
    let mut text = std::fs::read_to_string(&ledger).expect("reads");
    let kept = text.lines().count();
    assert!(kept < 12, "it was killed in the middle");
    text.push_str("{\"number\": 9");
    std::fs::write(&ledger, &text).expect("writes");
    let resumed = sweep(home, "killed", 12, 2);
    assert_eq!(trials(&resumed), trials(&whole));
    assert_eq!(resumed["best"]["values"], whole["best"]["values"]);
    let after = std::fs::read_to_string(&ledger).expect("reads");
    let first = text.lines().next().expect("a line");
    assert!(
        after.starts_with(first),
        "what was tried is not tried again"
    );
    assert_eq!(after.lines().count(), 12);

    // More of the same; other settings are refused.
    let more = sweep(home, "whole", 14, 2);
    assert_eq!(trials(&more)[..12], trials(&whole)[..]);
    let output = command(home, "whole", 14, 2).args(["--seed", "7"]).output();
    let output = output.expect("the program runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        output_text(&output).1.contains("give another --name"),
        "{output:?}"
    );
    let other = command(home, "whole", 4, 2)
        .args(["--seed", "7", "--name", "other"])
        .output()
        .expect("the program runs");
    let other: Value = serde_json::from_slice(&other.stdout).expect("JSON");
    assert_ne!(trials(&other), trials(&whole)[..4]);
}

#[test]
fn the_winner_is_the_challenger_and_every_trial_a_run() {
    let home = tempfile::tempdir().expect("temporary directory");
    let home = home.path();
    let swept = sweep(home, "models", 6, 1);
    let registry = Directory::new(home.join("models"));
    let aliases = Registry::aliases(&registry).expect("reads");
    assert_eq!(aliases.get(&Alias::Challenger), Some(&1), "{aliases:?}");
    assert_eq!(aliases.get(&Alias::Champion), None);
    let id = swept["run"].as_str().expect("an id");
    let runs = registry.runs().expect("reads");
    let parts: Vec<_> = runs
        .iter()
        .filter(|run| run.parent.as_deref() == Some(id))
        .collect();
    assert_eq!(parts.len(), 7, "six trials and the winner's fit");
    let finished = parts
        .iter()
        .filter(|run| run.name.starts_with("trial ") && run.status == RunStatus::Finished);
    let best = finished
        .min_by(|one, other| {
            let of = |run: &registry::Run| run.value("objective").expect("an error");
            of(one).total_cmp(&of(other))
        })
        .expect("one that came to its end");
    assert_eq!(best.name, format!("trial {}", swept["best"]["number"]));
    let rate = best.params["sweep.trees.rate"].clone();
    assert_eq!(rate, swept["best"]["values"][0].to_string());
    let info = registry.info(1).expect("reads");
    let winner = registry
        .run(&info.run.expect("a run"))
        .expect("reads")
        .expect("is there");
    assert_eq!(winner.params["member.trees.rate"], rate);
    let page = registry.artifact(id, "sweep.html").expect("reads");
    let page = std::fs::read_to_string(page.expect("is kept")).expect("reads");
    for part in [
        "Parallel coordinates",
        "trees.leaves",
        "<polyline",
        "Importance",
    ] {
        assert!(page.contains(part), "{part}");
    }
}
