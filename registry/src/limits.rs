//! How much of a home is read: anyone who writes to it is not the one who reads.

use std::time::{Duration, Instant};

use bounded::InputError;

use crate::RegistryError;

/// Longest file of the registry itself: aliases, decisions, tags, a run.
pub(crate) const JSON_BYTES: u64 = 64 << 20;
/// Longest list of a version's checksums.
pub(crate) const SUMS_BYTES: u64 = 1 << 20;
/// Files of a version at most.
pub(crate) const VERSION_FILES: usize = 1000;
/// Pages of an answer asked for at most: a server that always names a next one ends there.
pub(crate) const PAGES: usize = 10_000;

/// Bounds of what a version may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all its files together.
    pub version_bytes: u64,
    /// Longest that fetching all of them may take.
    pub fetch: Duration,
    /// Whether versions must be signed: a copy without a signature is fetched again then.
    pub signed: bool,
}

impl Default for Limits {
    /// 1 GiB, 10 minutes.
    fn default() -> Limits {
        Limits {
            version_bytes: 1 << 30,
            fetch: Duration::from_secs(600),
            signed: false,
        }
    }
}

/// What is left of the bounds while a version is fetched.
#[derive(Debug)]
pub(crate) struct Budget {
    limits: Limits,
    number: u64,
    bytes: u64,
    until: Instant,
}

impl Budget {
    pub(crate) fn new(limits: Limits, number: u64) -> Budget {
        Budget {
            limits,
            number,
            bytes: limits.version_bytes,
            until: Instant::now() + limits.fetch,
        }
    }

    /// Bytes that may still come.
    pub(crate) fn left(&self) -> u64 {
        self.bytes
    }

    /// Counts bytes that came.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), RegistryError> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        match self.bytes.checked_sub(bytes) {
            None => Err(self.too_large()),
            Some(_) if Instant::now() > self.until => Err(RegistryError::TooSlow {
                number: self.number,
                seconds: self.limits.fetch.as_secs(),
            }),
            Some(left) => {
                self.bytes = left;
                Ok(())
            }
        }
    }

    pub(crate) fn too_large(&self) -> RegistryError {
        RegistryError::TooLarge {
            number: self.number,
            most: self.limits.version_bytes,
        }
    }
}

/// A file that could not be read, as the registry says it.
pub(crate) fn input(error: InputError) -> RegistryError {
    match error {
        InputError::Io { path, source } => RegistryError::File { path, source },
        error => RegistryError::Input(error),
    }
}
