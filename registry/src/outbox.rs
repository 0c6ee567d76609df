//! What a server that is away could not take: kept in a directory, sent later.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Fill;
use crate::{Artifact, Directory, Registry, RegistryError, Run, Version};

/// Runs and the versions they made, waiting to be sent.
#[derive(Debug, Clone)]
pub struct Outbox {
    /// The same files as a registry's: nothing else has to be learned to look into it.
    kept: Directory,
}

/// A run that waits.
#[derive(Debug, Clone)]
pub struct WaitingRun {
    /// The run.
    pub run: Run,
    /// Its version's files; `None` where the run made none, or its version has been sent.
    pub model: Option<PathBuf>,
}

impl Outbox {
    /// Below the directory of the registry.
    pub fn new(registry: &Path) -> Outbox {
        Outbox {
            kept: Directory::new(registry.join("outbox")),
        }
    }

    /// Keeps a run, its files and the version it made.
    ///
    /// # Errors
    /// When the directory cannot be written or `write` fails.
    pub fn keep(
        &self,
        run: &Run,
        artifacts: &[Artifact],
        write: Option<&mut Fill<'_>>,
    ) -> Result<(), RegistryError> {
        if let Some(write) = write {
            self.kept.publish_from(Some(&run.id), write)?;
        }
        self.kept.log_run(run, artifacts)
    }

    /// What waits, the oldest first.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn waiting(&self) -> Result<Vec<WaitingRun>, RegistryError> {
        let mut models = std::collections::BTreeMap::new();
        for version in Registry::versions(&self.kept)? {
            if let Some(run) = self.kept.info(version.number)?.run {
                models.insert(run, version.path);
            }
        }
        let mut runs = self.kept.runs()?;
        runs.reverse();
        let kept = |run: Run| WaitingRun {
            model: models.remove(&run.id),
            run,
        };
        Ok(runs.into_iter().map(kept).collect())
    }

    /// Sends one, and forgets it when it has arrived whole; sent twice, it is there once.
    ///
    /// # Errors
    /// When the home does not take it: it is kept.
    pub fn send(
        &self,
        kept: &WaitingRun,
        to: &dyn Registry,
    ) -> Result<Option<Version>, RegistryError> {
        to.log_run(&kept.run, &self.files(&kept.run.id)?)?;
        let version = match &kept.model {
            None => None,
            Some(model) => {
                Some(to.publish_from(Some(&kept.run.id), &mut |fresh| Ok(copy(model, fresh)?))?)
            }
        };
        if let Some(model) = &kept.model {
            fs::remove_dir_all(model).map_err(|source| RegistryError::File {
                path: model.clone(),
                source,
            })?;
        }
        self.kept.delete_run(&kept.run.id)?;
        Ok(version)
    }

    fn files(&self, id: &str) -> Result<Vec<Artifact>, RegistryError> {
        let root = PathBuf::from(self.kept.place())
            .join("runs")
            .join(id)
            .join("artifacts");
        let (mut found, mut open) = (Vec::new(), vec![root.clone()]);
        while let Some(directory) = open.pop() {
            let Ok(entries) = fs::read_dir(&directory) else {
                continue;
            };
            for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
                if path.is_dir() {
                    open.push(path);
                } else if let Ok(name) = path.strip_prefix(&root) {
                    found.push(Artifact {
                        name: name.to_string_lossy().into_owned(),
                        path: path.clone(),
                    });
                }
            }
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }
}

/// Copies the files of a version; what the registry noted in it stays behind.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_name() != "registry.json" {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
