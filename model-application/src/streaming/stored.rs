//! What becomes of a batch's answers.

use ledger::offsets::AdvanceError;
use tokio::task::JoinHandle;
use tokio_util::sync::DropGuard;

use crate::store::Outcome;

/// What becomes of a batch's answers; dropped, the storing is given up.
pub(super) struct Stored {
    pub task: JoinHandle<Option<Result<Outcome, AdvanceError>>>,
    pub _give_up: DropGuard,
}

impl Stored {
    /// Waits until they are stored.
    ///
    /// # Errors
    /// When the set-up must be mended, or the storing panicked.
    pub async fn wait(self) -> Result<Outcome, AdvanceError> {
        match self.task.await {
            Ok(Some(stored)) => stored,
            Ok(None) => unreachable!("storing stops early only when this is dropped"),
            Err(error) => Err(AdvanceError::Setup(format!(
                "storing answers failed: {error}"
            ))),
        }
    }
}
