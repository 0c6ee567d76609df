//! The cluster on disk: made by `initdb`, and only ever whole.

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rand::distr::{Alphanumeric, SampleString};

use crate::binaries::Binaries;
use crate::error::EmbeddedError;
use crate::owner::Owner;
use crate::wheel::tail;

/// The superuser of the cluster.
pub(crate) const USER: &str = "hedonic";
/// How the directories of clusters begin that are being made.
const HALF: &str = "postgres.new-";
/// Longest `initdb` may take: a second on a free machine, minutes beside other work.
const INITDB_LIMIT: Duration = Duration::from_secs(300);

/// Where a cluster's files lie.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    /// The directory that all of it is in; the server's user can reach it.
    pub home: PathBuf,
    /// PostgreSQL's data directory.
    pub data: PathBuf,
    /// What the server says.
    pub log: PathBuf,
    /// Holds the password of [`USER`].
    secret: PathBuf,
}

impl Cluster {
    pub fn below(home: &Path) -> Cluster {
        Cluster {
            home: home.to_owned(),
            data: home.join("postgres"),
            log: home.join("postgres.log"),
            secret: home.join("postgres.password"),
        }
    }

    /// Makes the cluster where there is none, and gives its password.
    ///
    /// # Errors
    /// When `initdb` fails, or the cluster was made by another major version.
    pub async fn ensure(&self, binaries: &Binaries, owner: Owner) -> Result<String, EmbeddedError> {
        let marker = self.data.join("PG_VERSION");
        if !marker.exists() {
            self.initialise(binaries, owner).await?;
        }
        let made_by = std::fs::read_to_string(&marker).map_err(EmbeddedError::io(&marker))?;
        if made_by.trim() != binaries.major() {
            return Err(EmbeddedError::OtherVersion {
                data: self.data.clone(),
                found: made_by.trim().to_owned(),
                server: binaries.major().to_owned(),
                bin: binaries.bin.clone(),
            });
        }
        self.password()
    }

    /// The password of a cluster that is there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn password(&self) -> Result<String, EmbeddedError> {
        std::fs::read_to_string(&self.secret).map_err(EmbeddedError::io(&self.secret))
    }

    async fn initialise(&self, binaries: &Binaries, owner: Owner) -> Result<(), EmbeddedError> {
        self.sweep();
        // Renamed when done: a start that is killed leaves no half of a cluster. A name of its own,
        // as a child of a killed `initdb` continues writing for a moment.
        let mark = Alphanumeric.sample_string(&mut rand::rng(), 8);
        let fresh = self.home.join(format!("{HALF}{mark}"));
        std::fs::create_dir_all(&fresh).map_err(EmbeddedError::io(&fresh))?;
        owner.give(&fresh)?;
        let password = Alphanumeric.sample_string(&mut rand::rng(), 24);
        write_private(&self.secret, &password)?;
        owner.give(&self.secret)?;
        let mut command = Command::new(binaries.bin.join("initdb"));
        command
            .current_dir("/")
            .env("LC_ALL", "C")
            .arg("--pgdata")
            .arg(&fresh)
            .args(["--username", USER, "--auth", "scram-sha-256"])
            .args(["--encoding", "UTF8", "--locale", "C", "--no-sync"])
            .arg("--pwfile")
            .arg(&self.secret)
            .stdin(Stdio::null());
        owner.run(&mut command);
        let mut command = tokio::process::Command::from(command);
        // Who leaves meanwhile takes it along.
        command.kill_on_drop(true);
        let failed = |message: String| EmbeddedError::Failed {
            program: "initdb",
            message,
        };
        let output = tokio::time::timeout(INITDB_LIMIT, command.output())
            .await
            .map_err(|_| failed(format!("not done within {} s", INITDB_LIMIT.as_secs())))?
            .map_err(EmbeddedError::io(&binaries.bin))?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr).into_owned()
                + &String::from_utf8_lossy(&output.stdout);
            return Err(failed(tail(&message, 10)));
        }
        std::fs::rename(&fresh, &self.data).map_err(EmbeddedError::io(&self.data))
    }

    /// Removes what starts that were killed have left.
    fn sweep(&self) {
        let entries = std::fs::read_dir(&self.home).into_iter().flatten();
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(HALF) {
                // What is still being written to is removed at the next start.
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }
}

fn write_private(path: &Path, text: &str) -> Result<(), EmbeddedError> {
    use std::io::Write;
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(EmbeddedError::io(path))
}
