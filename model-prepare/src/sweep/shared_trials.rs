//! The trials of a shared sweep in the database: calls that wait a bounded time, and leases that are renewed.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use common::{Fault, Health, Shutdown, database};
use ledger::sweeps::{self, Begun, Claim, Worker};
use report::Trial;
use sqlx::{PgConnection, PgPool};
use tokio::runtime::Handle;

use super::options::Sweep;
use crate::config::Config;
use crate::listings::Listings;
use crate::training::stored::listings_of_table;

/// How long a database that does not answer is asked again: a restart passes, a fit's result is not lost to it.
const PATIENCE: Duration = Duration::from_secs(600);
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(2);
/// Bounds the way of the rows to the database or back.
const ROWS_DEADLINE: Duration = Duration::from_secs(600);
/// Sweeps are kept so long: their rows take room.
const KEPT_DAYS: i32 = 90;
/// A lease is renewed so many times before it is over.
const RENEWALS: u32 = 3;
/// Leases that are shorter would be lost to a busy machine; longer ones would keep a trial of a dead worker for days.
const LEASES: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(3)..=Duration::from_secs(86_400);

/// One worker's connection to the trials.
pub(super) struct SharedTrials {
    pool: PgPool,
    /// Calls come from threads that fit.
    runtime: Handle,
    /// Of one statement.
    deadline: Duration,
    worker: Worker,
    lease: Duration,
}

