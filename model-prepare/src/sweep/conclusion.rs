//! The end of a sweep: the page, and the best trial as challenger.

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use registry::{Reason, Registry, Run, RunStatus};
use report::html::sweep_page;
use report::{Trial, are_alike, best as best_of};

use super::importance::importance;
use super::options::Sweep;
use crate::commands::Shown;
use crate::config::Config;
use crate::listings::Listings;
use crate::promotion::judge::judge;
use crate::promotion::verdict::Verdict;
use crate::run_files::names::PROGRAM;
use crate::run_files::staging::Staging;
use crate::training::publish::log_or_keep;
use crate::training::supervised::fit_and_publish;

/// Logs a run without files.
pub(super) fn keep_run(config: &Config, registry: &dyn Registry, run: &Run) -> anyhow::Result<()> {
    log_or_keep(registry, &config.registry.path, run, &[])
}

/// Registers the best of the trials, and ends the run `whole`; the page is also kept in `home`.
///
/// # Errors
/// When no trial finished, or the best cannot be fitted or registered.
pub(super) fn conclude(
    (config, options): (&Config, &Sweep),
    registry: &dyn Registry,
    listings: &Listings,
    done: &[Trial],
    mut whole: Run,
    home: Option<&Path>,
) -> anyhow::Result<Shown> {
    let best = best_of(done).context(
        "no trial finished: look at what `model-prepare runs --of` says of them, and widen \
         prepare.sweep",
    )?;
    let parameters = &config.prepare.sweep.parameters;
    let mut staging = Staging::new(&config.registry.path)?;
    let importance = importance(parameters, done);
    staging.add("sweep.html", |path| {
        let text = sweep_page(&options.name, parameters, done, &importance);
        Ok(std::fs::write(path, text)?)
    })?;
    let page = match home {
        Some(home) => {
            let page = home.join("sweep.html");
            std::fs::copy(&staging.artifacts[0].path, &page)?;
            page.display().to_string()
        }
        None => format!("sweep.html of the run {}", whole.id),
    };
    let all_alike = are_alike(done);
    if !all_alike {
        whole.param("best.trial", best.number);
    }
    let (count, error) = (done.len(), best.objective().unwrap_or(f64::NAN));
    whole.measure("trials", count, count as f64);
    whole.measure("objective", count, error);
    whole.end(RunStatus::Finished);
    log_or_keep(registry, &config.registry.path, &whole, &staging.artifacts)?;
    let (name, verdict) = register(config, registry, listings, best, &whole)?;
    let first = match all_alike {
        true => format!(
            "all of {count} trials have the error {error:.5}: no setting is better than another; the first is kept"
        ),
        false => format!(
            "best of {count} trials: {} with error {error:.5}",
            best.number
        ),
    };
    let text = format!(
        "{first}\n{}\n{name} is the challenger{}\ncompared in {page}",
        best.settings(parameters),
        verdict
            .as_ref()
            .map_or_else(String::new, |error| format!(": {error}")),
    );
    Ok(Shown {
        text,
        json: serde_json::json!({
            "sweep": options.name,
            "run": whole.id,
            "best": (!all_alike).then_some(best),
            "version": name,
            "verdict": verdict,
            "importance": importance,
            "trials": done,
        }),
    })
}

/// Fits the best settings on everything and registers them as challenger, judged.
fn register(
    config: &Config,
    registry: &dyn Registry,
    listings: &Listings,
    best: &Trial,
    whole: &Run,
) -> anyhow::Result<(String, Option<Verdict>)> {
    let mut config = config.clone();
    config.prepare.members = best.members.clone();
    let source = format!("sweep, trial {}", best.number);
    let fitted = fit_and_publish(
        &config,
        listings,
        &source,
        None,
        Instant::now(),
        Some(&whole.id),
        registry,
    )?;
    let Some(version) = fitted.version else {
        let name = format!(
            "the run {}, which waits for `model-prepare sync`,",
            fitted.run.id
        );
        return Ok((name, None));
    };
    let champion = registry.champion()?.filter(|champion| *champion != version);
    let verdict = judge(
        registry,
        &config.prepare.promotion,
        version.number,
        champion.as_ref(),
        config.prepare.seed,
    )?;
    let reason = Reason {
        who: PROGRAM.to_owned(),
        why: format!("best of the sweep {}: {}", whole.name, verdict.message),
        evidence: serde_json::to_value(&verdict)?,
    };
    registry.keep(version.number, &reason)?;
    Ok((version.to_string(), Some(verdict)))
}
