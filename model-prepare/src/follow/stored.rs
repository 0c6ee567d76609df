//! Writes what was learned, and reports what is stored.

use std::sync::Arc;
use std::time::Duration;

use common::Fault;
use common::kafka::{Anchored, Follow};
use common::liveness::Retrying;
use ledger::offsets::{AdvanceError, Stretch};

use super::control::Control;
use super::store::{Change, Store};

/// Writes, however long the database is away; what waiting does not fix is an error.
///
/// # Errors
/// When waiting will not help.
pub(super) async fn write(
    store: &Store,
    change: &Change,
    retrying: &Retrying,
) -> Result<(), AdvanceError> {
    let fault = |error: &AdvanceError| match error {
        AdvanceError::Database(error) => Fault::of_database(error),
        // Not to be retried: what is stored is read again.
        AdvanceError::Fenced { .. } | AdvanceError::Setup(_) => Fault::Row,
    };
    let warn = |error: &AdvanceError, wait: Duration| {
        let message = match error {
            AdvanceError::Database(source) => format!("{error}: {source}"),
            AdvanceError::Fenced { .. } | AdvanceError::Setup(_) => error.to_string(),
        };
        tracing::warn!(retry_in_ms = wait.as_millis() as u64, "{message}");
    };
    retrying
        .until_done(async || store.write(change).await, fault, warn)
        .await
}

/// Reports the batches that are in the database, and those that cannot be stored.
pub(super) struct StoreReporter {
    pub(super) control: Arc<Control>,
    /// Why nothing more can be stored.
    pub(super) broken: Option<String>,
}

impl Follow<Change, ()> for StoreReporter {
    fn stretches(change: &Change) -> &[Stretch] {
        &change.stretches
    }

    fn written(&mut self, _: Change, (): (), consumer: &Anchored) {
        self.control.positioned(consumer.positions());
    }

    fn fenced(&mut self, why: &AdvanceError) {
        let why = match why {
            AdvanceError::Database(source) => {
                let why = format!("{why}: {source}");
                self.broken = Some(why.clone());
                why
            }
            AdvanceError::Setup(why) => {
                self.broken = Some(why.clone());
                why.clone()
            }
            AdvanceError::Fenced { .. } => why.to_string(),
        };
        self.control.failed(why);
    }
}
