//! `sweep`: many settings of the members are tried, the best is registered as challenger.
//!
//! Trials go in rounds of `--parallel`: what a round tries depends on the rounds before it alone, so
//! the same seed, data and number side by side give the same trials, however long each takes.
//! Everything that was tried is in a ledger: a sweep that was killed goes on where it was.

mod importance;
mod ledger;
mod page;
mod sampler;
mod space;
mod trial;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use registry::{Reason, Registry, Run, RunStatus};
use serde::Deserialize;

use self::ledger::{Ledger, Plan};
use self::sampler::Sampler;
pub use self::sampler::SamplerKind;
pub use self::space::Parameter;
use self::trial::{Outcome, Trial, Work};
use crate::commands::Shown;
use crate::listings::{self, Listings};
use crate::promotion::{PROGRAM, judge};
use crate::training::{self, Workplace};
use crate::{Config, Verdict};

/// Section `[prepare.sweep]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepConfig {
    /// Trials drawn blindly before the model-based sampler has something to go by.
    pub warmup: usize,
    /// Every so-manieth row is what a trial is tried on first: one whose error there is in the worse
    /// half is given up. 1: none is.
    pub first_stride: usize,
    /// What is varied; the rest stays as the members have it.
    pub parameters: Vec<Parameter>,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// Its name: the same name goes on with what was tried.
    pub name: String,
    /// The file to learn from; `None`: the rows are given.
    pub data: Option<PathBuf>,
    /// How many trials in all, those of earlier calls too.
    pub trials: usize,
    /// How many at a time; they share the cores.
    pub parallel: usize,
    /// No round begins after so long.
    pub time_limit: Option<Duration>,
    /// How the next trial is chosen.
    pub sampler: SamplerKind,
}

/// Tries settings, and registers the best as challenger.
///
/// # Errors
/// When the data cannot be learned from, the sweep was begun with other settings, or the registry
/// cannot be written.
pub fn sweep(config: &Config, wanted: &Sweep) -> anyhow::Result<Shown> {
    ensure!(wanted.trials > 0, "expected at least one trial, found 0");
    let plan = Plan::of(config, wanted)?;
    let home = config.registry.path.join("sweeps").join(&wanted.name);
    let mut ledger = Ledger::open(&home, &plan)?;
    let listings = data(config, wanted, &ledger)?;
    let registry = registry::open(&config.registry)?;
    let began = Instant::now();
    let mut whole = ledger.run.clone();
    keep_run(config, &*registry, &whole)?;

    let threads = match config.prepare.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let work = Work::new(config, &listings, (threads / wanted.parallel.max(1)).max(1))?;
    let mut sampler = Sampler::new(config, wanted.sampler)?;
    let mut done: Vec<Trial> = Vec::new();
    let mut is_late = false;
    while done.len() < wanted.trials && !is_late {
        let count = wanted.parallel.clamp(1, wanted.trials - done.len());
        let points = sampler.ask(count)?;
        let limit = trial::median_of_first(&done);
        let known: Vec<Option<Trial>> = (0..count)
            .map(|index| ledger.known(done.len() + index, &points[index]))
            .collect();
        is_late = wanted
            .time_limit
            .is_some_and(|limit| began.elapsed() >= limit);
        if is_late && known.iter().any(Option::is_none) {
            break;
        }
        let round = work.round(done.len(), &points, known, limit);
        for (trial, is_new) in round {
            if is_new {
                ledger.add(&trial)?;
                keep_run(config, &*registry, &trial.run(&whole.id, config, &work)?)?;
            }
            sampler.tell(&trial, &done)?;
            done.push(trial);
            if is_new {
                tell_progress(&done, wanted.trials, began.elapsed());
            }
        }
    }

    let best = trial::best(&done).context(
        "no trial came to its end: look at what `model-prepare runs --of` says of them, and widen \
         prepare.sweep",
    )?;
    let mut place = Workplace::new(&config.registry.path)?;
    let importance = importance::importance(&config.prepare.sweep.parameters, &done);
    place.add("sweep.html", |path| {
        let text = page::page(
            &wanted.name,
            &config.prepare.sweep.parameters,
            &done,
            &importance,
        );
        Ok(std::fs::write(path, text)?)
    })?;
    std::fs::copy(&place.artifacts[0].path, home.join("sweep.html"))?;
    whole.param("best.trial", best.number);
    whole.measure("trials", done.len(), done.len() as f64);
    whole.measure(
        "objective",
        done.len(),
        best.objective().unwrap_or(f64::NAN),
    );
    whole.end(RunStatus::Finished);
    training::log_or_keep(&*registry, &config.registry.path, &whole, &place.artifacts)?;
    let (name, verdict) = register(config, &*registry, &listings, best, &whole)?;
    let (count, error) = (done.len(), best.objective().unwrap_or(f64::NAN));
    let are_alike = trial::are_alike(&done);
    let first = match are_alike {
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
        best.told(&config.prepare.sweep.parameters),
        verdict
            .as_ref()
            .map_or_else(String::new, |own| format!(": {own}")),
        home.join("sweep.html").display()
    );
    Ok(Shown {
        text,
        json: serde_json::json!({
            "sweep": wanted.name,
            "run": whole.id,
            "best": (!are_alike).then_some(best),
            "version": name,
            "verdict": verdict,
            "importance": importance,
            "trials": done,
        }),
    })
}

/// The rows: of the file, kept at the first call, so that a sweep that goes on has the same.
fn data(config: &Config, wanted: &Sweep, ledger: &Ledger) -> anyhow::Result<Listings> {
    let kept = ledger.training_set();
    if !kept.exists() {
        let file = wanted
            .data
            .as_deref()
            .context("expected a file to learn from: `model-prepare sweep --data listings.csv`")?;
        let listings = listings::of_file(file, &config.schema)?;
        training::write_records(&kept, &config.schema, &listings.batch)?;
    }
    listings::of_file(&kept, &config.schema)
}

fn keep_run(config: &Config, registry: &dyn Registry, run: &Run) -> anyhow::Result<()> {
    training::log_or_keep(registry, &config.registry.path, run, &[])
}

fn tell_progress(done: &[Trial], wanted: usize, took: Duration) {
    let Some(last) = done.last() else { return };
    let best = trial::best(done);
    let best = best.map_or_else(
        || "none has come to its end yet".to_owned(),
        |own| {
            let error = own.objective().unwrap_or(f64::NAN);
            format!("best {error:.5}, trial {}", own.number)
        },
    );
    let last_said = match &last.outcome {
        Outcome::Finished { objective, .. } => format!("{objective:.5}"),
        Outcome::GivenUp { first } => format!("given up at {first:.5}"),
        Outcome::Failed { error } => format!("failed: {error}"),
    };
    tracing::info!(
        "trial {} of {wanted}: {last_said} ({best}); {:.0} s",
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
    let fitted = crate::fit_and_publish(
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
    let champion = registry.champion()?.filter(|own| *own != version);
    let verdict = judge(
        registry,
        &config.prepare.promotion,
        version.number,
        champion.as_ref(),
        config.prepare.seed,
    )?;
    let reason = Reason {
        who: PROGRAM.to_owned(),
        why: format!("best of the sweep {}: {}", whole.name, verdict.said),
        evidence: serde_json::to_value(&verdict)?,
    };
    registry.keep(version.number, &reason)?;
    Ok((version.to_string(), Some(verdict)))
}
