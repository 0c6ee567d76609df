//! Model versions, their stages and the runs that made them: in a directory, in an MLflow server, or (the
//! feature `s3`) in a bucket of S3-compatible storage.
//! Knows nothing of what is inside a model.
//!
//! Everything here blocks: call it from a thread that may. Looking for the champion is cheap enough
//! to be done every second: a small file of a directory, one request to a server.

mod alias;
#[cfg(feature = "s3")]
mod bucket;
mod config;
mod directory;
mod error;
mod fresh;
mod history;
mod intake;
mod limits;
mod mlflow;
mod outbox;
mod run;
mod stage;
mod sums;
mod version;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use alias::{Alias, Aliases};
#[cfg(feature = "s3")]
pub use bucket::Bucket;
pub use config::{RegistryConfig, open};
pub use directory::Directory;
pub use error::{BoxError, Fill, PublishError, RegistryError};
pub use history::{Action, Change, Reason};
pub use intake::{Admitted, Appearance, Intake};
pub use limits::Limits;
pub use mlflow::Mlflow;
pub use outbox::{Outbox, WaitingRun};
pub use run::{Artifact, Measure, Run, RunStatus};
pub use stage::Stage;
pub use version::{Version, VersionInfo};

/// Where model versions are kept, whichever home it is.
///
/// Without an alias the champion is the newest version, so that a directory into which versions are
/// only put works as it always did.
pub trait Registry: Send + Sync + std::fmt::Debug {
    /// Where it is, for people: a path or a URL.
    fn place(&self) -> String;

    /// All versions, the oldest first.
    ///
    /// # Errors
    /// When the home cannot be read.
    fn versions(&self) -> Result<Vec<Version>, RegistryError>;

    /// Lets `write` fill an empty directory and makes a version of it; a reader never sees half of
    /// one. `run` is the id of the run that made it: publishing it again gives the same version
    /// where the home can tell (an MLflow server).
    ///
    /// # Errors
    /// When the home does not take it or `write` fails; nothing of it is left then.
    fn publish_from(
        &self,
        run: Option<&str>,
        write: &mut Fill<'_>,
    ) -> Result<Version, RegistryError>;

    /// A directory with the files of a version: of a directory home its own, else a copy in a cache,
    /// checked against the `SHA256SUMS` that lie among them.
    ///
    /// # Errors
    /// When they are not there or not what was published.
    fn fetch(&self, version: &Version) -> Result<PathBuf, RegistryError>;

    /// When it was made, by which run, with which tags.
    ///
    /// # Errors
    /// When there is no such version or the home cannot be read.
    fn info(&self, number: u64) -> Result<VersionInfo, RegistryError>;

    /// Sets a tag of a version; an empty value takes it away.
    ///
    /// # Errors
    /// When there is no such version or the home cannot be written.
    fn tag(&self, number: u64, key: &str, value: &str) -> Result<(), RegistryError>;

    /// Takes a version away for good. Versions that an alias names are refused.
    ///
    /// # Errors
    /// When there is none, an alias names it, or the home cannot be written.
    fn delete(&self, number: u64) -> Result<(), RegistryError>;

    /// Which version each alias names.
    ///
    /// # Errors
    /// When the home cannot be read.
    fn aliases(&self) -> Result<Aliases, RegistryError>;

    /// Everything that was decided about versions, the oldest first.
    ///
    /// # Errors
    /// When the home cannot be read.
    fn history(&self) -> Result<Vec<Change>, RegistryError>;

    /// Moves aliases as `plan` says of the stages it is shown, and writes down why. Of a directory
    /// home this happens for one writer at a time.
    ///
    /// # Errors
    /// What `plan` says, or when the home cannot be written.
    fn change(
        &self,
        plan: &dyn Fn(&Stage) -> Result<stage::Plan, RegistryError>,
    ) -> Result<Change, RegistryError>;

    /// Keeps a run, or what has become known of it since: the same id is the same run.
    ///
    /// # Errors
    /// When the home cannot be written.
    fn log_run(&self, run: &Run, artifacts: &[Artifact]) -> Result<(), RegistryError>;

    /// A run with every measure of it.
    ///
    /// # Errors
    /// When the home cannot be read.
    fn run(&self, id: &str) -> Result<Option<Run>, RegistryError>;

