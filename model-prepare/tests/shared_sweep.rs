//! Sweeps whose trials several processes share through PostgreSQL, one of which is killed.

mod made;

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use embedded::{Postgres, PostgresOptions};
use made::{csv, output_text};
use registry::{Directory, Registry};
use serde_json::Value;
use sqlx::{Connection, PgConnection};

const TRIALS: usize = 12;
const ROUND: usize = 4;
/// Of the whole test.
const LIMIT: Duration = Duration::from_secs(300);

/// A trial takes long enough to be killed in.
const SETTINGS: &str = r#"
[prepare]
folds = 3

[[prepare.members]]
name = "trees"
options = { kind = "boosted", growth = "leaf-wise", rounds = 60, rate = 0.1, leaves = 16, depth = 6, leaf_rows = 5.0, row_share = 0.8, column_share = 0.8, penalty = 1.0, trusted = 0.9, patience = 60 }

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

struct Stage {
    home: tempfile::TempDir,
    postgres: Postgres,
}

impl Stage {
    async fn set() -> Stage {
        common::telemetry::choose_tls_provider();
        let home = tempfile::tempdir().expect("temporary directory");
        // The server's user must reach it where the test runs as root.
        let open = Command::new("chmod").arg("755").arg(home.path()).status();
        assert!(open.expect("chmod").success());
        let postgres = Postgres::start(PostgresOptions::new(home.path())).await;
        std::fs::write(home.path().join("listings.csv"), csv(3000)).expect("file");
        std::fs::write(home.path().join("settings.toml"), SETTINGS).expect("file");
        Stage {
            home,
            postgres: postgres.expect("PostgreSQL starts"),
        }
    }

    async fn connection(&self) -> PgConnection {
        let connecting = PgConnection::connect(&self.postgres.url()).await;
        connecting.expect("connects")
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.home.path().join(name)
    }

    /// A call of `sweep` on the file.
    fn command(&self, registry: &str, flags: &[&str]) -> Command {
        let base = made::command(Path::new("unused"), &[]);
        let mut command = Command::new(base.get_program());
        for (name, value) in base.get_envs() {
            if value.is_none() {
                command.env_remove(name);
            }
        }
        command
            .args(["sweep", "--json", "--data"])
            .arg(self.path("listings.csv"))
            .arg("--config")
            .arg(self.path("settings.toml"))
            .arg("--registry")
            .arg(self.path(registry))
            .args(["--trials", &TRIALS.to_string()])
            .args(["--round", &ROUND.to_string()])
            .args(flags);
        command
    }

