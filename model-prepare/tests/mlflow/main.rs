//! Trainings that are tracked and registered in a real MLflow server, and read back by MLflow's own
//! client; where `HEDONIC_TEST_MLFLOW=1`.

#[path = "../made/mod.rs"]
mod made;

use std::path::Path;
use std::process::{Child, Command, Stdio};

use made::{csv, output_text};
use serde_json::Value;
use testbed::MlflowServer;

/// The program with its home in the server.
fn command(home: &Path, uri: &str, flags: &[&str]) -> Command {
    let registry = home.join("models").display().to_string();
    let base = made::command(Path::new(&registry), &[]);
    let mut command = Command::new(base.get_program());
    for (name, value) in base.get_envs() {
        if value.is_none() {
            command.env_remove(name);
        }
    }
    command
        .env("MLFLOW_TRACKING_URI", uri)
        .args(flags)
        .args(["--registry", &registry]);
    command
}

fn run(home: &Path, uri: &str, flags: &[&str]) -> String {
    let output = command(home, uri, flags)
        .output()
        .expect("the program runs");
    let (out, error) = output_text(&output);
    assert_eq!(output.status.code(), Some(0), "{flags:?}: {out}{error}");
    out
}

/// What MLflow's client finds of the champion.
fn read_back(server: &MlflowServer, home: &Path) -> Value {
    let output = Command::new(server.python())
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/mlflow/read_back.py"
        ))
        .arg(server.uri())
        .env("HEDONIC_MODEL_PREPARE", env!("CARGO_BIN_EXE_model-prepare"))
        .current_dir(home)
        .output()
        .expect("Python runs");
    let (out, error) = output_text(&output);
    assert!(output.status.success(), "{out}{error}");
    serde_json::from_str(out.lines().last().expect("a line")).expect("JSON")
}

#[test]
fn mlflow_s_client_reads_back_what_was_logged_and_predicts_the_same() {
    let home = tempfile::tempdir().expect("temporary directory");
    let Some(server) = MlflowServer::start(home.path()) else {
        return;
    };
    let (home, uri) = (home.path(), server.uri());
    let file = home.join("listings.csv");
    std::fs::write(&file, csv(900)).expect("file");
    let data = file.display().to_string();
    let quick = ["--data", data.as_str(), "--set", "prepare.effort=quick"];
    let out = run(home, &uri, &quick);
    assert!(
        out.contains("promoted: there is no other version yet"),
        "{out}"
    );
    std::fs::write(&file, csv(1600)).expect("file");
    let out = run(home, &uri, &quick);
    assert!(out.contains("promoted: it passes all 7 checks"), "{out}");

    let found = read_back(&server, home);
    assert_eq!(found["champion"], 2, "{found}");
    assert_eq!(found["previous"], 1);
    assert_eq!(found["status"], "FINISHED");
    assert_eq!(found["params"]["data.rows"], "1600");
    assert_eq!(found["params"]["member.linear.kind"], "linear");
    assert_eq!(found["folds"].as_array().expect("steps").len(), 5);
    let shown = run(home, &uri, &["show", "champion", "--json"]);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    let ours = shown["run"]["measures"].as_array().expect("measures");
    let ours = ours
        .iter()
        .find(|metric| metric["key"] == "mdape")
        .expect("mdape");
    assert_eq!(found["mdape"], ours["value"]);
    let files: Vec<&str> = found["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|name| name.as_str().expect("text"))
        .collect();
    for file in [
        "report.html",
        "report.json",
        "training_set.parquet",
        "model",
    ] {
        assert!(files.contains(&file), "{file}: {files:?}");
    }
    assert_eq!(found["training_rows"], 1600, "by pandas");

    // The same records through the program.
    let records: Vec<String> = found["records"]
        .as_array()
        .expect("records")
        .iter()
        .map(ToString::to_string)
        .collect();
    let mut child: Child = command(home, &uri, &["price"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    std::io::Write::write_all(
        &mut child.stdin.take().expect("a pipe"),
        records.join("\n").as_bytes(),
    )
    .expect("writes");
    let output = child.wait_with_output().expect("ends");
    let (out, _) = output_text(&output);
    let ours: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(ours.len(), 3);
    assert_eq!(found["prices"], Value::Array(ours));
    server.stop();
}

#[test]
fn a_server_that_goes_away_in_the_middle_loses_nothing() {
    let home = tempfile::tempdir().expect("temporary directory");
    let Some(server) = MlflowServer::start(home.path()) else {
        return;
    };
    let (home, uri, port) = (home.path(), server.uri(), server.port);
    let file = home.join("listings.csv");
    std::fs::write(&file, csv(3000)).expect("file");
    let data = file.display().to_string();
    run(home, &uri, &["versions"]);
    let training = command(home, &uri, &["--data", &data])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    // It fits for longer than a server takes to be killed.
    server.stop();
    let output = training.wait_with_output().expect("ends");
    let (out, error) = output_text(&output);
    assert_eq!(output.status.code(), Some(0), "{out}{error}");
    assert!(out.contains("`model-prepare sync` sends it"), "{out}");
    assert!(error.contains("does not answer"), "{error}");
    let away = command(home, &uri, &["sync"]).output().expect("runs");
    assert_eq!(away.status.code(), Some(1));

    let server = MlflowServer::start_at(home, port).expect("starts again");
    let sent = run(home, &uri, &["sync"]);
    assert!(
        sent.contains("as v000001, promoted: there is no other"),
        "{sent}"
    );
    assert!(run(home, &uri, &["sync"]).contains("nothing waits"));
    let found = read_back(&server, home);
    assert_eq!(found["champion"], 1);
    assert_eq!(found["params"]["data.rows"], "3000");
    assert_eq!(found["folds"].as_array().expect("steps").len(), 5);
    assert_eq!(found["training_rows"], 3000);
    server.stop();
}