    /// All runs, the newest first; of a measure with steps only the last may be there.
    ///
    /// # Errors
    /// When the home cannot be read.
    fn runs(&self) -> Result<Vec<Run>, RegistryError>;

    /// A file that a run has kept, as a local file; `None` where it has kept none of that name.
    ///
    /// # Errors
    /// When the home cannot be read.
    fn artifact(&self, run: &str, name: &str) -> Result<Option<PathBuf>, RegistryError>;

    /// Takes a run and what it kept away. One that is not there is no error.
    ///
    /// # Errors
    /// When the home cannot be written.
    fn delete_run(&self, id: &str) -> Result<(), RegistryError>;

    /// The version of this number.
    ///
    /// # Errors
    /// When the home cannot be read.
    fn version(&self, number: u64) -> Result<Option<Version>, RegistryError> {
        let versions = self.versions()?;
        Ok(versions
            .into_iter()
            .find(|version| version.number == number))
    }

    /// The version that is to answer: the alias `champion`; where there is none (or its version is
    /// gone) `previous`; else the newest.
    ///
    /// # Errors
    /// When the home cannot be read.
    fn champion(&self) -> Result<Option<Version>, RegistryError> {
        let (aliases, mut versions) = (self.aliases()?, self.versions()?);
        let named = stage::champion(&aliases, &stage::numbers(&versions));
        versions.retain(|version| Some(version.number) == named);
        Ok(versions.pop())
    }

    /// Makes a version the champion; the champion before it becomes `previous`.
    ///
    /// # Errors
    /// When there is no such version or the home cannot be written.
    fn promote(&self, number: u64, reason: &Reason) -> Result<Change, RegistryError> {
        self.change(&|stage| stage::promote(stage, number, reason))
    }

    /// Makes a version the challenger, and pins the champion there is: from then on a version that
    /// is only published is not loaded.
    ///
    /// # Errors
    /// When there is no such version or the home cannot be written.
    fn keep(&self, number: u64, reason: &Reason) -> Result<Change, RegistryError> {
        self.change(&|stage| stage::keep(stage, number, reason))
    }

    /// Pins the champion there is by an alias, so that a version that is published afterwards is not
    /// loaded before it is promoted. Nothing happens where there is an alias or no version.
    ///
    /// # Errors
    /// When the home cannot be read or written.
    fn pin(&self, who: &str) -> Result<(), RegistryError> {
        let is_pinned = self.aliases()?.contains_key(&Alias::Champion);
        if is_pinned || self.versions()?.is_empty() {
            return Ok(());
        }
        match self.change(&|stage| stage::pin(stage, who)) {
            // Somebody else was quicker.
            Err(RegistryError::IsPinned) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Makes `previous` the champion again; the one before it, as the history has it, becomes
    /// `previous`.
    ///
    /// # Errors
    /// When there is no version to go back to or the home cannot be written.
    fn rollback(&self, who: &str, why: &str) -> Result<Version, RegistryError> {
        let reason = Reason {
            who: who.to_owned(),
            why: why.to_owned(),
            evidence: serde_json::Value::Null,
        };
        let change = self.change(&|stage| stage::rollback(stage, &reason))?;
        self.version(change.version)?
            .ok_or(RegistryError::NoVersion {
                number: change.version,
                place: self.place(),
            })
    }

    /// The same, as long as `champion` is the champion: somebody else may have decided meanwhile.
    ///
    /// # Errors
    /// When another is, there is no version to go back to, or the home cannot be written.
    fn rollback_from(&self, champion: u64, reason: &Reason) -> Result<Version, RegistryError> {
        let change = self.change(&|stage| match stage.champion() {
            Some(found) if found == champion => stage::rollback(stage, reason),
            found => Err(RegistryError::NotChampion {
                number: champion,
                found,
            }),
        })?;
        self.version(change.version)?
            .ok_or(RegistryError::NoVersion {
                number: change.version,
                place: self.place(),
            })
    }

    /// Tags of a version and the aliases that name it, by number.
    ///
    /// # Errors
    /// When the home cannot be read.
    fn aliases_of(&self) -> Result<BTreeMap<u64, Vec<Alias>>, RegistryError> {
        let mut by_number: BTreeMap<u64, Vec<Alias>> = BTreeMap::new();
        for (alias, number) in self.aliases()? {
            by_number.entry(number).or_default().push(alias);
        }
        Ok(by_number)
    }
}
