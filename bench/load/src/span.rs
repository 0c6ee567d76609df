//! How long a measurement is, and its end before the time.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;

/// What counts, and what is kept of it.
#[derive(Args)]
pub struct Span {
    /// Seconds that count, at each rate
    #[arg(long)]
    pub seconds: f64,
    /// Seconds before them
    #[arg(long, default_value_t = 2.0)]
    pub warm_s: f64,
    /// End before the time when a line comes on standard input, or its end
    #[arg(long)]
    pub stoppable: bool,
    /// The first request's number
    #[arg(long, default_value_t = 0)]
    pub first: u64,
    /// Where to write which model answered when: a line an answer that counts
    #[arg(long)]
    pub sayings: Option<PathBuf>,
}

impl Span {
    /// What ends it.
    pub fn stop(&self) -> Stop {
        match self.stoppable {
            true => Stop::on_input(),
            false => Stop::default(),
        }
    }
}

/// Whether it was asked to end.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// One that listens: a line on standard input, or its end, asks it to end.
    fn on_input() -> Stop {
        let stop = Stop::default();
        let asked = stop.clone();
        std::thread::spawn(move || {
            let mut line = String::new();
            // Nobody holds the other end, or a line was read: both mean to stop.
            let _ = std::io::stdin().read_line(&mut line);
            asked.0.store(true, Ordering::Relaxed);
        });
        stop
    }

    /// Whether it was.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
