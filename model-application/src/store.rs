//! Answers in the database: the first one given for an id stays.

use std::collections::HashMap;

use common::{Metric, Shutdown};
use sqlx::{PgConnection, PgPool};
use tokio::sync::mpsc::Receiver;

use crate::answer::Answer;

/// SQL of the table, for `init.sql` and for services that start without it.
pub(crate) const DDL: &str = "CREATE TABLE IF NOT EXISTS answers (
    request_id text PRIMARY KEY,
    prediction double precision NOT NULL,
    low double precision NOT NULL,
    high double precision NOT NULL,
    model text NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT now(),
    payload bytea NOT NULL,
    segment text
);
CREATE INDEX IF NOT EXISTS answers_answered_at ON answers USING brin (answered_at);
";
/// SQL that gives a table made before version 0.1 its newer column.
pub(crate) const UPGRADE: &str = "ALTER TABLE answers ADD COLUMN IF NOT EXISTS segment text;
";
/// Most queued answers stored in one statement.
const AT_ONCE: usize = 1000;

/// Stores answers. Empty where all were new; else gives the stored payload for each of their ids:
/// what is to be published, however often a request comes.
///
/// # Errors
/// When the database fails; without a transaction some of them may be stored.
pub(crate) async fn store(
    connection: &mut PgConnection,
    answers: &[Answer],
) -> Result<HashMap<String, Vec<u8>>, sqlx::Error> {
    if answers.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<&str> = column(answers, |answer| answer.id.text.as_str());
    let inserted = sqlx::query(
        "INSERT INTO answers (request_id, prediction, low, high, model, payload, segment) \
         SELECT * FROM unnest($1::text[], $2::float8[], $3::float8[], $4::float8[], $5::text[], \
         $6::bytea[], $7::text[]) ON CONFLICT DO NOTHING",
    )
    .bind(&ids)
    .bind(column(answers, |answer| answer.prediction))
    .bind(column(answers, |answer| answer.low))
    .bind(column(answers, |answer| answer.high))
    .bind(column(answers, |answer| answer.model.as_str()))
    .bind(column(answers, Answer::to_json))
    .bind(column(answers, |answer| answer.segment.as_deref()))
    .execute(&mut *connection)
    .await?;
    match inserted.rows_affected() == answers.len() as u64 {
        true => Ok(HashMap::new()),
        false => stored(connection, &ids).await,
    }
}

fn column<'a, T>(answers: &'a [Answer], of: impl Fn(&'a Answer) -> T) -> Vec<T> {
    answers.iter().map(of).collect()
}

/// The payloads stored under these ids.
///
/// # Errors
/// When the database fails.
pub(crate) async fn stored(
    connection: &mut PgConnection,
    ids: &[&str],
) -> Result<HashMap<String, Vec<u8>>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = "SELECT request_id, payload FROM answers WHERE request_id = ANY($1)";
    let rows = sqlx::query_as(sql).bind(ids).fetch_all(connection).await?;
    Ok(rows.into_iter().collect())
}

/// Stores what was answered over HTTP until shutdown, and then what is still queued.
pub(crate) async fn store_queued(pool: PgPool, mut waiting: Receiver<Answer>, shutdown: Shutdown) {
    let mut answers = Vec::new();
    loop {
        tokio::select! {
            biased;
            received = waiting.recv_many(&mut answers, AT_ONCE) => if received == 0 { return },
            () = shutdown.cancelled() => return,
        }
        let written = async { store(&mut *pool.acquire().await?, &answers).await };
        if let Err(error) = written.await {
            metrics::counter!(Metric::ApplierHttpNotStored.name()).increment(answers.len() as u64);
            tracing::error!(
                "{} answers over HTTP were not stored: {error}",
                answers.len()
            );
        }
        answers.clear();
    }
}
