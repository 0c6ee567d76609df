//! One line a stage, with its time.

use std::time::Instant;

/// Prints stages to standard error, where logs go too: standard output is for the summary.
pub(crate) struct Stages {
    started: Instant,
}

impl Stages {
    pub fn new(started: Instant) -> Stages {
        Stages { started }
    }

    /// A stage is done.
    pub fn done(&self, what: &str) {
        eprintln!("{:6.2} s  {what}", self.started.elapsed().as_secs_f64());
    }

    /// Something to use, below its stage.
    pub fn note(&self, what: &str) {
        eprintln!("            {what}");
    }
}
