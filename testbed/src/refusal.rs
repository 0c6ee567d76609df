//! A program that refuses its input.

use std::process::{Command, Stdio};

/// Runs `program` with `flags` and without settings of the environment, and returns what it printed on standard
/// error: it must be one clear error and exit code 1.
///
/// # Panics
/// When the program succeeds, prints no error or several, or a backtrace.
pub fn refusal(program: &str, flags: &[&str]) -> String {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars() {
        let is_ours = ["HEDONIC", "MLFLOW", "RUST_"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
        if is_ours || name == "DATABASE_URL" {
            command.env_remove(name);
        }
    }
    let output = command.args(flags).stdin(Stdio::null()).output();
    let output = output.expect("the program runs");
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{flags:?}: {printed}");
    let errors = printed.lines().filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "{flags:?}: {printed}");
    for unclear in ["backtrace", "panicked", "Error {"] {
        assert!(!printed.contains(unclear), "{flags:?}: {printed}");
    }
    printed
}
