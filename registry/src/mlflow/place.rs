//! Where the server keeps a run.

/// Where the server keeps a run.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Its own id.
    pub(super) id: String,
    /// Where its files are.
    pub(super) files: String,
}
