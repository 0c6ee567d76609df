//! Why a part of an artifact cannot be written, or does not fit the others.

use crate::boosted::TreeError;

/// Why a part of an artifact cannot be written, or does not fit the others.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PartError {
    /// It was read, and is not what the rest of the model needs.
    #[error("{0}")]
    Misfit(String),
    /// It is not a JSON of its kind.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Its trees cannot be read, or not be walked.
    #[error(transparent)]
    Trees(#[from] TreeError),
}

impl PartError {
    /// What does not fit.
    pub(crate) fn misfit(detail: impl Into<String>) -> PartError {
        PartError::Misfit(detail.into())
    }

    /// The same error with the place where it occurred.
    pub(crate) fn at(self, place: &str) -> PartError {
        PartError::Misfit(format!("{place}: {self}"))
    }
}
