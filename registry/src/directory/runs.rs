//! Runs and the files they kept.

use std::fs;
use std::path::{Path, PathBuf};

use super::atomic;
use crate::error::at;
use crate::run::is_inside;
use crate::{Artifact, RegistryError, Run};

const RUN: &str = "run.json";

fn place(root: &Path, id: &str) -> PathBuf {
    root.join("runs").join(id)
}

/// A run's own file; `None` for a name that would lead out of the run.
fn kept(root: &Path, id: &str, name: &str) -> Option<PathBuf> {
    let inside = is_inside(id) && is_inside(name);
    inside.then(|| place(root, id).join("artifacts").join(name))
}

pub(super) fn log(root: &Path, run: &Run, artifacts: &[Artifact]) -> Result<(), RegistryError> {
    for artifact in artifacts {
        let to = kept(root, &run.id, &artifact.name).ok_or(RegistryError::Setting {
            setting: "the name of a run's file",
            expected: "a path below the run",
            found: artifact.name.clone(),
        })?;
        let parent = to.parent().unwrap_or(root);
        fs::create_dir_all(parent).map_err(at(parent))?;
        let fresh = atomic::beside(parent);
        fs::copy(&artifact.path, &fresh).map_err(at(&artifact.path))?;
        fs::rename(&fresh, &to).map_err(at(&to))?;
    }
    atomic::write_json(&place(root, &run.id).join(RUN), run)
}

pub(super) fn run(root: &Path, id: &str) -> Result<Option<Run>, RegistryError> {
    match kept(root, id, RUN) {
        Some(_) => atomic::read_json(&place(root, id).join(RUN)),
        None => Ok(None),
    }
}

pub(super) fn runs(root: &Path) -> Result<Vec<Run>, RegistryError> {
    let mut runs = Vec::new();
    for id in atomic::names(&root.join("runs"))? {
        runs.extend(run(root, &id)?);
    }
    runs.sort_by(|one, other| (other.started_ms, &other.id).cmp(&(one.started_ms, &one.id)));
    Ok(runs)
}

pub(super) fn artifact(
    root: &Path,
    id: &str,
    name: &str,
) -> Result<Option<PathBuf>, RegistryError> {
    Ok(kept(root, id, name).filter(|path| path.is_file()))
}

pub(super) fn delete(root: &Path, id: &str) -> Result<(), RegistryError> {
    if kept(root, id, RUN).is_none() {
        return Ok(());
    }
    let path = place(root, id);
    match fs::remove_dir_all(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(at(&path)(error)),
        _ => Ok(()),
    }
}
