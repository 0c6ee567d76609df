//! Who watches a fit.

use std::fmt;
use std::sync::Arc;

use super::fit_progress::FitProgress;

/// Receives how far a fit is.
pub trait FitObserver: Send + Sync {
    /// Called from the threads of the fit, one call at a time and in order. The fit waits for it: it keeps what
    /// it receives, and leaves the rest to others.
    fn observe(&self, progress: &FitProgress);
}

impl<F: Fn(&FitProgress) + Send + Sync> FitObserver for F {
    fn observe(&self, progress: &FitProgress) {
        self(progress);
    }
}

/// Who watches a fit; nobody by default, which costs nothing.
#[derive(Clone, Default)]
pub struct Observer(Option<Arc<dyn FitObserver>>);

impl Observer {
    /// Tells `observer`.
    pub fn new(observer: impl FitObserver + 'static) -> Observer {
        Observer(Some(Arc::new(observer)))
    }

    /// Tells it, where there is one.
    pub fn observe(&self, progress: &FitProgress) {
        if let Some(observer) = &self.0 {
            observer.observe(progress);
        }
    }

    /// The observer; none where nobody watches.
    pub(super) fn get(&self) -> Option<Arc<dyn FitObserver>> {
        self.0.clone()
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self.0 {
            Some(_) => "Observer(some)",
            None => "Observer(none)",
        })
    }
}

/// Options that differ in who watches give the same model.
impl PartialEq for Observer {
    fn eq(&self, _other: &Observer) -> bool {
        true
    }
}
