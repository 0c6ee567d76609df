//! The home in a directory:
//!
//! ```text
//! v000001/ …              the versions: renamed into place whole, never changed afterwards
//!   registry.json         when and by which run it was made
//! aliases.json            which version each alias names, and how many decisions there were
//! history/000001.json …   the decisions; those beyond that count were never taken
//! tags/v000001.json …     tags of versions
//! runs/ID/run.json …      runs, with the files they kept in runs/ID/artifacts/
//! .lock                   held while aliases, tags or runs are written
//! ```
//!
//! Every file is written beside and renamed into place: readers need no lock.

mod atomic;
mod lock;
mod publish;
mod runs;
mod stages;

use std::path::{Path, PathBuf};

use crate::error::Fill;
use crate::stage::Plan;
use crate::{
    Aliases, Artifact, Change, PublishError, Registry, RegistryError, Run, Stage, Version,
    VersionInfo,
};

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
        publish::publish(&self.root, None, |path| {
            write(path).map_err(PublishError::Write)
        })
    }

    /// All versions, the oldest first.
    ///
    /// # Errors
    /// When the directory is there but cannot be read.
    pub fn versions(&self) -> Result<Vec<Version>, RegistryError> {
        publish::versions(&self.root)
    }

    /// The version with the highest number.
    ///
    /// # Errors
    /// When the directory is there but cannot be read.
    pub fn newest(&self) -> Result<Option<Version>, RegistryError> {
        Ok(self.versions()?.pop())
    }

    fn existing(&self, number: u64) -> Result<Version, RegistryError> {
        self.version(number)?.ok_or(RegistryError::NoVersion {
            number,
            place: self.place(),
        })
    }
}

impl Registry for Directory {
    fn place(&self) -> String {
        self.root.display().to_string()
    }

    fn versions(&self) -> Result<Vec<Version>, RegistryError> {
        publish::versions(&self.root)
    }

    fn publish_from(
        &self,
        run: Option<&str>,
        write: &mut Fill<'_>,
    ) -> Result<Version, RegistryError> {
        publish::publish(&self.root, run, |path| {
            write(path).map_err(RegistryError::Write)
        })
    }

    fn fetch(&self, version: &Version) -> Result<PathBuf, RegistryError> {
        Ok(self.existing(version.number)?.path)
    }

    fn info(&self, number: u64) -> Result<VersionInfo, RegistryError> {
        stages::info(&self.root, &self.existing(number)?)
    }

    fn tag(&self, number: u64, key: &str, value: &str) -> Result<(), RegistryError> {
        self.existing(number)?;
        stages::tag(&self.root, number, key, value)
    }

    fn delete(&self, number: u64) -> Result<(), RegistryError> {
        let version = self.existing(number)?;
        stages::delete(&self.root, &version)
    }

    fn aliases(&self) -> Result<Aliases, RegistryError> {
        stages::aliases(&self.root)
    }

    fn history(&self) -> Result<Vec<Change>, RegistryError> {
        stages::history(&self.root)
    }

    fn change(
        &self,
        plan: &dyn Fn(&Stage) -> Result<Plan, RegistryError>,
    ) -> Result<Change, RegistryError> {
        stages::change(&self.root, plan)
    }

    fn log_run(&self, run: &Run, artifacts: &[Artifact]) -> Result<(), RegistryError> {
        runs::log(&self.root, run, artifacts)
    }

    fn run(&self, id: &str) -> Result<Option<Run>, RegistryError> {
        runs::run(&self.root, id)
    }

    fn runs(&self) -> Result<Vec<Run>, RegistryError> {
        runs::runs(&self.root)
    }

    fn artifact(&self, run: &str, name: &str) -> Result<Option<PathBuf>, RegistryError> {
        runs::artifact(&self.root, run, name)
    }

    fn delete_run(&self, id: &str) -> Result<(), RegistryError> {
        runs::delete(&self.root, id)
    }
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
