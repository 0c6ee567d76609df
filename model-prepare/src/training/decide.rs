//! Judges a version, and promotes it by the rule and the settings.

use std::time::Instant;

use anyhow::Context;
use registry::{Reason, Registry, RegistryError, Run, Version};

use crate::config::{Config, PrepareConfig, PromotionMode};
use crate::promotion::barred::barred;
use crate::promotion::judge::judge;
use crate::promotion::verdict::Verdict;
use crate::run_files::names::PROGRAM;

/// Judges a version against the champion, and promotes it where the settings and the rule say so.
/// States whether it has been promoted.
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
        why: format!("{mode}{}", verdict.message),
        evidence: serde_json::to_value(verdict).unwrap_or_default(),
    };
    match promotes {
        true => registry.promote(verdict.challenger, &reason)?,
        false => registry.keep(verdict.challenger, &reason)?,
    };
    Ok(promotes)
}

/// Whether the registry's server does not answer: the work is done later.
pub(crate) fn is_away(error: &anyhow::Error) -> bool {
    let cause = error.chain().find_map(|cause| cause.downcast_ref());
    cause.is_some_and(registry::RegistryError::may_pass)
}

/// Judges and promotes, and logs the time and the outcome in the run.
pub(crate) fn decide_and_log(
    registry: &dyn Registry,
    config: &Config,
    version: &Version,
    run: &mut Run,
) -> anyhow::Result<(Verdict, bool)> {
    let judging = Instant::now();
    let decided = decide(registry, &config.prepare, version.number)
        .with_context(|| format!("{version} is saved, but could not be judged"))?;
    run.measure("seconds.validation", 0, judging.elapsed().as_secs_f64());
    run.tags.insert("version".to_owned(), version.to_string());
    run.tags
        .insert("promoted".to_owned(), decided.1.to_string());
    registry.log_run(run, &[])?;
    Ok(decided)
}
