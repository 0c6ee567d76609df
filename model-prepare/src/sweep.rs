//! `sweep`: many settings of the members are tried, the best is registered as challenger.
//!
//! Trials go in rounds of `--parallel`: what a round tries depends on the rounds before it alone, so
//! the same seed, data and number side by side give the same trials, however long each takes.
//! Every trial is logged: a sweep that was killed resumes where it was.

mod importance;
pub(crate) mod options;
pub(crate) mod sampler;
mod shown;
mod space;
mod trial;
mod trial_log;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use registry::{Reason, Registry, Run, RunStatus};
use report::html::sweep_page;
use report::{Trial, TrialOutcome, are_alike, best as best_of};

use self::options::Sweep;
use self::sampler::Sampler;
use self::shown::Shown as Line;
use self::trial::{Work, run_of};
use self::trial_log::{Plan, TrialLog};
use crate::commands::Shown;
use crate::config::Config;
use crate::listings::{self, Listings};
use crate::promotion::judge::judge;
use crate::promotion::verdict::Verdict;
use crate::run_files::holdout::write_records;
use crate::run_files::names::PROGRAM;
use crate::run_files::staging::Staging;
use crate::training::publish::log_or_keep;
use crate::training::supervised::fit_and_publish;

/// Tries settings, and registers the best as challenger.
///
/// # Errors
/// When the data cannot be used for training, the sweep was begun with other settings, or the registry
/// cannot be written.
pub fn sweep(config: &Config, options: &Sweep) -> anyhow::Result<Shown> {
    ensure!(options.trials > 0, "expected at least one trial, found 0");
    let plan = Plan::of(config, options)?;
    let home = config.registry.path.join("sweeps").join(&options.name);
    let mut log = TrialLog::open(&home, &plan)?;
    let listings = data(config, options, &log)?;
    let registry = registry::open(&config.registry)?;
    let began = Instant::now();
    let mut whole = log.run.clone();
    keep_run(config, &*registry, &whole)?;

    let threads = match config.prepare.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let line = Line::start(&options.name, options.trials);
    let work = Work::new(
        config,
        &listings,
        (threads / options.parallel.max(1)).max(1),
        Arc::clone(&line),
    )?;
    let mut sampler = Sampler::new(config, options.sampler)?;
    let mut done: Vec<Trial> = Vec::new();
    let mut is_late = false;
    while done.len() < options.trials && !is_late {
        let count = options.parallel.clamp(1, options.trials - done.len());
        let points = sampler.next(count)?;
        let limit = trial::median_of_first(&done);
        let known: Vec<Option<Trial>> = (0..count)
            .map(|index| log.known(done.len() + index, &points[index]))
            .collect();
        is_late = options
            .time_limit
            .is_some_and(|limit| began.elapsed() >= limit);
        if is_late && known.iter().any(Option::is_none) {
            break;
        }
        let round = work.round(done.len(), &points, known, limit);
        for (trial, is_new) in round {
            if is_new {
                log.add(&trial)?;
                keep_run(
                    config,
                    &*registry,
                    &run_of(&trial, &whole.id, config, &work)?,
                )?;
            }
            sampler.add(&trial, &done)?;
            done.push(trial);
            if is_new {
                log_progress(&done, options.trials, began.elapsed());
            }
        }
        line.over(done.len());
    }
    drop((work, line));

    let best = best_of(&done).context(
        "no trial finished: look at what `model-prepare runs --of` says of them, and widen \
         prepare.sweep",
    )?;
    let mut staging = Staging::new(&config.registry.path)?;
    let importance = importance::importance(&config.prepare.sweep.parameters, &done);
    staging.add("sweep.html", |path| {
        let text = sweep_page(
            &options.name,
            &config.prepare.sweep.parameters,
            &done,
            &importance,
        );
        Ok(std::fs::write(path, text)?)
    })?;
    std::fs::copy(&staging.artifacts[0].path, home.join("sweep.html"))?;
    let all_alike = are_alike(&done);
    if !all_alike {
        whole.param("best.trial", best.number);
    }
    whole.measure("trials", done.len(), done.len() as f64);
    whole.measure(
        "objective",
        done.len(),
        best.objective().unwrap_or(f64::NAN),
    );
    whole.end(RunStatus::Finished);
    log_or_keep(
        &*registry,
        &config.registry.path,
        &whole,
        &staging.artifacts,
    )?;
    let (name, verdict) = register(config, &*registry, &listings, best, &whole)?;
    let (count, error) = (done.len(), best.objective().unwrap_or(f64::NAN));
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
        "{first}\n{}\n{name} is the challenger{}\ncompared in {}",
        best.settings(&config.prepare.sweep.parameters),
        verdict
            .as_ref()
            .map_or_else(String::new, |error| format!(": {error}")),
        home.join("sweep.html").display()
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

/// The rows: of the file, kept at the first call, so that a sweep that continues has the same.
fn data(config: &Config, options: &Sweep, log: &TrialLog) -> anyhow::Result<Listings> {
    let kept = log.training_set();
    if !kept.exists() {
        let file = options
            .data
            .as_deref()
            .context("expected a file to learn from: `model-prepare sweep --data listings.csv`")?;
        let listings = listings::of_file(file, &config.schema)?;
        write_records(&kept, &config.schema, &listings.batch)?;
    }
    listings::of_file(&kept, &config.schema)
}

fn keep_run(config: &Config, registry: &dyn Registry, run: &Run) -> anyhow::Result<()> {
    log_or_keep(registry, &config.registry.path, run, &[])
}

fn log_progress(done: &[Trial], trials: usize, took: Duration) {
    let Some(last) = done.last() else { return };
    let best = best_of(done);
    let best = best.map_or_else(
        || "none is finished yet".to_owned(),
        |trial| {
            let error = trial.objective().unwrap_or(f64::NAN);
            match are_alike(done) {
                true => format!("all have {error:.5}"),
                false => format!("best {error:.5}, trial {}", trial.number),
            }
        },
    );
    let last_result = match &last.outcome {
        TrialOutcome::Finished { objective, .. } => format!("{objective:.5}"),
        TrialOutcome::GivenUp { first } => format!("stopped at {first:.5}"),
        TrialOutcome::Failed { error } => format!("failed: {error}"),
    };
    tracing::info!(
        "trial {} of {trials}: {last_result} ({best}); {:.0} s",
        done.len(),
        took.as_secs_f64()
    );
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
