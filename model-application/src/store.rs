//! Answers in the database: the first one given for an id stays.

use std::collections::BTreeMap;

use common::{Metric, Shutdown};
use sqlx::{PgPool, Postgres, Row, Transaction};
use tokio::sync::mpsc::Receiver;

use crate::price::Answer;

/// SQL of the table, for `init.sql` and for services that start without it.
pub(crate) const DDL: &str = "CREATE TABLE IF NOT EXISTS answers (
    request_id text PRIMARY KEY,
    prediction double precision NOT NULL,
    low double precision NOT NULL,
    high double precision NOT NULL,
    model text NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT now(),
    payload bytea NOT NULL
);
";
/// Most queued answers stored in one statement.
const AT_ONCE: usize = 1000;

/// Stores answers; gives the payload to publish for each id: the stored one where there was one.
pub(crate) async fn store(
    transaction: &mut Transaction<'_, Postgres>,
    answers: &[Answer],
) -> Result<BTreeMap<String, Vec<u8>>, sqlx::Error> {
    if answers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<&str> = answers
        .iter()
        .map(|answer| answer.id.text.as_str())
        .collect();
    sqlx::query(
        "INSERT INTO answers (request_id, prediction, low, high, model, payload) \
         SELECT * FROM unnest($1::text[], $2::float8[], $3::float8[], $4::float8[], $5::text[], $6::bytea[]) \
         ON CONFLICT DO NOTHING",
    )
    .bind(&ids)
    .bind(answers.iter().map(|a| a.prediction).collect::<Vec<_>>())
    .bind(answers.iter().map(|a| a.low).collect::<Vec<_>>())
    .bind(answers.iter().map(|a| a.high).collect::<Vec<_>>())
    .bind(answers.iter().map(|a| a.model.as_str()).collect::<Vec<_>>())
    .bind(answers.iter().map(Answer::to_json).collect::<Vec<_>>())
    .execute(&mut **transaction)
    .await?;
    let rows = sqlx::query("SELECT request_id, payload FROM answers WHERE request_id = ANY($1)")
        .bind(&ids)
        .fetch_all(&mut **transaction)
        .await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
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
        let written = async {
            let mut transaction = pool.begin().await?;
            store(&mut transaction, &answers).await?;
            transaction.commit().await
        };
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
