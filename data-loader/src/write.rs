//! A batch written, however long the database is away.

use backon::Retryable;
use common::database::forever;
use ledger::offsets::AdvanceError;
use ledger::rejects::Reject;

use crate::control::Control;
use crate::store::{Batch, Store};

/// Writes; gives what the database refused.
///
/// # Errors
/// When another member has the partition: nothing of the batch is in the database.
pub(crate) async fn write(
    store: &Store,
    batch: &Batch,
    control: &Control,
) -> Result<Vec<Reject>, AdvanceError> {
    let refused = (|| store.write(batch))
        .retry(forever())
        .when(|error| matches!(error, AdvanceError::Database(_)))
        .notify(|error, wait| {
            let said = match error {
                AdvanceError::Database(source) => format!("{error}: {source}"),
                _ => error.to_string(),
            };
            tracing::warn!(retry_in_ms = wait.as_millis() as u64, "{said}");
            control.retried(said);
        })
        .await?;
    control.committed(batch, &refused);
    Ok(refused)
}