    /// A worker of the shared sweep.
    fn worker(&self, flags: &[&str]) -> Command {
        let mut command = self.command("shared", flags);
        command
            .args(["--database-url", &self.postgres.url(), "--lease", "3"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

fn parsed(output: &Output) -> Value {
    let (out, error) = output_text(output);
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

/// Kills a worker in the middle of a trial; which trial.
async fn kill_in_a_trial(connection: &mut PgConnection, child: &mut Child) -> i32 {
    let pid = child.id().to_string();
    let until = Instant::now() + LIMIT;
    let held = "SELECT number FROM hedonic_sweep_trials WHERE worker LIKE '%:' || $1 || ':%' \
                AND trial IS NULL";
    loop {
        assert!(Instant::now() < until, "the worker never had a trial");
        let is_made: bool =
            sqlx::query_scalar("SELECT to_regclass('hedonic_sweep_trials') IS NOT NULL")
                .fetch_one(&mut *connection)
                .await
                .expect("asks");
        if !is_made {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        }
        let ask = async |connection: &mut PgConnection| -> Option<i32> {
            let asked = sqlx::query_scalar(held).bind(&pid);
            asked.fetch_optional(connection).await.expect("asks")
        };
        if ask(connection).await.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        }
        // It cannot finish while it is looked at.
        testbed::signal("STOP", &pid);
        // A statement that is on its way is stored.
        tokio::time::sleep(Duration::from_millis(200)).await;
        if let Some(number) = ask(connection).await {
            child.kill().expect("kills");
            child.wait().expect("is gone");
            return number;
        }
        testbed::signal("CONT", &pid);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_workers_of_which_one_is_killed_try_what_one_worker_tries() {
    let stage = Stage::set().await;
    let alone = stage.command("alone", &[]).output();
    let alone = parsed(&alone.expect("the program runs"));
    assert_eq!(trials(&alone).len(), TRIALS);

    let mut connection = stage.connection().await;
    let mut victim = stage.worker(&[]).spawn().expect("starts");
    let others: Vec<Child> = (0..2)
        .map(|_| stage.worker(&[]).spawn().expect("starts"))
        .collect();
    let number = kill_in_a_trial(&mut connection, &mut victim).await;
    let waiting = others.into_iter().map(|child| {
        tokio::task::spawn_blocking(move || child.wait_with_output().expect("it ends"))
    });
    let mut shared = Vec::new();
    for output in waiting.collect::<Vec<_>>() {
        let output = tokio::time::timeout(LIMIT, output).await;
        shared.push(parsed(&output.expect("in time").expect("waits")));
    }

    // The same as one process alone, and each worker shows the same.
    for swept in &shared {
        assert_eq!(trials(swept), trials(&alone));
        assert_eq!(swept["best"]["values"], alone["best"]["values"]);
        assert_eq!(swept["version"], shared[0]["version"]);
        assert_eq!(swept["run"], shared[0]["run"]);
    }
    let counts: (i64, i64, i64) = sqlx::query_as(
        "SELECT count(*), count(trial), count(*) FILTER (WHERE tries > 1 AND number = $1) \
         FROM hedonic_sweep_trials",
    )
    .bind(number)
    .fetch_one(&mut connection)
    .await
    .expect("asks");
    assert_eq!(counts, (TRIALS as i64, TRIALS as i64, 1), "trial {number}");

    // Each trial is one run, the best one version; no journal lies in the registry.
    let registry = Directory::new(stage.path("shared"));
    assert_eq!(registry.versions().expect("reads").len(), 1);
    let run = shared[0]["run"].as_str().expect("an id");
    let runs = registry.runs().expect("reads");
    let mut names: Vec<&str> = runs
        .iter()
        .filter(|part| part.parent.as_deref() == Some(run))
        .map(|part| part.name.as_str())
        .filter(|name| name.starts_with("trial "))
        .collect();
    names.sort_unstable();
    let mut expected: Vec<String> = (0..TRIALS)
        .map(|number| format!("trial {number}"))
        .collect();
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert!(!stage.path("shared").join("sweeps").exists());
    let page = registry.artifact(run, "sweep.html").expect("reads");
    assert!(page.is_some(), "the page is kept with the run");

    // A worker that comes late has the result; other settings are refused.
    let late = stage.worker(&[]).output().expect("the program runs");
    assert_eq!(parsed(&late)["version"], shared[0]["version"]);
    assert_eq!(registry.versions().expect("reads").len(), 1);
    let other = stage.worker(&["--seed", "7"]).output();
    let other = other.expect("the program runs");
    assert_eq!(other.status.code(), Some(1));
    let (_, error) = output_text(&other);
    assert!(error.contains("give another --name"), "{error}");
    connection.close().await.expect("closes");
    stage.postgres.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_that_ends_each_of_its_workers_fails_and_the_sweep_goes_on() {
    let stage = Stage::set().await;
    let mut connection = stage.connection().await;
    let whole = stage.worker(&["--name", "poison"]).output();
    parsed(&whole.expect("the program runs"));
    // As if trial 2 had ended five workers.
    for sql in [
        "UPDATE hedonic_sweep_trials SET trial = NULL, tries = 5, worker = 'gone', \
         lease_until = now() - interval '1 hour' WHERE number = 2",
        "DELETE FROM hedonic_sweep_trials WHERE number > 3",
        "UPDATE hedonic_sweeps SET closed_trials = 0, result = NULL",
    ] {
        let done = sqlx::query(sql).execute(&mut connection).await;
        done.expect("the tables are ours");
    }
    let again = stage.worker(&["--name", "poison"]).output();
    let again = parsed(&again.expect("the program runs"));
    let all = again["trials"].as_array().expect("trials");
    assert_eq!(all.len(), TRIALS);
    assert_eq!(all[2]["outcome"], "failed", "{}", all[2]);
    let error = all[2]["error"].as_str().expect("a reason");
    assert!(error.contains("5 workers ended"), "{error}");
    let failed = all.iter().filter(|trial| trial["outcome"] == "failed");
    assert_eq!(failed.count(), 1);
    connection.close().await.expect("closes");
    stage.postgres.stop().await.expect("stops");
}
