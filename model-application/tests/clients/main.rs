//! Public clients of the HTTP interface: Triton's client of the Open Inference Protocol, and
//! Schemathesis, which tries what `/openapi.json` says with thousands of requests, good and bad.
//!
//! Runs where `HEDONIC_TEST_CLIENTS` names a directory, in which they are installed with Python's
//! `venv` and `pip` and kept for the next run.

#[path = "../conservation/model.rs"]
mod model;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::{Running, Testbed, eventually};

const LIMIT: Duration = Duration::from_secs(180);
/// The versions this was written against.
const PACKAGES: [&str; 2] = ["schemathesis==4.32.5", "tritonclient[http]==2.73.0"];

const CONFIG: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/clients/schemathesis.toml"
);

fn output_text(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(error)
}

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("the program is there");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        output_text(&output)
    );
    output
}

/// Installed once, by whichever test comes first.
static CLIENTS: LazyLock<Option<PathBuf>> = LazyLock::new(install);

/// The directory of the clients' programs; `None`, loudly, where they are not asked for.
fn install() -> Option<PathBuf> {
    let home = std::env::var_os("HEDONIC_TEST_CLIENTS").filter(|home| !home.is_empty());
    let Some(home) = home.map(PathBuf::from) else {
        eprintln!("SKIPPED: HEDONIC_TEST_CLIENTS does not name a directory to install clients in");
        return None;
    };
    let programs = home.join("bin");
    if !programs.join("schemathesis").exists() || !home.join("complete").exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&home));
        let pip = programs.join("pip");
        run(Command::new(pip)
            .args(["install", "--quiet"])
            .args(PACKAGES));
        std::fs::write(home.join("complete"), "").expect("the directory is ours");
    }
    Some(programs)
}

async fn applier(bed: &Testbed) -> Running {
    model::publish(bed, 100_000.0);
    let config = model_application::Config::new(&bed.settings(&[
        ("applier.token", "a secret"),
        ("applier.max_records", "50"),
        ("applier.max_body_bytes", "100000"),
    ]));
    let config = config.expect("valid settings");
    let running =
        Running::start(|listener, shutdown| model_application::run(config, listener, shutdown));
    eventually("ready", LIMIT, || running.is_ready()).await;
    running
}

/// On a thread that may block: the service answers on the others.
async fn python(programs: &Path, arguments: Vec<String>) -> Output {
    let program = programs.join("python");
    tokio::task::spawn_blocking(move || run(Command::new(program).args(arguments)))
        .await
        .expect("the client does not panic")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_client_of_the_inference_protocol_is_answered() {
    let Some(programs) = CLIENTS.as_deref() else {
        return;
    };
    let bed = Testbed::start().await;
    let running = applier(&bed).await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/infer.py");
    let arguments = [script, &running.http.to_string(), "a secret"].map(str::to_owned);
    let output = python(programs, arguments.to_vec()).await;
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(found["ready"], true);
    assert_eq!(found["versions"], json!(["v000001"]));
    assert_eq!(
        found["prediction"].as_array().map(Vec::len),
        Some(2),
        "{found}"
    );

    let record = |id: &str, area: f64| json!({"id": id, "city": "city1", "street": "street6", "floor": 3, "rooms": 2, "area": area});
    let url = format!("http://{}/predict", running.http);
    let answers = reqwest::Client::new()
        .post(url)
        .bearer_auth("a secret")
        .json(&[record("a", 50.0), record("b", 70.0)])
        .send()
        .await
        .expect("the service answers");
    let answers: Value = answers.json().await.expect("JSON");
    for row in 0..2 {
        for part in ["prediction", "low", "high"] {
            // A whole number has a point in a tensor, and none in an answer.
            assert_eq!(
                found[part][row].as_f64(),
                answers[row][part].as_f64(),
                "{part} of row {row}"
            );
        }
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_does_what_its_openapi_document_says() {
    let Some(programs) = CLIENTS.as_deref() else {
        return;
    };
    let bed = Testbed::start().await;
    let running = applier(&bed).await;
    let program = programs.join("schemathesis");
    let url = format!("http://{}/openapi.json", running.http);
    let checked = tokio::task::spawn_blocking(move || {
        // It keeps what it found in the directory it is run in.
        let home = tempfile::tempdir().expect("a temporary directory");
        Command::new(program)
            .current_dir(home.path())
            .args(["--config-file", CONFIG])
            .args([
                "run",
                &url,
                "--max-examples",
                "40",
                "--seed",
                "42",
                "--no-color",
            ])
            .args(["--header", "Authorization: Bearer a secret"])
            .output()
    });
    let output = checked
        .await
        .expect("the client does not panic")
        .expect("the program is there");
    assert!(output.status.success(), "{}", output_text(&output));
    assert!(running.is_ready().await, "it is still well");
    running.stop().await;
}
