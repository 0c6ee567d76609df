//! Answers given over HTTP, stored behind the replies.

use std::sync::Arc;
use std::time::Duration;

use common::database::{Patience, patiently};
use common::liveness::Retrying;
use common::{Fault, Shutdown};
use sqlx::PgPool;
use tokio::sync::mpsc::Receiver;

use super::store_good;
use crate::answer::Worded;
use crate::metrics::{HTTP_DIFFERING, HTTP_NOT_STORED};
use crate::pending::Pending;

/// Most queued answers stored in one statement.
const AT_ONCE: usize = 2000;
/// Longest that storing may continue when leaving.
const LEAVING: Duration = Duration::from_secs(3);
/// How long queued answers wait for company: the client has them already, and one statement for many
/// costs little more than one for each.
const COMPANY: Duration = Duration::from_millis(20);

/// What is to be stored, and where.
pub(crate) struct Queue {
    pub pool: PgPool,
    pub waiting: Receiver<Arc<Worded>>,
    /// Answers that the database does not show yet.
    pub pending: Arc<Pending>,
    /// Bounds a try at storing.
    pub patience: Patience,
    pub retrying: Retrying,
}

/// Stores what was answered over HTTP until shutdown, and then what is still queued. An answer that the
/// database will never take is counted, and keeps no other from being stored.
///
/// # Errors
/// When the set-up must be fixed for any to be stored.
pub(crate) async fn store_queued(mut queue: Queue, shutdown: Shutdown) -> anyhow::Result<()> {
    let mut answers = Vec::new();
    loop {
        tokio::select! {
            biased;
            received = queue.waiting.recv_many(&mut answers, AT_ONCE) => {
                if received == 0 { return Ok(()) }
            }
            () = shutdown.cancelled() => return Ok(()),
        }
        if queue.waiting.len() < AT_ONCE && !shutdown.is_cancelled() {
            tokio::time::sleep(COMPANY).await;
        }
        while answers.len() < AT_ONCE
            && let Ok(answer) = queue.waiting.try_recv()
        {
            answers.push(answer);
        }
        let storing = queue.retrying.until_done(
            async || one_batch(&queue, &answers).await,
            Fault::of_database,
            |error, wait| {
                let wait_ms = wait.as_millis() as u64;
                tracing::warn!(retry_in_ms = wait_ms, %error, "cannot store answers over HTTP yet; retrying");
            },
        );
        tokio::select! {
            stored = storing => if let Err(error) = stored {
                lose(answers.len());
                anyhow::bail!(
                    "cannot store answers over HTTP: {error}; repair the table answers, or its \
                     permissions (model-application --check shows what is missing)"
                );
            },
            () = async {
                shutdown.cancelled().await;
                tokio::time::sleep(LEAVING).await;
            } => {
                let lost = answers.len() + queue.waiting.len();
                lose(lost);
                tracing::error!("{lost} answers over HTTP are not stored");
                return Ok(());
            }
        }
        queue.pending.settled(&answers);
        answers.clear();
    }
}

fn lose(count: usize) {
    metrics::counter!(HTTP_NOT_STORED.name()).increment(count as u64);
}

async fn one_batch(queue: &Queue, answers: &[Arc<Worded>]) -> Result<(), sqlx::Error> {
    let storing = patiently(&queue.pool, &queue.patience, async |connection| {
        store_good(connection, answers).await
    });
    let outcome = storing.await?;
    for (index, why) in &outcome.refused {
        lose(1);
        let id = crate::answer::shortened(&answers[*index].answer.id.text, 80);
        tracing::error!(%id, "an answer over HTTP is not stored: {why}");
    }
    let differ = answers.iter().filter(|worded| {
        let stored = outcome.earlier.get(&*worded.request_id());
        stored.is_some_and(|stored| stored.payload != worded.payload)
    });
    let differ = differ.count();
    if differ > 0 {
        metrics::counter!(HTTP_DIFFERING.name()).increment(differ as u64);
        tracing::warn!(
            answers = differ,
            "{differ} answers over HTTP differ from the answers that another process had stored \
             under their ids"
        );
    }
    Ok(())
}
