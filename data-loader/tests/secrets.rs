//! No secret in logs, answers or error messages, whatever goes wrong.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Is in every secret of these tests.
const SECRET: &str = "geheim";

fn loader(environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_data-loader"));
    command
        .env_remove("HEDONIC_CONFIG")
        .env("RUST_LOG", "debug")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, value) in environment {
        command.env(name, value);
    }
    command
}

fn output_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn get(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}

#[test]
fn a_service_whose_servers_are_away_shows_no_secret() {
    let (http, away) = (free_port(), free_port());
    let secret_file = std::env::temp_dir().join(format!("hedonic-secret-{http}"));
    std::fs::write(
        &secret_file,
        format!("postgres://me:{SECRET}@127.0.0.1:{away}/x\n"),
    )
    .expect("writes");
    let mut service = loader(&[
        ("DATABASE_URL", &format!("file:{}", secret_file.display())),
        ("HEDONIC__KAFKA__BROKERS", &format!("127.0.0.1:{away}")),
        ("HEDONIC__KAFKA__PROPERTIES__SASL_PASSWORD", SECRET),
        ("HEDONIC__KAFKA__PROPERTIES__SASL_USERNAME", "me"),
    ])
    .args(["--http", &format!("127.0.0.1:{http}")])
    .spawn()
    .expect("starts");
    let until = Instant::now() + Duration::from_secs(20);
    let mut shown = String::new();
    while !shown.contains("does not answer") {
        assert!(Instant::now() < until, "it says what it waits for: {shown}");
        shown = get(http, "/health/ready").unwrap_or_default();
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(
        shown.contains(&away.to_string()),
        "the address is read from the file: {shown}"
    );
    for path in ["/status", "/metrics", "/health/live"] {
        shown += &get(http, path).expect("answers");
    }
    // The container's health check, against the same service.
    for (what, well) in [("live", true), ("ready", false)] {
        let check = loader(&[])
            .args(["--http", &format!("127.0.0.1:{http}")])
            .arg(format!("--healthcheck={what}"))
            .output()
            .expect("runs");
        assert_eq!(
            check.status.success(),
            well,
            "{what}: {}",
            output_text(&check)
        );
        shown += &output_text(&check);
    }
    service.kill().expect("stops");
    shown += &output_text(&service.wait_with_output().expect("ends"));
    std::fs::remove_file(&secret_file).expect("removes");
    assert!(!shown.contains(SECRET), "{shown}");
}

#[test]
fn wrong_settings_are_named_without_their_values() {
    let url = format!("postgres://me:{SECRET}@127.0.0.1:1/x");
    for (environment, expected) in [
        (
            vec![("DATABASE_URL", format!("nonsense-{SECRET}"))],
            "database URL",
        ),
        (
            vec![
                ("DATABASE_URL", url.clone()),
                (
                    "HEDONIC__KAFKA__PROPERTIES__SASL_PASSWORT",
                    SECRET.to_owned(),
                ),
            ],
            "sasl.passwort",
        ),
        (
            vec![
                ("DATABASE_URL", url.clone()),
                (
                    "HEDONIC__KAFKA__PROPERTIES__ENABLE_AUTO_COMMIT",
                    "true".to_owned(),
                ),
            ],
            "enable.auto.commit",
        ),
        (
            vec![("HEDONIC__DATABASE__PASSWORT", SECRET.to_owned())],
            "passwort",
        ),
        (
            vec![("DATABASE_URL", "file:/no/such/file".to_owned())],
            "/no/such/file",
        ),
    ] {
        let environment: Vec<(&str, &str)> = environment
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let started = Instant::now();
        let output = loader(&environment)
            .args(["--http", "127.0.0.1:0"])
            .output()
            .expect("runs");
        let printed = output_text(&output);
        assert_eq!(output.status.code(), Some(1), "{printed}");
        assert!(printed.contains(expected), "{expected}: {printed}");
        assert!(!printed.contains(SECRET), "{printed}");
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "wrong settings fail at start"
        );
    }
}
