//! Publishes a run and its version; keeps them aside while the server is away.

use std::path::Path;

use registry::{Artifact, BoxError, Outbox, Registry, Run, Version};
use valuation::ArtifactError;

use crate::run_files::names::PROGRAM;
use crate::run_files::staging::Staging;

/// Publishes a model with its run; `None` where the server is away, and both are kept for
/// `model-prepare sync`.
///
/// # Errors
/// When neither can be written.
pub(crate) fn keep_or_publish(
    registry: &dyn Registry,
    path: &Path,
    run: &Run,
    staging: &Staging,
    save: &dyn Fn(&Path) -> Result<(), ArtifactError>,
) -> anyhow::Result<Option<Version>> {
    let mut write = |to: &Path| save(to).map_err(|error| Box::new(error) as BoxError);
    let published = registry
        .pin(PROGRAM)
        .and_then(|()| registry.log_run(run, &staging.artifacts))
        .and_then(|()| registry.publish_from(Some(&run.id), &mut write));
    match published {
        Ok(version) => Ok(Some(version)),
        Err(error) if error.may_pass() => {
            Outbox::new(path).keep(run, &staging.artifacts, Some(&mut write))?;
            tracing::error!("{error}; the version is kept: `model-prepare sync` sends it");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Logs a run, or keeps it where the server is away.
///
/// # Errors
/// When neither can be written.
pub(crate) fn log_or_keep(
    registry: &dyn Registry,
    path: &Path,
    run: &Run,
    artifacts: &[Artifact],
) -> anyhow::Result<()> {
    match registry.log_run(run, artifacts) {
        Err(error) if error.may_pass() => {
            tracing::warn!("{error}; the run is kept: `model-prepare sync` sends it");
            Ok(Outbox::new(path).keep(run, artifacts, None)?)
        }
        other => Ok(other?),
    }
}
