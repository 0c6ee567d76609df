//! Answers in the database: the first one given for an id stays.

mod copy;
mod queued;

use std::borrow::{Borrow, Cow};
use std::collections::HashMap;

use bytes::Bytes;
use common::Fault;
use records::Digest;
use sqlx::PgConnection;

pub(crate) use self::queued::{Queue, store_queued};
use crate::answer::Worded;

/// What is stored under an id.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub payload: Bytes,
    /// Of the request it was given to; `None` in rows of releases that kept none.
    digest: Option<Vec<u8>>,
}

impl Stored {
    /// Whether another record was asked about under the same id.
    pub fn is_of_another(&self, digest: &Digest) -> bool {
        matches!(&self.digest, Some(stored) if stored != digest)
    }
}

/// What is stored, by request.
pub(crate) type Earlier = HashMap<String, Stored>;

/// Stores answers: `COPY` while all ids are new, which costs the server half; a statement that leaves
/// out known ids where one is not. Empty where all were new; else gives what is stored under each of
/// their ids: what is to be published, however often a request comes.
///
/// # Errors
/// When the database fails; without a transaction some of them may be stored.
async fn store(
    connection: &mut PgConnection,
    answers: &[impl Borrow<Worded>],
) -> Result<Earlier, sqlx::Error> {
    if answers.len() >= copy::WORTH_IT {
        match copy::all(connection, answers).await {
            Ok(()) => return Ok(Earlier::new()),
            // A known id; or what INSERT may do and COPY not (row-level security): INSERT then says
            // whether it is a fault.
            Err(sqlx::Error::Database(_)) => {}
            Err(error) => return Err(error),
        }
    }
    insert(connection, answers).await
}

async fn insert(
    connection: &mut PgConnection,
    answers: &[impl Borrow<Worded>],
) -> Result<Earlier, sqlx::Error> {
    if answers.is_empty() {
        return Ok(Earlier::new());
    }
    let ids: Vec<Cow<'_, str>> = column(answers, Worded::request_id);
    let inserted = sqlx::query(ledger::answers::INSERT)
        .bind(ids.iter().map(AsRef::as_ref).collect::<Vec<&str>>())
        .bind(column(answers, |worded| worded.answer.prediction))
        .bind(column(answers, |worded| worded.answer.low))
        .bind(column(answers, |worded| worded.answer.high))
        .bind(column(answers, |worded| &*worded.answer.model))
        .bind(column(answers, |worded| &worded.payload[..]))
        .bind(column(answers, |worded| worded.answer.segment.as_deref()))
        .bind(column(answers, |worded| &worded.digest[..]))
        .bind(column(answers, |worded| worded.record.as_deref()))
        .bind(column(answers, |worded| worded.answer.interval_factor))
        .execute(&mut *connection)
        .await?;
    match inserted.rows_affected() == answers.len() as u64 {
        true => Ok(Earlier::new()),
        false => stored(connection, &ids).await,
    }
}

fn column<'a, T>(answers: &'a [impl Borrow<Worded>], of: impl Fn(&'a Worded) -> T) -> Vec<T> {
    answers.iter().map(|worded| of(worded.borrow())).collect()
}

/// What became of answers.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub earlier: Earlier,
    /// Those that the database will never take, by their place among the answers, and its words.
    pub refused: Vec<(usize, String)>,
}

/// Stores answers; where the database refuses some for what they are, the others are stored and these
/// are named. It halves until it knows them: at most two statements an answer.
///
/// # Errors
/// When the database fails in another way.
pub(crate) async fn store_good(
    connection: &mut PgConnection,
    answers: &[impl Borrow<Worded>],
) -> Result<Outcome, sqlx::Error> {
    let mut outcome = Outcome::default();
    match store(connection, answers).await {
        Ok(earlier) => {
            outcome.earlier = earlier;
            return Ok(outcome);
        }
        Err(error) if Fault::of_database(&error) == Fault::Row => {}
        Err(error) => return Err(error),
    }
    let all = 0..answers.len();
    let mut parts = vec![all];
    while let Some(part) = parts.pop() {
        match insert(connection, &answers[part.clone()]).await {
            Ok(earlier) => outcome.earlier.extend(earlier),
            Err(error) if Fault::of_database(&error) != Fault::Row => return Err(error),
            Err(error) if part.len() == 1 => outcome.refused.push((part.start, error.to_string())),
            Err(_) => {
                let middle = part.start + part.len() / 2;
                // The first half is stored first: of two answers under one id the first one stays.
                parts.push(middle..part.end);
                parts.push(part.start..middle);
            }
        }
    }
    Ok(outcome)
}

/// What is stored under these ids.
///
/// # Errors
/// When the database fails.
pub(crate) async fn stored(
    connection: &mut PgConnection,
    ids: &[impl AsRef<str>],
) -> Result<Earlier, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Earlier::new());
    }
    let ids: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
    let rows: Vec<(String, Vec<u8>, Option<Vec<u8>>)> = sqlx::query_as(ledger::answers::STORED)
        .bind(ids)
        .fetch_all(connection)
        .await?;
    let stored = rows.into_iter().map(|(id, payload, digest)| {
        let payload = payload.into();
        (id, Stored { payload, digest })
    });
    Ok(stored.collect())
}
