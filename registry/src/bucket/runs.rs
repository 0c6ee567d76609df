//! Runs and the files they kept.

use std::fs;
use std::path::PathBuf;

use object_store::PutMode;

use super::Bucket;
use crate::error::at;
use crate::run::is_inside;
use crate::{Artifact, RegistryError, Run, fresh};

fn run_at(id: &str) -> String {
    format!("runs/{id}/run.json")
}

impl Bucket {
    pub(super) fn keep_run(&self, run: &Run, artifacts: &[Artifact]) -> Result<(), RegistryError> {
        for artifact in artifacts {
            if !is_inside(&artifact.name) {
                return Err(RegistryError::Setting {
                    setting: "the name of a run's file",
                    expected: "a path below the run",
                    found: artifact.name.clone(),
                });
            }
            let bytes = fs::read(&artifact.path).map_err(at(&artifact.path))?;
            let name = format!("runs/{}/artifacts/{}", run.id, artifact.name);
            self.objects.put(&name, bytes, PutMode::Overwrite)?;
        }
        self.objects
            .put_json(&run_at(&run.id), run, PutMode::Overwrite)
            .map(drop)
    }

    pub(super) fn run_of(&self, id: &str) -> Result<Option<Run>, RegistryError> {
        if !is_inside(id) {
            return Ok(None);
        }
        let found = self.objects.get_json(&run_at(id))?;
        Ok(found.map(|(run, _)| run))
    }

    pub(super) fn all_runs(&self) -> Result<Vec<Run>, RegistryError> {
        let mut runs = Vec::new();
        for name in self.objects.names("runs")? {
            if let Some(id) = name.strip_suffix("/run.json") {
                runs.extend(self.run_of(id)?);
            }
        }
        runs.sort_by(|one: &Run, other| {
            (other.started_ms, &other.id).cmp(&(one.started_ms, &one.id))
        });
        Ok(runs)
    }

    pub(super) fn fetched_artifact(
        &self,
        run: &str,
        name: &str,
    ) -> Result<Option<PathBuf>, RegistryError> {
        if !is_inside(run) || !is_inside(name) {
            return Ok(None);
        }
        let found = self.objects.get(
            &format!("runs/{run}/artifacts/{name}"),
            self.limits.version_bytes,
        )?;
        let Some((bytes, _)) = found else {
            return Ok(None);
        };
        let path = self.cache.join("runs").join(run).join(name);
        let parent = path.parent().unwrap_or(&self.cache);
        fs::create_dir_all(parent).map_err(at(parent))?;
        let fresh = fresh::beside(parent);
        fs::write(&fresh, bytes).map_err(at(&fresh))?;
        fs::rename(&fresh, &path).map_err(at(&path))?;
        Ok(Some(path))
    }

    pub(super) fn forget_run(&self, id: &str) -> Result<(), RegistryError> {
        if !is_inside(id) {
            return Ok(());
        }
        self.objects.delete_all(&format!("runs/{id}"))?;
        // A copy in the cache costs room, and nothing else.
        let _ = fs::remove_dir_all(self.cache.join("runs").join(id));
        Ok(())
    }
}
