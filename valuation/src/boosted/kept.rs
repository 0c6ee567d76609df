//! What is worked out once, when it is first asked for.

use std::sync::OnceLock;

/// A value that follows from what stands beside it: it makes no difference to equality, and a copy works
/// it out again.
#[derive(Debug)]
pub(super) struct Kept<T>(OnceLock<T>);

impl<T> Kept<T> {
    /// The value, worked out by `make` the first time.
    pub(super) fn get(&self, make: impl FnOnce() -> T) -> &T {
        self.0.get_or_init(make)
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Kept<T> {
        Kept(OnceLock::new())
    }
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Kept<T> {
        Kept::default()
    }
}

impl<T> PartialEq for Kept<T> {
    fn eq(&self, _: &Kept<T>) -> bool {
        true
    }
}
