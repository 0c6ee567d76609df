//! What a service waits for, and whether it is ready.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The state of everything a service needs; cheap to clone and share.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// What each needed thing is waited for; `None` where it is there.
    parts: Arc<Mutex<BTreeMap<&'static str, Option<String>>>>,
    /// What is left out on purpose, and so hinders nothing.
    left_out: Arc<Mutex<BTreeMap<&'static str, String>>>,
    /// Whether the service was asked to stop: what becomes ready after that changes nothing.
    is_leaving: Arc<AtomicBool>,
}

impl Health {
    /// Nothing of `parts` is there yet: anyone who needs them all is not ready before it has them all,
    /// however late it comes to ask for the last.
    pub fn needing(parts: &[&'static str]) -> Health {
        let health = Health::default();
        for part in parts {
            health.waiting(part, "not checked yet");
        }
        health
    }

    /// The part is not there; `why` states what is waited for.
    pub fn waiting(&self, part: &'static str, why: impl Into<String>) {
        self.lock().insert(part, Some(why.into()));
    }

    /// The part is there.
    pub fn ready(&self, part: &'static str) {
        self.lock().insert(part, None);
    }

    /// The part is left out on purpose: the report says so, and nothing waits for it.
    pub fn leave_out(&self, part: &'static str, why: impl Into<String>) {
        self.left_out
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(part, why.into());
    }

    /// The service is about to stop: it is not ready any more, whatever is there.
    pub fn leave(&self) {
        self.is_leaving.store(true, Ordering::Release);
    }

    /// Whether the service is about to stop.
    pub fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Acquire)
    }

    /// Whether every part is there, and the service is to stay.
    pub fn is_ready(&self) -> bool {
        !self.is_leaving() && self.lock().values().all(Option::is_none)
    }

    /// Each part with `"ready"` or what is waited for, and what is left out on purpose.
    pub fn report(&self) -> BTreeMap<&'static str, String> {
        let mut report: BTreeMap<_, _> = self
            .lock()
            .iter()
            .map(|(part, waiting)| (*part, waiting.clone().unwrap_or_else(|| "ready".to_owned())))
            .collect();
        let left_out = self.left_out.lock();
        let left_out = left_out.unwrap_or_else(PoisonError::into_inner);
        report.extend(left_out.iter().map(|(part, why)| (*part, why.clone())));
        if self.is_leaving() {
            report.insert(
                "leaving",
                "draining: the service stops after http.drain_s".to_owned(),
            );
        }
        report
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, Option<String>>> {
        // A panic while holding the lock leaves a whole map: every change is one insert.
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_reported_and_hinders_nothing() {
        let health = Health::needing(&["model"]);
        health.leave_out("answers", "not stored");
        health.ready("model");
        assert!(health.is_ready());
        assert_eq!(health.report()["answers"], "not stored");
    }

    #[test]
    fn what_was_not_asked_for_yet_is_waited_for() {
        let health = Health::needing(&["database", "kafka"]);
        health.ready("database");
        assert!(!health.is_ready());
        assert_eq!(health.report()["kafka"], "not checked yet");
        health.ready("kafka");
        assert!(health.is_ready());
    }
}
