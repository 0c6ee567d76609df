//! `sweep`: many settings of the members are tried, the best is registered as challenger.
//!
//! Trials go in rounds of `--round`: what a round tries depends on the rounds before it alone, so the same seed,
//! data and size of rounds give the same trials, however long each takes and however many workers there are.
//! Every trial is logged, in the database or in a directory: a sweep that was killed resumes where it was.

mod conclusion;
mod importance;
pub(crate) mod options;
mod plan;
pub(crate) mod sampler;
mod shared;
mod shared_trials;
mod shown;
mod space;
mod trial;
mod trial_log;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use report::Trial;

use self::conclusion::{conclude, keep_run};
use self::options::{Sweep, TrialLedger};
use self::plan::Plan;
use self::sampler::Sampler;
use self::shown::{Shown as Line, log_progress};
use self::trial::{Work, run_of, threads_of};
use self::trial_log::TrialLog;
use crate::commands::Shown;
use crate::config::Config;
use crate::listings::{self, Listings};
use crate::run_files::holdout::write_records;

/// Tries settings, and registers the best as challenger. With trials in the database, on a thread of a tokio
/// runtime that may block.
///
/// # Errors
/// When the data cannot be used for training, the sweep was begun with other settings, or the registry or
/// the database cannot be written.
pub fn sweep(config: &Config, options: &Sweep) -> anyhow::Result<Shown> {
    ensure!(options.trials > 0, "expected at least one trial, found 0");
    ensure!(
        options.round > 0,
        "expected at least one trial a round, found 0"
    );
    let plan = Plan::of(config, options)?;
    let home = config.registry.path.join("sweeps").join(&options.name);
    let is_shared = match options.ledger {
        TrialLedger::Database => true,
        TrialLedger::Directory => false,
        // A sweep that was begun in the directory goes on there.
        TrialLedger::Auto => !config.database.url.is_empty() && !TrialLog::exists(&home),
    };
    match is_shared {
        true => shared::share(config, options, &plan),
        false => in_directory(config, options, &plan, home),
    }
}

/// Tries settings in this process alone.
fn in_directory(
    config: &Config,
    options: &Sweep,
    plan: &Plan,
    home: PathBuf,
) -> anyhow::Result<Shown> {
    let mut log = TrialLog::open(&home, plan)?;
    let listings = data(config, options, &log)?;
    let registry = registry::open(&config.registry)?;
    let began = Instant::now();
    let whole = log.run.clone();
    keep_run(config, &*registry, &whole)?;

    let line = Line::start(&options.name, options.trials);
    let threads = threads_of(config, options);
    let work = Work::new(
        config,
        &listings,
        threads,
        options.parallel,
        Arc::clone(&line),
    )?;
    let mut sampler = Sampler::new(config, options.sampler)?;
    let mut done: Vec<Trial> = Vec::new();
    let mut is_late = false;
    while done.len() < options.trials && !is_late {
        let count = plan.round().clamp(1, options.trials - done.len());
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
    conclude(
        (config, options),
        &*registry,
        &listings,
        &done,
        whole,
        Some(&home),
    )
}

/// The rows: of the file, kept at the first call, so that a sweep that continues has the same.
fn data(config: &Config, options: &Sweep, log: &TrialLog) -> anyhow::Result<Listings> {
    let kept = log.training_set();
    if !kept.exists() {
        let file = options.data.as_deref().context(
            "expected a file to learn from: `model-prepare sweep --data listings.csv`; with a database \
             (--database-url) the training rows are the stored listings without one",
        )?;
        let listings = listings::of_file(file, &config.schema)?;
        write_records(&kept, &config.schema, &listings.batch)?;
    }
    listings::of_file(&kept, &config.schema)
}
