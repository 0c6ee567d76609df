//! A directory for the files of a run before the registry has them; gone when dropped.

use std::path::{Path, PathBuf};

use anyhow::Context;
use registry::Artifact;

/// The directory.
pub(crate) struct Staging {
    path: PathBuf,
    /// What has been put into it.
    pub(crate) artifacts: Vec<Artifact>,
}

impl Staging {
    /// Below the registry's directory: there is room for a model there.
    pub(crate) fn new(registry: &Path) -> anyhow::Result<Staging> {
        // Not the process id: on a shared volume every container's is 1.
        let path = registry.join(format!(".run-{:016x}", rand::random::<u64>()));
        std::fs::create_dir_all(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Staging {
            path,
            artifacts: Vec::new(),
        })
    }

    /// Where its files are.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A file for the run: `write` makes it.
    pub(crate) fn add(
        &mut self,
        name: &str,
        write: impl FnOnce(&Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let path = self.path.join(name);
        write(&path).with_context(|| format!("cannot write {name} of the run"))?;
        self.artifacts.push(Artifact {
            name: name.to_owned(),
            path,
        });
        Ok(())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What is left costs room, and nothing else.
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove a temporary directory");
        }
    }
}
