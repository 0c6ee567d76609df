//! Numbers the columns of the linear design.

/// Gives columns out, counting from 0.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    used: usize,
}

impl Numbering {
    pub(super) fn next(&mut self) -> usize {
        self.used += 1;
        self.used - 1
    }

    /// Columns given out.
    pub(super) fn used(&self) -> usize {
        self.used
    }
}
