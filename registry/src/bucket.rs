//! The home in a bucket of S3-compatible storage:
//!
//! ```text
//! versions/v000001.json    a version: which files, made when, by which run; written once, after its files
//! files/ID/ …              the files of a version
//! aliases.json             which version each alias names, and the decisions that were taken
//! history/000001-ID.json   the decisions; those that aliases.json does not name were never taken
//! tags/v000001.json        tags of versions
//! runs/ID/run.json …       runs, with the files they kept in runs/ID/artifacts/
//! ```
//!
//! Nothing is locked: a version's number is taken, and aliases and tags are changed, by a write that the
//! store refuses where another was quicker (`If-None-Match`, `If-Match` with the object's ETag).

mod objects;
mod runs;
mod stages;
mod versions;

use std::path::PathBuf;

use self::objects::Objects;
use crate::error::Fill;
use crate::stage::Plan;
use crate::{
    Aliases, Artifact, Change, Limits, Registry, RegistryError, Run, Stage, Version, VersionInfo,
};

/// A registry in a bucket.
#[derive(Debug)]
pub struct Bucket {
    objects: Objects,
    /// Files of versions and runs that were requested.
    cache: PathBuf,
    /// What a version may cost.
    limits: Limits,
}

impl Bucket {
    /// The registry at `s3://bucket/prefix`; nothing is asked of it yet. Endpoint, region and credentials
    /// are read from the environment as Amazon's own tools read them (`AWS_ENDPOINT_URL`, `AWS_REGION`,
    /// `AWS_ACCESS_KEY_ID`, …).
    ///
    /// # Errors
    /// When the address or the environment is not what it should be.
    pub fn new(address: &str, cache: impl Into<PathBuf>) -> Result<Bucket, RegistryError> {
        let objects = Objects::new(address)?;
        let mut cache = cache.into();
        // One cache may serve several buckets.
        cache.extend(address.trim_start_matches("s3://").split('/'));
        Ok(Bucket {
            objects,
            cache,
            limits: Limits::default(),
        })
    }

    /// The same with other bounds.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Bucket {
        Bucket { limits, ..self }
    }
}

impl Registry for Bucket {
    fn place(&self) -> String {
        self.objects.place().to_owned()
    }

    fn versions(&self) -> Result<Vec<Version>, RegistryError> {
        self.all_versions()
    }

    fn publish_from(
        &self,
        run: Option<&str>,
        write: &mut Fill<'_>,
    ) -> Result<Version, RegistryError> {
        self.publish(run, write)
    }

    fn fetch(&self, version: &Version) -> Result<PathBuf, RegistryError> {
        self.fetched(version.number)
    }

    fn info(&self, number: u64) -> Result<VersionInfo, RegistryError> {
        self.info_of(number)
    }

    fn tag(&self, number: u64, key: &str, value: &str) -> Result<(), RegistryError> {
        self.set_tag(number, key, value)
    }

    fn delete(&self, number: u64) -> Result<(), RegistryError> {
        self.delete_version(number)
    }

    fn aliases(&self) -> Result<Aliases, RegistryError> {
        Ok(self.pointers()?.0.aliases)
    }

    fn history(&self) -> Result<Vec<Change>, RegistryError> {
        self.decisions(&self.pointers()?.0)
    }

    fn change(
        &self,
        plan: &dyn Fn(&Stage) -> Result<Plan, RegistryError>,
    ) -> Result<Change, RegistryError> {
        self.decide(plan)
    }

    fn log_run(&self, run: &Run, artifacts: &[Artifact]) -> Result<(), RegistryError> {
        self.keep_run(run, artifacts)
    }

    fn run(&self, id: &str) -> Result<Option<Run>, RegistryError> {
        self.run_of(id)
    }

    fn runs(&self) -> Result<Vec<Run>, RegistryError> {
        self.all_runs()
    }

    fn artifact(&self, run: &str, name: &str) -> Result<Option<PathBuf>, RegistryError> {
        self.fetched_artifact(run, name)
    }

    fn delete_run(&self, id: &str) -> Result<(), RegistryError> {
        self.forget_run(id)
    }
}
