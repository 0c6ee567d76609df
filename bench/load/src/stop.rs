//! An end before the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether it was asked to end.
#[derive(Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// One that listens: a line on standard input, or its end, asks it to end.
    pub fn on_input() -> Stop {
        let stop = Stop::default();
        let asked = stop.clone();
        std::thread::spawn(move || {
            let mut line = String::new();
            // Whatever came of it, nobody holds the other end or a line was said.
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