impl SharedTrials {
    /// Connects; on a thread of a tokio runtime that may block.
    ///
    /// # Errors
    /// When the lease is out of range, or the database cannot be used.
    pub(super) fn open(config: &Config, options: &Sweep) -> anyhow::Result<SharedTrials> {
        ensure!(
            LEASES.contains(&options.lease),
            "expected a --lease of {} to {} seconds, found {}",
            LEASES.start().as_secs(),
            LEASES.end().as_secs(),
            options.lease.as_secs()
        );
        let runtime = Handle::current();
        let patient = config.database.patient();
        let (health, shutdown) = (Health::default(), Shutdown::new());
        let opening = database::open(&patient, sweeps::DDL, &health, &shutdown);
        let pool = runtime.block_on(Box::pin(opening))?;
        let pool = pool.context("the database was not opened")?;
        let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "worker".to_owned());
        Ok(SharedTrials {
            pool,
            runtime,
            deadline: config.database.deadline(),
            worker: Worker {
                sweep: options.name.clone(),
                name: format!(
                    "{host}:{}:{:016x}",
                    std::process::id(),
                    rand::random::<u64>()
                ),
                lease_s: options.lease.as_secs_f64(),
            },
            lease: options.lease,
        })
    }

    /// This worker's name.
    pub(super) fn worker(&self) -> &str {
        &self.worker.name
    }

    /// The stored listings.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub(super) fn table_rows(&self, config: &Config) -> anyhow::Result<Listings> {
        let reading = listings_of_table(config, &self.pool);
        self.runtime.block_on(Box::pin(reading))
    }

    /// What the sweep was begun with.
    ///
    /// # Errors
    /// When the database fails, as in all of these.
    pub(super) fn find(&self) -> anyhow::Result<Option<Begun>> {
        let name = &self.worker.sweep;
        self.ask(self.deadline, async |connection| {
            sweeps::find(connection, name).await
        })
    }

    /// Begins it with these rows; `false` where another worker was first. Old sweeps are deleted.
    pub(super) fn begin(&self, begun: &Begun, rows: &[u8]) -> anyhow::Result<bool> {
        let name = &self.worker.sweep;
        let forgotten = self.ask(self.deadline, async |connection| {
            sweeps::forget(connection, KEPT_DAYS).await
        })?;
        if forgotten > 0 {
            tracing::info!(
                sweeps = forgotten,
                "deleted sweeps that began {KEPT_DAYS} days ago"
            );
        }
        self.ask(ROWS_DEADLINE, async |connection| {
            sweeps::begin(connection, name, begun, rows).await
        })
    }

    /// The rows, as a Parquet file.
    pub(super) fn training_set(&self) -> anyhow::Result<Vec<u8>> {
        let name = &self.worker.sweep;
        self.ask(ROWS_DEADLINE, async |connection| {
            sweeps::training_set(connection, name).await
        })
    }

    /// Adds the trials of a round that begins with the number `from`.
    pub(super) fn offer(&self, from: usize, points: &[Vec<f64>]) -> anyhow::Result<()> {
        let (name, from) = (&self.worker.sweep, number(from)?);
        self.ask(self.deadline, async |connection| {
            sweeps::offer(connection, name, from, points).await
        })
    }

    /// A trial below `end` that nobody fits.
    pub(super) fn claim(&self, end: usize) -> anyhow::Result<Option<Claim>> {
        let (worker, end) = (&self.worker, number(end)?);
        self.ask(self.deadline, async |connection| {
            sweeps::claim(connection, worker, end).await
        })
    }

    /// Fits a claimed trial while its lease is renewed.
    pub(super) fn while_claimed<T>(&self, claim: &Claim, work: impl FnOnce() -> T) -> T {
        let (worker, number) = (&self.worker, claim.number);
        let renew =
            || self.once(async |connection| sweeps::renew(connection, worker, number).await);
        self.while_renewed(&format!("trial {number}"), renew, work)
    }

    /// Stores a finished trial; `false` where another worker has it.
    pub(super) fn finish(&self, trial: &Trial) -> anyhow::Result<bool> {
        let (worker, number) = (&self.worker, number(trial.number)?);
        let text = serde_json::to_string(trial)?;
        self.ask(self.deadline, async |connection| {
            sweeps::finish(connection, worker, number, &text).await
        })
    }

    /// The finished trials from a number on, by their numbers.
    pub(super) fn finished(&self, from: usize) -> anyhow::Result<Vec<Trial>> {
        let (name, from) = (&self.worker.sweep, number(from)?);
        let texts = self.ask(self.deadline, async |connection| {
            sweeps::finished(connection, name, from).await
        })?;
        let trials = texts.iter().map(|text| serde_json::from_str(text));
        trials
            .collect::<Result<_, _>>()
            .context("the table hedonic_sweep_trials has a trial that this program cannot read")
    }

    /// How many trials others fit.
    pub(super) fn under_way(&self) -> anyhow::Result<i64> {
        let name = &self.worker.sweep;
        self.ask(self.deadline, async |connection| {
            sweeps::under_way(connection, name).await
        })
    }

    /// The result, where the sweep was closed with so many trials.
    pub(super) fn result(&self, trials: usize) -> anyhow::Result<Option<String>> {
        let (name, trials) = (&self.worker.sweep, number(trials)?);
        self.ask(self.deadline, async |connection| {
            sweeps::result(connection, name, trials).await
        })
    }

    /// Whether this worker is the one that closes the sweep.
    pub(super) fn claim_closing(&self, trials: usize) -> anyhow::Result<bool> {
        let (worker, trials) = (&self.worker, number(trials)?);
        self.ask(self.deadline, async |connection| {
            sweeps::claim_closing(connection, worker, trials).await
        })
    }

    /// Closes the sweep while its lease is renewed.
    pub(super) fn while_closing<T>(
        &self,
        trials: usize,
        work: impl FnOnce() -> T,
    ) -> anyhow::Result<T> {
        let (worker, trials) = (&self.worker, number(trials)?);
        let renew = || {
            self.once(async |connection| sweeps::claim_closing(connection, worker, trials).await)
        };
        Ok(self.while_renewed("the best trial's fit", renew, work))
    }

    /// Stores the result; `false` where another worker closes the sweep.
    pub(super) fn close(&self, trials: usize, result: &str) -> anyhow::Result<bool> {
        let (worker, trials) = (&self.worker, number(trials)?);
        self.ask(self.deadline, async |connection| {
            sweeps::close(connection, worker, trials, result).await
        })
    }

    /// Leaves the closing to another worker.
    pub(super) fn release_closing(&self) -> anyhow::Result<()> {
        let worker = &self.worker;
        self.ask(self.deadline, async |connection| {
            sweeps::release_closing(connection, worker).await
        })
    }

    fn while_renewed<T>(
        &self,
        what: &str,
        renew: impl Fn() -> Result<bool, sqlx::Error> + Send,
        work: impl FnOnce() -> T,
    ) -> T {
        let (working, over) = channel::<()>();
        let every = self.lease / RENEWALS;
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while let Err(RecvTimeoutError::Timeout) = over.recv_timeout(every) {
                    match renew() {
                        Ok(true) => {}
                        Ok(false) => {
                            tracing::warn!("another worker has taken {what}: the lease was over");
                            return;
                        }
                        Err(error) => {
                            tracing::warn!(%error, "cannot renew the lease of {what}; retried");
                        }
                    }
                }
            });
            let done = work();
            drop(working);
            done
        })
    }

    /// One try.
    fn once<T>(
        &self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let asking = database::within(&self.pool, self.deadline, work);
        self.runtime.block_on(asking)
    }

    /// Tries until the database answers, for a bounded time.
    fn ask<T>(
        &self,
        deadline: Duration,
        work: impl AsyncFn(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> anyhow::Result<T> {
        let until = Instant::now() + PATIENCE;
        loop {
            let asking = database::within(&self.pool, deadline, async |connection| {
                work(connection).await
            });
            match self.runtime.block_on(asking) {
                Err(error)
                    if Fault::of_database(&error) == Fault::Passing && Instant::now() < until =>
                {
                    tracing::warn!(%error, "the trials in the database cannot be reached; retried");
                    sleep(PAUSE);
                }
                other => {
                    return other.context("cannot use the trials of the sweep in the database");
                }
            }
        }
    }
}

fn number(number: usize) -> anyhow::Result<i32> {
    i32::try_from(number).context("a sweep has fewer than 2^31 trials")
}
