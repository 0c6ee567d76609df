//! A sweep whose trials several workers share through the database.
//!
//! What a round tries follows from the rounds before it, so each worker works it out by itself, and all come to
//! the same trials: their number, and which worker fits what, change nothing. A worker that is killed costs the
//! time of its trial: another claims it when the lease is over.

use std::fs;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use ledger::sweeps::{Begun, Claim};
use registry::{Registry, Run};
use report::Trial;
use serde::{Deserialize, Serialize};

use super::conclusion::{conclude, keep_run};
use super::options::Sweep;
use super::plan::Plan;
use super::sampler::Sampler;
use super::shared_trials::SharedTrials;
use super::shown::{Shown as Line, result_words};
use super::trial::{Work, median_of_first, run_of, threads_of};
use crate::commands::Shown;
use crate::config::Config;
use crate::listings::{self, Listings};
use crate::run_files::holdout::write_records;
use crate::run_files::staging::Staging;

/// Between two looks at what others have finished.
const POLL: Duration = Duration::from_millis(500);
/// Claims of one trial: one that ended so many workers (too little memory, say) would end all of them.
const MOST_TRIES: i32 = 5;
/// Rows of a shared sweep, as a Parquet file: a value of PostgreSQL has 1 GiB at most, and each worker reads it.
const MOST_ROWS_BYTES: usize = 256 << 20;

/// What the closing worker leaves to the others.
#[derive(Serialize, Deserialize)]
struct Closed {
    text: String,
    json: serde_json::Value,
}

/// What a worker has in hand.
struct Job<'a> {
    config: &'a Config,
    options: &'a Sweep,
    trials: &'a SharedTrials,
    registry: &'a dyn Registry,
    run: &'a Run,
    began: Instant,
}

/// Works on a sweep until its trials are done, and closes it, or waits for the worker that does.
///
/// # Errors
/// When the sweep was begun with other settings, or database or registry cannot be used.
pub(super) fn share(config: &Config, options: &Sweep, plan: &Plan) -> anyhow::Result<Shown> {
    let trials = SharedTrials::open(config, options)?;
    let registry = registry::open(&config.registry)?;
    let run = begun(config, options, plan, &trials, &*registry)?;
    let listings = rows(config, &trials)?;
    let line = Line::start(&options.name, options.trials);
    let threads = threads_of(config, options);
    let work = Work::new(
        config,
        &listings,
        threads,
        options.parallel,
        Arc::clone(&line),
    )?;
    let job = Job {
        config,
        options,
        trials: &trials,
        registry: &*registry,
        run: &run,
        began: Instant::now(),
    };
    job.rounds(plan, &work, &line)?;
    drop((work, line));
    job.close(&listings)
}

/// The run of the sweep, which is begun where it is not.
fn begun(
    config: &Config,
    options: &Sweep,
    plan: &Plan,
    trials: &SharedTrials,
    registry: &dyn Registry,
) -> anyhow::Result<Run> {
    let found = match trials.find()? {
        Some(found) => found,
        None => {
            let run = plan.run(&options.name);
            let begun = Begun {
                plan: serde_json::to_string(plan)?,
                run: serde_json::to_string(&run)?,
            };
            if trials.begin(&begun, &first_rows(config, options, trials)?)? {
                keep_run(config, registry, &run)?;
            }
            trials
                .find()?
                .context("the sweep was deleted from the database while it began")?
        }
    };
    let unreadable = "the table hedonic_sweeps has a sweep that this program cannot read";
    let begun: Plan = serde_json::from_str(&found.plan).context(unreadable)?;
    ensure!(
        plan.tries_as(&begun),
        "a sweep of this name was begun with other settings: give another --name, or delete it: \
         DELETE FROM hedonic_sweeps WHERE name = '{}'",
        options.name
    );
    serde_json::from_str(&found.run).context(unreadable)
}

/// The rows that a sweep begins with, as a Parquet file: of the file, or the stored listings.
fn first_rows(config: &Config, options: &Sweep, trials: &SharedTrials) -> anyhow::Result<Vec<u8>> {
    let listings = match options.data.as_deref() {
        Some(file) => listings::of_file(file, &config.schema)?,
        None => trials.table_rows(config)?,
    };
    let staging = Staging::new(&config.registry.path)?;
    let path = staging.path().join("training_set.parquet");
    write_records(&path, &config.schema, &listings.batch)?;
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(
        bytes.len() <= MOST_ROWS_BYTES,
        "the rows have {} bytes as a Parquet file; a shared sweep takes at most {MOST_ROWS_BYTES}: give a \
         sample with --data, or keep the trials in a directory with --ledger directory",
        bytes.len()
    );
    Ok(bytes)
}

