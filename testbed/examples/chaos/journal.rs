//! What happened, with its time; and what may not happen.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Prints a line an event, and keeps the violations.
pub struct Journal {
    began: Instant,
    violations: Mutex<Vec<String>>,
}

impl Journal {
    pub fn new() -> Journal {
        Journal {
            began: Instant::now(),
            violations: Mutex::default(),
        }
    }

    pub fn say(&self, text: &str) {
        println!("{:8.1} s  {text}", self.began.elapsed().as_secs_f64());
    }

    /// A law is broken.
    pub fn violation(&self, text: String) {
        self.say(&format!("VIOLATION  {text}"));
        let at = self.began.elapsed().as_secs_f64();
        let mut all = self
            .violations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.push(format!("{at:.1} s  {text}"));
    }

    pub fn violations(&self) -> Vec<String> {
        let all = self.violations.lock();
        all.unwrap_or_else(PoisonError::into_inner).clone()
    }
}
