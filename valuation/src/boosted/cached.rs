//! What is computed once, when it is first asked for.

use std::sync::OnceLock;

/// A value that follows from what stands beside it: it makes no difference to equality, and a copy works
/// it out again.
#[derive(Debug)]
pub(crate) struct Cached<T>(OnceLock<T>);

impl<T> Cached<T> {
    /// The value, computed by `make` the first time.
    pub(crate) fn get(&self, make: impl FnOnce() -> T) -> &T {
        self.0.get_or_init(make)
    }
}

impl<T> Default for Cached<T> {
    fn default() -> Cached<T> {
        Cached(OnceLock::new())
    }
}

impl<T> Clone for Cached<T> {
    fn clone(&self) -> Cached<T> {
        Cached::default()
    }
}

impl<T> PartialEq for Cached<T> {
    fn eq(&self, _: &Cached<T>) -> bool {
        true
    }
}
