//! A batch written, however long the database is away.

use common::Fault;
use common::liveness::Retrying;
use ledger::offsets::AdvanceError;

use crate::batch::Batch;
use crate::control::Control;
use crate::store::Store;
use crate::written::Written;

/// Writes; gives what the database refused.
///
/// # Errors
/// When another member has the partition, or the database is set up so that no retry would help: nothing of
/// the batch is in the database.
pub(crate) async fn write(
    store: &Store,
    batch: &Batch,
    control: &Control,
    retrying: &Retrying,
) -> Result<Written, AdvanceError> {
    let written = retrying
        .until_done(
            async || store.write(batch).await,
            fault,
            |error, wait| {
                let error = with_source(error);
                tracing::warn!(retry_in_ms = wait.as_millis() as u64, "{error}");
                control.retried(error);
            },
        )
        .await?;
    control.committed(batch, &written);
    Ok(written)
}

fn fault(error: &AdvanceError) -> Fault {
    match error {
        // Not retried: another member continues.
        AdvanceError::Fenced { .. } | AdvanceError::Setup(_) => Fault::Setup,
        AdvanceError::Database(error) => match Fault::of_database(error) {
            // Refused rows were rejected: what is left is of the tables of rejects or offsets.
            Fault::Row => Fault::Passing,
            fault => fault,
        },
    }
}

/// An error and the database's message.
pub(crate) fn with_source(error: &AdvanceError) -> String {
    match error {
        AdvanceError::Database(source) => format!("{error}: {source}"),
        AdvanceError::Fenced { .. } | AdvanceError::Setup(_) => error.to_string(),
    }
}
