//! Why a step of a batch failed.

use common::Fault;

/// Why a step of a batch failed.
pub(super) struct Failure {
    pub fault: Fault,
    /// What failed, and what to do where a person has to.
    pub why: String,
}
