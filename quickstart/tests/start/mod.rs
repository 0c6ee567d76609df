//! What the tests of a whole run share.

// Every test program takes what it needs of it.
#![allow(dead_code)]

use std::path::Path;
use std::time::Duration;

use quickstart::Options;

/// A temporary directory that the database's user can reach where the test runs as root.
pub fn open_home() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().expect("a temporary directory");
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o755))
        .expect("its mode can be set");
    home
}

/// The embedded servers, without an end.
pub fn options(home: &Path) -> Options {
    common::telemetry::choose_tls_provider();
    Options {
        data_dir: home.to_owned(),
        stop_after: None,
        timeout: Duration::from_secs(180),
        database_url: None,
        kafka: None,
        data: None,
        set: Vec::new(),
        live: false,
        json: false,
    }
}
