//! The PostgreSQL server's programs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A directory with `postgres` and `initdb`.
#[derive(Debug, Clone)]
pub struct Binaries {
    /// The directory.
    pub bin: PathBuf,
    /// What `postgres --version` says, such as `15.18`.
    pub version: String,
}

impl Binaries {
    /// The major version, such as `15`.
    pub fn major(&self) -> &str {
        self.version.split('.').next().unwrap_or(&self.version)
    }

    /// The programs of a directory, where they are there and run.
    pub(crate) fn at(bin: &Path) -> Option<Binaries> {
        // A link in PATH points to where the server's other files are.
        let postgres = bin.join("postgres").canonicalize().ok()?;
        let bin = postgres.parent()?.to_owned();
        if !bin.join("initdb").exists() {
            return None;
        }
        let output = Command::new(&postgres).arg("--version").output().ok()?;
        let message = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = message.split_whitespace().nth(2)?.to_owned();
        Some(Binaries { bin, version })
    }
}
