//! Which levels of a category have columns of their own.

/// Which levels of a category have columns of their own in the linear design.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LevelLimits {
    /// Most levels of a one-hot category; the rest are "other".
    pub(crate) max_levels: usize,
    /// Levels with fewer rows are "other".
    pub(crate) min_level_rows: usize,
}
