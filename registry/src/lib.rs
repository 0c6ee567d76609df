//! Model versions in a directory. Knows nothing of what is inside a model.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Tries to find a free number while others publish too.
const TRIES: u64 = 1000;

/// Why the registry could not be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the registry at {path}")]
pub struct RegistryError {
    /// Which file or directory.
    pub path: PathBuf,
    /// What the operating system said.
    pub source: std::io::Error,
}

/// Why a version could not be published; nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub enum PublishError<E: std::error::Error + 'static> {
    /// The directory would not take it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The model could not be written.
    #[error("the model could not be written")]
    Write(#[source] E),
}

/// One version of a model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Counts up from 1.
    pub number: u64,
    /// The directory with its files.
    pub path: PathBuf,
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "v{:06}", self.number)
    }
}

/// A registry in a directory: one subdirectory a version.
#[derive(Debug, Clone)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// The registry at `root`, which is made at the first publication.
    pub fn new(root: impl Into<PathBuf>) -> Directory {
        Directory { root: root.into() }
    }

    /// Lets `write` fill a directory beside the versions, then renames it into place: a reader
    /// never sees half of a version.
    ///
    /// # Errors
    /// When the directory cannot be used or `write` fails.
    pub fn publish<E: std::error::Error + 'static>(
        &self,
        write: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<Version, PublishError<E>> {
        static PUBLICATION: AtomicU64 = AtomicU64::new(0);
        let number = PUBLICATION.fetch_add(1, Ordering::Relaxed);
        let fresh = self
            .root
            .join(format!(".new-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&fresh).map_err(at(&fresh))?;
        let result = write(&fresh)
            .map_err(PublishError::Write)
            .and_then(|()| Ok(self.place(&fresh)?));
        if result.is_err() {
            // It may have been moved or never made: what is left is what counts.
            let _ = std::fs::remove_dir_all(&fresh);
        }
        result
    }

    /// All versions, the oldest first.
    ///
    /// # Errors
    /// When the directory is there but cannot be read.
    pub fn versions(&self) -> Result<Vec<Version>, RegistryError> {
        let entries = match std::fs::read_dir(&self.root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(at(&self.root)(error)),
        };
        let mut versions: Vec<Version> = entries
            .filter_map(Result::ok)
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let number = name.strip_prefix('v')?.parse().ok()?;
                Some(Version {
                    number,
                    path: entry.path(),
                })
            })
            .collect();
        versions.sort();
        Ok(versions)
    }

    /// The version with the highest number.
    ///
    /// # Errors
    /// When the directory is there but cannot be read.
    pub fn newest(&self) -> Result<Option<Version>, RegistryError> {
        Ok(self.versions()?.pop())
    }

    fn place(&self, fresh: &Path) -> Result<Version, RegistryError> {
        let mut number = self.newest()?.map_or(1, |newest| newest.number + 1);
        for _ in 0..TRIES {
            let path = self.root.join(format!("v{number:06}"));
            // A rename onto a directory that is not empty fails: another has taken the number.
            match std::fs::rename(fresh, &path) {
                Ok(()) => return Ok(Version { number, path }),
                Err(_) if path.exists() => number += 1,
                Err(error) => return Err(at(&path)(error)),
            }
        }
        Err(at(fresh)(std::io::Error::other("no free version number")))
    }
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> RegistryError + use<> {
    let path = path.to_owned();
    move |source| RegistryError { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publications_at_the_same_time_get_numbers_of_their_own() {
        let home = tempfile::tempdir().expect("temporary directory");
        let registry = Directory::new(home.path().join("models"));
        assert_eq!(registry.newest().expect("reads"), None);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    registry
                        .publish(|path| std::fs::write(path.join("model"), "x"))
                        .expect("publishes")
                });
            }
        });
        let numbers: Vec<u64> = registry
            .versions()
            .expect("reads")
            .iter()
            .map(|version| version.number)
            .collect();
        assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
    }

    #[test]
    fn a_failed_write_leaves_nothing() {
        let home = tempfile::tempdir().expect("temporary directory");
        let registry = Directory::new(home.path());
        let failed = registry.publish(|path| {
            std::fs::write(path.join("half"), "x")?;
            Err(std::io::Error::other("full"))
        });
        assert!(matches!(failed, Err(PublishError::Write(_))));
        let left = std::fs::read_dir(home.path()).expect("reads").count();
        assert_eq!(left, 0);
    }
}
