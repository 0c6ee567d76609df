//! A directory for a cluster, and a question to its server.

// Every test program takes what it needs of it.
#![allow(dead_code)]

use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use sqlx::{Connection, PgConnection};

/// A temporary directory that the server's user can reach where the test runs as root.
pub fn open_home() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a temporary directory");
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o755))
        .expect("its mode can be set");
    home
}

/// The number that a statement gives.
pub async fn number_of(url: &str, sql: &'static str) -> i64 {
    let mut connection = PgConnection::connect(url).await.expect("connects");
    sqlx::query_scalar(sql)
        .fetch_one(&mut connection)
        .await
        .expect("answers")
}

/// Says that a test did not take place, past the harness, which hides what a passing test prints.
pub fn skipped(why: &str) {
    // A closed standard error has no reader.
    let _ = std::io::stderr().write_all(format!("\nSKIPPED: {why}\n").as_bytes());
}
