//! Answers in the database: the first one given for an id stays.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use backon::Retryable;
use bytes::Bytes;
use common::database::forever;
use common::{Metric, Shutdown};
use sqlx::{PgConnection, PgPool};
use tokio::sync::mpsc::Receiver;

use crate::answer::Worded;

/// Most queued answers stored in one statement.
const AT_ONCE: usize = 2000;
/// Longest that storing may go on when leaving.
const LEAVING: Duration = Duration::from_secs(3);
/// How long queued answers wait for company: whoever asked has them already, and one statement for many
/// costs little more than one for each.
const COMPANY: Duration = Duration::from_millis(20);

/// Stores answers. Empty where all were new; else gives the stored payload for each of their ids:
/// what is to be published, however often a request comes.
///
/// # Errors
/// When the database fails; without a transaction some of them may be stored.
pub(crate) async fn store(
    connection: &mut PgConnection,
    answers: &[impl Borrow<Worded>],
) -> Result<HashMap<String, Bytes>, sqlx::Error> {
    if answers.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<&str> = column(answers, |worded| worded.answer.id.text.as_str());
    let inserted = sqlx::query(
        "INSERT INTO answers (request_id, prediction, low, high, model, payload, segment) \
         SELECT * FROM unnest($1::text[], $2::float8[], $3::float8[], $4::float8[], $5::text[], \
         $6::bytea[], $7::text[]) ON CONFLICT DO NOTHING",
    )
    .bind(&ids)
    .bind(column(answers, |worded| worded.answer.prediction))
    .bind(column(answers, |worded| worded.answer.low))
    .bind(column(answers, |worded| worded.answer.high))
    .bind(column(answers, |worded| worded.answer.model.as_str()))
    .bind(column(answers, |worded| &worded.payload[..]))
    .bind(column(answers, |worded| worded.answer.segment.as_deref()))
    .execute(&mut *connection)
    .await?;
    match inserted.rows_affected() == answers.len() as u64 {
        true => Ok(HashMap::new()),
        false => stored(connection, &ids).await,
    }
}

fn column<'a, T>(answers: &'a [impl Borrow<Worded>], of: impl Fn(&'a Worded) -> T) -> Vec<T> {
    answers.iter().map(|worded| of(worded.borrow())).collect()
}

/// The payloads stored under these ids.
///
/// # Errors
/// When the database fails.
pub(crate) async fn stored(
    connection: &mut PgConnection,
    ids: &[&str],
) -> Result<HashMap<String, Bytes>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = "SELECT request_id, payload FROM answers WHERE request_id = ANY($1)";
    let rows: Vec<(String, Vec<u8>)> = sqlx::query_as(sql).bind(ids).fetch_all(connection).await?;
    Ok(rows
        .into_iter()
        .map(|(id, payload)| (id, payload.into()))
        .collect())
}

/// Stores what was answered over HTTP until shutdown, and then what is still queued.
pub(crate) async fn store_queued(
    pool: PgPool,
    mut waiting: Receiver<Arc<Worded>>,
    shutdown: Shutdown,
) {
    let mut answers = Vec::new();
    loop {
        tokio::select! {
            biased;
            received = waiting.recv_many(&mut answers, AT_ONCE) => if received == 0 { return },
            () = shutdown.cancelled() => return,
        }
        if waiting.len() < AT_ONCE && !shutdown.is_cancelled() {
            tokio::time::sleep(COMPANY).await;
        }
        while answers.len() < AT_ONCE
            && let Ok(answer) = waiting.try_recv()
        {
            answers.push(answer);
        }
        let storing = (|| async { store(&mut *pool.acquire().await?, &answers).await })
            .retry(forever())
            .notify(|error, wait| {
                let wait_ms = wait.as_millis() as u64;
                tracing::warn!(retry_in_ms = wait_ms, "answers over HTTP wait: {error}");
            });
        tokio::select! {
            _ = storing => {}
            () = async {
                shutdown.cancelled().await;
                tokio::time::sleep(LEAVING).await;
            } => {
                let lost = answers.len() + waiting.len();
                metrics::counter!(Metric::ApplierHttpNotStored.name()).increment(lost as u64);
                tracing::error!("{lost} answers over HTTP are not stored");
                return;
            }
        }
        answers.clear();
    }
}
