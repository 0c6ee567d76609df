//! The options of a sweep.

use std::path::PathBuf;
use std::time::Duration;

use super::sampler::SamplerKind;

/// The options of a sweep.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// Its name: the same name continues with what was tried.
    pub name: String,
    /// The file to learn from; `None`: the rows are given.
    pub data: Option<PathBuf>,
    /// How many trials in all, those of earlier calls too.
    pub trials: usize,
    /// How many at a time in this process; they share the cores.
    pub parallel: usize,
    /// How many a round has: what a round tries depends on the rounds before it alone.
    pub round: usize,
    /// No round begins after so long.
    pub time_limit: Option<Duration>,
    /// How the next trial is chosen.
    pub sampler: SamplerKind,
    /// Where the trials are kept.
    pub ledger: TrialLedger,
    /// How long a trial of a shared sweep is left to a worker that is not heard of.
    pub lease: Duration,
}

/// Where the trials of a sweep are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialLedger {
    /// In the database where one is set, unless the directory has a sweep of this name.
    Auto,
    /// In the database: any number of workers share the trials.
    Database,
    /// In a directory below the registry's: one process.
    Directory,
}
