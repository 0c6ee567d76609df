//! The home in an MLflow server: its tracking and model registry by the REST API, files through the
//! server's artifact proxy (`mlflow server --artifacts-destination …`).
//!
//! A version is in its run's artifact `model/`, with a small Python module that makes it a
//! `pyfunc` model (`mlflow.pyfunc.load_model`). What MLflow has no place for is in tags and files of
//! our own: a run's id (`hedonic.run`), decisions (`hedonic.change.000001` of the registered model,
//! evidence in `decisions/000001.json` of the version's run). Every call may be repeated: what could
//! be made twice is looked for first. The server has no transactions: of two that promote at the
//! same moment the later alias stands.

mod artifacts;
mod client;
mod place;
mod pyfunc;
mod runs;
mod stages;
mod versions;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use self::client::Client;
use self::place::Place;
use crate::error::Fill;
use crate::stage::Plan;
use crate::{
    Aliases, Artifact, Change, Limits, Registry, RegistryError, Run, Stage, Version, VersionInfo,
};

/// A registry in an MLflow server.
#[derive(Debug)]
pub struct Mlflow {
    client: Client,
    /// Name of the registered model.
    model: String,
    /// Name of the experiment.
    experiment: String,
    /// Where versions and files that were fetched lie.
    cache: PathBuf,
    /// The server's id of runs, by ours: looked up once.
    known: Mutex<HashMap<String, Place>>,
    /// What a version may cost.
    limits: Limits,
}

impl Mlflow {
    /// The server at `uri`, which is asked at the first call. `cache` is a directory for what is
    /// fetched, `timeout` the longest wait for an answer; a call that fails is tried four times.
    ///
    /// # Errors
    /// When `uri` is not `http` or `https` address.
    pub fn new(
        uri: &str,
        model: &str,
        experiment: &str,
        cache: PathBuf,
        timeout: Duration,
    ) -> Result<Mlflow, RegistryError> {
        Ok(Mlflow {
            client: Client::new(uri, timeout)?,
            model: model.to_owned(),
            experiment: experiment.to_owned(),
            cache,
            known: Mutex::default(),
            limits: Limits::default(),
        })
    }

    /// The same with other bounds.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Mlflow {
        Mlflow { limits, ..self }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, Place>> {
        // Every change is one insertion: a panic leaves a whole map.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry for Mlflow {
    fn place(&self) -> String {
        format!("{} (model {})", self.client.uri(), self.model)
    }

    fn versions(&self) -> Result<Vec<Version>, RegistryError> {
        let found = self.found_versions("")?;
        Ok(found
            .iter()
            .map(|version| self.version_of(version.number))
            .collect())
    }

    fn version(&self, number: u64) -> Result<Option<Version>, RegistryError> {
        Ok(self
            .found_version(number)?
            .map(|version| self.version_of(version.number)))
    }

    fn publish_from(
        &self,
        run: Option<&str>,
        write: &mut Fill<'_>,
    ) -> Result<Version, RegistryError> {
        self.publish(run, write)
    }

    fn fetch(&self, version: &Version) -> Result<PathBuf, RegistryError> {
        self.fetched(version)
    }

    fn info(&self, number: u64) -> Result<VersionInfo, RegistryError> {
        self.version_info(number)
    }

    fn tag(&self, number: u64, key: &str, value: &str) -> Result<(), RegistryError> {
        self.tag_version(number, key, value)
    }

    fn delete(&self, number: u64) -> Result<(), RegistryError> {
        self.delete_version(number)
    }

    fn aliases(&self) -> Result<Aliases, RegistryError> {
        Ok(self.registered()?.0)
    }

    fn history(&self) -> Result<Vec<Change>, RegistryError> {
        self.changes()
    }

    fn change(
        &self,
        plan: &dyn Fn(&Stage) -> Result<Plan, RegistryError>,
    ) -> Result<Change, RegistryError> {
        self.take_decision(plan)
    }

    fn log_run(&self, run: &Run, artifacts: &[Artifact]) -> Result<(), RegistryError> {
        self.log(run, artifacts)
    }

    fn run(&self, id: &str) -> Result<Option<Run>, RegistryError> {
        self.whole_run(id)
    }

    fn runs(&self) -> Result<Vec<Run>, RegistryError> {
        self.all_runs()
    }

    fn artifact(&self, run: &str, name: &str) -> Result<Option<PathBuf>, RegistryError> {
        self.kept_file(run, name)
    }

    fn delete_run(&self, id: &str) -> Result<(), RegistryError> {
        self.delete_own_run(id)
    }
}
