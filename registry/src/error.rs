//! Why the registry could not be used.

use std::path::{Path, PathBuf};

/// An error of anyone who writes a version.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Fills an empty directory with a version's files.
pub type Fill<'a> = dyn FnMut(&Path) -> Result<(), BoxError> + 'a;

/// Why the registry could not be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A file or directory could not be read or written.
    #[error("cannot use the registry at {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// A file of the registry is not what was written.
    #[error("{path} was not written by this program: {detail}; repair it or move it away")]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// There is no such version.
    #[error(
        "expected a version v{number:06}, found none in {place}: `versions` lists all versions"
    )]
    NoVersion {
        /// Which was requested.
        number: u64,
        /// Where.
        place: String,
    },
    /// There is nothing to go back to.
    #[error(
        "expected a version to roll back to, found no `previous` in {place}: promote one by its \
         number"
    )]
    NoPrevious {
        /// Where.
        place: String,
    },
    /// An alias names the version that is to be taken away.
    #[error("expected an unused version, but v{number:06} is the {alias}: promote another first")]
    InUse {
        /// Which.
        number: u64,
        /// What it is.
        alias: crate::Alias,
    },
    /// Somebody has decided otherwise meanwhile.
    #[error(
        "expected v{number:06} to be the champion, found {}: nothing was changed",
        found.map_or("none".to_owned(), |number| format!("v{number:06}"))
    )]
    NotChampion {
        /// Which was to be rolled back.
        number: u64,
        /// Which it is.
        found: Option<u64>,
    },
    /// A champion is named already: nothing to pin.
    #[error("the champion is named already")]
    IsPinned,
    /// What was downloaded is not what was published.
    #[error(
        "{file} of v{number:06} does not match its SHA256SUMS: it was changed or truncated; \
         publish the version again"
    )]
    Checksum {
        /// Which version.
        number: u64,
        /// Which file.
        file: String,
    },
    /// A list of checksums cannot be used.
    #[error("the SHA256SUMS of v{number:06} is invalid: {detail}; publish the version again")]
    Sums {
        /// Which version.
        number: u64,
        /// What is wrong.
        detail: String,
    },
    /// A version is not signed as it must be.
    #[error(
        "v{number:06} is not signed by registry.public_key: {detail}; sign its SHA256SUMS: minisign -S -m \
         SHA256SUMS"
    )]
    Signature {
        /// Which version.
        number: u64,
        /// What is wrong.
        detail: String,
    },
    /// A version is larger than what is read.
    #[error("v{number:06} has more than {most} bytes (registry.max_version_bytes)")]
    TooLarge {
        /// Which version.
        number: u64,
        /// The bound.
        most: u64,
    },
    /// A version came too slowly.
    #[error(
        "v{number:06} was not downloaded within {seconds} s (registry.fetch_timeout_s): is the \
         connection slow?"
    )]
    TooSlow {
        /// Which version.
        number: u64,
        /// The bound.
        seconds: u64,
    },
    /// A file is not a regular file, leads out of its directory, or is too large.
    #[error(transparent)]
    Input(bounded::InputError),
    /// Somebody holds the lock for longer than any writer needs.
    #[error(
        "expected the write lock of {place} within {seconds} s, but another process holds \
         {place}/.lock: end it"
    )]
    Locked {
        /// Where.
        place: PathBuf,
        /// How long was waited.
        seconds: u64,
    },
    /// A setting cannot be used.
    #[error("{setting}: expected {expected}, found {found:?}")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A bucket does not do what it is asked.
    #[error(
        "cannot use the registry at {place}: {detail}; check the bucket's name, AWS_ENDPOINT_URL and the \
         credentials"
    )]
    Bucket {
        /// Where it should be.
        place: String,
        /// What was met.
        detail: String,
    },
    /// The server is away: it may come back.
    #[error("the MLflow server at {uri} does not answer: {detail}")]
    Unreachable {
        /// Where it should be.
        uri: String,
        /// What was met.
        detail: String,
    },
    /// The server answers, and refuses.
    #[error("the MLflow server at {uri} refused {call}: {code}: {message}")]
    Refused {
        /// Where it is.
        uri: String,
        /// What was asked of it.
        call: String,
        /// Its code, such as `RESOURCE_DOES_NOT_EXIST`.
        code: String,
        /// Its message.
        message: String,
    },
    /// The version could not be written by its maker.
    #[error("cannot write the model")]
    Write(#[source] BoxError),
}

impl RegistryError {
    /// Whether waiting may fix it.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            RegistryError::Unreachable { .. }
                | RegistryError::Bucket { .. }
                | RegistryError::TooSlow { .. }
        )
    }
}

/// What a failure at a path is to the registry.
pub(crate) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> RegistryError + use<> {
    let path = path.to_owned();
    move |source| RegistryError::File { path, source }
}

/// Why a version could not be published; nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub enum PublishError<E: std::error::Error + 'static> {
    /// The directory would not take it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The model could not be written.
    #[error("cannot write the model")]
    Write(#[source] E),
}
