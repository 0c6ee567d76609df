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
    /// How many at a time; they share the cores.
    pub parallel: usize,
    /// No round begins after so long.
    pub time_limit: Option<Duration>,
    /// How the next trial is chosen.
    pub sampler: SamplerKind,
}
