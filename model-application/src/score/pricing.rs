//! A batch on its way: it is priced while the next one is read, and the one before is written.

use std::sync::Arc;

use anyhow::Context;
use model_application::{Scorer, Scores};
use tokio::task::JoinHandle;
use valuation::PredictError;

use super::batch::Read;

/// A batch that is being priced.
pub(super) struct Pricing {
    refused: Vec<(String, String)>,
    read: u64,
    last_key: Option<String>,
    scores: JoinHandle<Result<Scores, PredictError>>,
}

/// A batch to be written.
pub(super) struct Priced {
    pub scores: Scores,
    pub refused: Vec<(String, String)>,
    /// Rows gone through.
    pub read: u64,
    pub last_key: Option<String>,
}

impl Pricing {
    /// Begins to price a batch, on a thread of its own.
    pub fn begin(scorer: &Arc<Scorer>, batch: Read) -> Pricing {
        let Read {
            rows,
            refused,
            read,
            last_key,
        } = batch;
        let scorer = Arc::clone(scorer);
        Pricing {
            refused,
            read,
            last_key,
            scores: tokio::task::spawn_blocking(move || scorer.price(&rows)),
        }
    }

    /// Waits until it is priced.
    ///
    /// # Errors
    /// When the model does not take the columns.
    pub async fn done(self) -> anyhow::Result<Priced> {
        let scores = self.scores.await;
        Ok(Priced {
            scores: scores.context("the pricing thread ended unexpectedly")??,
            refused: self.refused,
            read: self.read,
            last_key: self.last_key,
        })
    }
}
