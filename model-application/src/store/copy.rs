//! Answers as PostgreSQL's binary `COPY`.
//!
//! <https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS>

use std::borrow::Borrow;

use bytes::BufMut;
use sqlx::PgConnection;

use crate::answer::Worded;

/// Fewer answers are inserted: `COPY` goes to the server twice.
pub(super) const WORTH_IT: usize = 16;

const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// The columns that [`ledger::answers::COPY`] names.
const COLUMNS: i16 = 10;

/// Stores all of the answers, or none.
///
/// # Errors
/// When an id is known (23505), or the database fails.
pub(super) async fn all(
    connection: &mut PgConnection,
    answers: &[impl Borrow<Worded>],
) -> Result<(), sqlx::Error> {
    let encoded = encode(answers)?;
    let mut copying = connection.copy_in_raw(ledger::answers::COPY).await?;
    copying.send(encoded).await?;
    copying.finish().await?;
    Ok(())
}

fn encode(answers: &[impl Borrow<Worded>]) -> Result<Vec<u8>, sqlx::Error> {
    // In the order of the index of their ids, whose pages are then used one after the other.
    let mut answers: Vec<&Worded> = answers.iter().map(Borrow::borrow).collect();
    answers.sort_by(|one, other| one.answer.id.text.cmp(&other.answer.id.text));
    let texts = answers
        .iter()
        .map(|worded| worded.payload.len() + worded.record.as_deref().map_or(0, <[u8]>::len));
    let mut out = Vec::with_capacity(texts.sum::<usize>() + answers.len() * 256);
    out.put_slice(HEADER);
    for worded in answers {
        let answer = &worded.answer;
        out.put_i16(COLUMNS);
        bytes(&mut out, Some(worded.request_id().as_bytes()))?;
        number(&mut out, Some(answer.prediction));
        number(&mut out, answer.low);
        number(&mut out, answer.high);
        bytes(&mut out, Some(answer.model.as_bytes()))?;
        bytes(&mut out, Some(&worded.payload))?;
        bytes(&mut out, answer.segment.as_deref().map(str::as_bytes))?;
        bytes(&mut out, Some(&worded.digest))?;
        bytes(&mut out, worded.record.as_deref())?;
        number(&mut out, answer.interval_factor);
    }
    out.put_i16(-1);
    Ok(out)
}

fn bytes(out: &mut Vec<u8>, value: Option<&[u8]>) -> Result<(), sqlx::Error> {
    let Some(value) = value else {
        out.put_i32(-1);
        return Ok(());
    };
    let length = i32::try_from(value.len()).map_err(|error| sqlx::Error::Encode(error.into()))?;
    out.put_i32(length);
    out.put_slice(value);
    Ok(())
}

fn number(out: &mut Vec<u8>, value: Option<f64>) {
    match value {
        Some(value) => {
            out.put_i32(8);
            out.put_f64(value);
        }
        None => out.put_i32(-1),
    }
}
