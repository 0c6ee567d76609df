//! Into the registry: the run, the version, the verdict; or aside, where a server is away.

use std::path::Path;

use registry::{Artifact, BoxError, Outbox, Reason, Registry, RegistryError, Run, Version};
use valuation::ArtifactError;

use super::Workplace;
use crate::PrepareConfig;
use crate::promotion::{PROGRAM, PromotionMode, Verdict, barred, judge};

/// Publishes a model with its run; `None` where the server is away, and both are kept for
/// `model-prepare sync`.
///
/// # Errors
/// When neither can be written.
pub(crate) fn keep_or_publish(
    registry: &dyn Registry,
    path: &Path,
    run: &Run,
    place: &Workplace,
    save: &dyn Fn(&Path) -> Result<(), ArtifactError>,
) -> anyhow::Result<Option<Version>> {
    let mut write = |to: &Path| save(to).map_err(|error| Box::new(error) as BoxError);
    let published = registry
        .pin(PROGRAM)
        .and_then(|()| registry.log_run(run, &place.artifacts))
        .and_then(|()| registry.publish_from(Some(&run.id), &mut write));
    match published {
        Ok(version) => Ok(Some(version)),
        Err(error) if error.may_pass() => {
            Outbox::new(path).keep(run, &place.artifacts, Some(&mut write))?;
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

/// Judges a version against the champion, and promotes it where the settings and the rule say so.
/// Says whether it has been promoted.
///
/// # Errors
/// When the registry cannot be read or written.
pub(crate) fn decide(
    registry: &dyn Registry,
    settings: &PrepareConfig,
    number: u64,
) -> anyhow::Result<(Verdict, bool)> {
    let champion = registry.champion()?;
    let verdict = judge(
        registry,
        &settings.promotion,
        number,
        champion.as_ref(),
        settings.seed,
    )?;
    let verdict = barred(registry, verdict)?;
    let promoted = promote_by(registry, settings.promote, &verdict)?;
    Ok((verdict, promoted))
}

/// Acts on a verdict as the settings say.
///
/// # Errors
/// When the registry cannot be written.
fn promote_by(
    registry: &dyn Registry,
    mode: PromotionMode,
    verdict: &Verdict,
) -> Result<bool, RegistryError> {
    let promotes = match mode {
        PromotionMode::Rule => verdict.passes,
        PromotionMode::Always => true,
        PromotionMode::Never => false,
    };
    let mode = match mode {
        PromotionMode::Rule => "",
        PromotionMode::Always => "prepare.promote is \"always\"; ",
        PromotionMode::Never => "prepare.promote is \"never\"; ",
    };
    let reason = Reason {
        who: PROGRAM.to_owned(),
        why: format!("{mode}{}", verdict.said),
        evidence: serde_json::to_value(verdict).unwrap_or_default(),
    };
    match promotes {
        true => registry.promote(verdict.challenger, &reason)?,
        false => registry.keep(verdict.challenger, &reason)?,
    };
    Ok(promotes)
}