/// The rows of the sweep, the same for each worker.
fn rows(config: &Config, trials: &SharedTrials) -> anyhow::Result<Listings> {
    let staging = Staging::new(&config.registry.path)?;
    let path = staging.path().join("training_set.parquet");
    fs::write(&path, trials.training_set()?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    listings::of_file(&path, &config.schema)
}

impl Job<'_> {
    /// Fits trials, round by round, until all are finished or the time is over.
    fn rounds(&self, plan: &Plan, work: &Work, line: &Line) -> anyhow::Result<()> {
        let mut sampler = Sampler::new(self.config, self.options.sampler)?;
        let mut done: Vec<Trial> = Vec::new();
        while done.len() < self.options.trials {
            let count = plan.round().clamp(1, self.options.trials - done.len());
            let points = sampler.next(count)?;
            let limit = median_of_first(&done);
            self.trials.offer(done.len(), &points)?;
            let Some(round) = self.round(done.len(), &points, limit, (work, line))? else {
                return Ok(());
            };
            for trial in round {
                sampler.add(&trial, &done)?;
                done.push(trial);
            }
        }
        Ok(())
    }

    /// The trials of a round, once all are finished; `None` where the time is over before.
    fn round(
        &self,
        from: usize,
        points: &[Vec<f64>],
        limit: Option<f64>,
        (work, line): (&Work, &Line),
    ) -> anyhow::Result<Option<Vec<Trial>>> {
        let end = from + points.len();
        loop {
            let mut finished = self.trials.finished(from)?;
            // Rounds beyond this one, of an earlier call with more trials.
            finished.retain(|trial| trial.number < end);
            line.over(from + finished.len());
            if finished.len() == points.len() {
                for (trial, point) in finished.iter().zip(points) {
                    same_point(trial.number, &trial.values, point)?;
                }
                return Ok(Some(finished));
            }
            if self.is_late() {
                return Ok(None);
            }
            if self.work_on(from, points, limit, work)? == 0 {
                sleep(POLL);
            }
        }
    }

    /// Fits what can be claimed of a round, some trials side by side; returns how many were.
    fn work_on(
        &self,
        from: usize,
        points: &[Vec<f64>],
        limit: Option<f64>,
        work: &Work,
    ) -> anyhow::Result<usize> {
        let one = || {
            let mut fitted = 0;
            while !self.is_late()
                && let Some(claim) = self.trials.claim(from + points.len())?
            {
                self.fit(&claim, from, points, limit, work)?;
                fitted += 1;
            }
            anyhow::Ok(fitted)
        };
        std::thread::scope(|scope| {
            let lanes: Vec<_> = (0..self.options.parallel.max(1))
                .map(|_| scope.spawn(one))
                .collect();
            let mut fitted = 0;
            for lane in lanes {
                match lane.join() {
                    Ok(count) => fitted += count?,
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            Ok(fitted)
        })
    }

    fn fit(
        &self,
        claim: &Claim,
        from: usize,
        points: &[Vec<f64>],
        limit: Option<f64>,
        work: &Work,
    ) -> anyhow::Result<()> {
        let number = usize::try_from(claim.number).context("a trial has a negative number")?;
        let point = number.checked_sub(from).and_then(|index| points.get(index));
        let point =
            point.context("the trials of an earlier round are not finished: start again")?;
        same_point(number, &claim.point, point)?;
        let trial = match claim.tries > MOST_TRIES {
            true => work.failed(
                number,
                point,
                format!(
                    "{MOST_TRIES} workers ended while they fitted it: see how much memory it needs"
                ),
            ),
            false => self
                .trials
                .while_claimed(claim, || work.trial(number, point, limit)),
        };
        if !self.trials.finish(&trial)? {
            tracing::warn!("trial {number}: another worker has it, its result is dropped here");
            return Ok(());
        }
        tracing::info!(
            worker = self.trials.worker(),
            "trial {} of {}: {}; {:.0} s",
            number + 1,
            self.options.trials,
            result_words(&trial),
            trial.seconds
        );
        let run = run_of(&trial, &self.run.id, self.config, work)?;
        keep_run(self.config, self.registry, &run)
    }

    fn is_late(&self) -> bool {
        let limit = self.options.time_limit;
        limit.is_some_and(|limit| self.began.elapsed() >= limit)
    }

    /// Registers the best, once: the worker that closes the sweep leaves the result to the others.
    fn close(&self, listings: &Listings) -> anyhow::Result<Shown> {
        let done = self.trials.finished(0)?;
        let others = self.trials.under_way()?;
        if done.len() < self.options.trials && others > 0 {
            return Ok(self.left(done.len(), others));
        }
        ensure!(
            !done.is_empty(),
            "the time was over before a trial was finished: give more --time-limit"
        );
        loop {
            if let Some(text) = self.trials.result(done.len())? {
                let closed: Closed = serde_json::from_str(&text).context(
                    "the table hedonic_sweeps has a result that this program cannot read",
                )?;
                return Ok(Shown {
                    text: closed.text,
                    json: closed.json,
                });
            }
            if self.trials.claim_closing(done.len())? {
                let concluded = self.trials.while_closing(done.len(), || {
                    conclude(
                        (self.config, self.options),
                        self.registry,
                        listings,
                        &done,
                        self.run.clone(),
                        None,
                    )
                })?;
                let shown = match concluded {
                    Ok(shown) => shown,
                    Err(error) => {
                        // The first error is the one to report.
                        let _ = self.trials.release_closing();
                        return Err(error);
                    }
                };
                let closed = Closed {
                    text: shown.text.clone(),
                    json: shown.json.clone(),
                };
                let text = serde_json::to_string(&closed)?;
                if !self.trials.close(done.len(), &text)? {
                    tracing::warn!("another worker has closed the sweep too: the lease was over");
                }
                return Ok(shown);
            }
            sleep(POLL);
        }
    }

    /// The result of a worker whose time is over while others work.
    fn left(&self, done: usize, others: i64) -> Shown {
        let trials = self.options.trials;
        Shown {
            text: format!(
                "the time is over: {done} of {trials} trials are finished, and other workers fit {others}; the \
                 last of them registers the best"
            ),
            json: serde_json::json!({
                "sweep": self.options.name,
                "run": self.run.id,
                "finished": done,
                "under_way": others,
            }),
        }
    }
}

/// Whether a stored trial is the one that this program draws.
fn same_point(number: usize, stored: &[f64], drawn: &[f64]) -> anyhow::Result<()> {
    ensure!(
        stored == drawn,
        "trial {number} has the values {stored:?}, expected {drawn:?}: the workers of a sweep must be of one \
         version of model-prepare"
    );
    Ok(())
}
