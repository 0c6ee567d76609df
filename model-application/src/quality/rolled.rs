//! What rounds are built on, brought up to now: counts of answers by minute and hour, and answers beside their
//! labels. Each answer is read once for it, so that a round's time follows the rate of answers and not how
//! many there are.

use ledger::quality as sql;
use sqlx::{Connection, PgConnection};

/// Of the appliers of a database one counts at a time, under this advisory lock.
const LOCK: i64 = 0x6865_646f_636f_756e;
/// Answers of N seconds are counted in one transaction.
const STEP_S: f64 = 3600.0;
/// Most steps of one round: the next one continues.
const MOST_STEPS: usize = 200;
/// Counts are kept for an hour longer than the longest window.
const SPARE_S: f64 = 3600.0;

/// Counts what is not counted yet, and forgets what no round looks at: `longest_s` is the longest window,
/// `most` the most labelled answers of a round.
///
/// # Errors
/// When the database fails: the next round continues.
pub(super) async fn up_to_now(
    connection: &mut PgConnection,
    longest_s: u32,
    most: i64,
) -> Result<(), sqlx::Error> {
    let kept_s = f64::from(longest_s) + SPARE_S;
    for _ in 0..MOST_STEPS {
        let mut transaction = connection.begin().await?;
        let is_ours: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)")
            .bind(LOCK)
            .fetch_one(&mut *transaction)
            .await?;
        if !is_ours {
            return Ok(());
        }
        let is_done = step(&mut transaction, kept_s, most).await?;
        transaction.commit().await?;
        if is_done {
            break;
        }
    }
    Ok(())
}

/// Counts one stretch; true when nothing is left to be counted.
async fn step(connection: &mut PgConnection, kept_s: f64, most: i64) -> Result<bool, sqlx::Error> {
    let begin = sqlx::query(sql::BEGIN).bind(kept_s);
    begin.execute(&mut *connection).await?;
    let (counted_until, end): (f64, f64) = sqlx::query_as(sql::PROGRESS)
        .fetch_one(&mut *connection)
        .await?;
    let until = end.min(counted_until + STEP_S);
    if until > counted_until {
        for statement in [sql::COUNT, sql::LABEL_BY_TIME] {
            let counting = sqlx::query(statement).bind(counted_until).bind(until);
            counting.execute(&mut *connection).await?;
        }
        let counted = sqlx::query(sql::COUNTED).bind(until);
        counted.execute(&mut *connection).await?;
    }
    if until < end {
        return Ok(false);
    }
    // Answers of this minute whose label was known before: seen again when the minute is counted.
    let newest = sqlx::query(sql::LABEL_BY_TIME)
        .bind(until.max(counted_until))
        .bind(end + STEP_S);
    newest.execute(&mut *connection).await?;
    sqlx::query(sql::TO_HOURS).execute(&mut *connection).await?;
    let forget = sqlx::query(sql::FORGET_COUNTS).bind(kept_s + SPARE_S);
    forget.execute(&mut *connection).await?;
    let forget = sqlx::query(sql::FORGET_LABELLED).bind(kept_s).bind(most);
    forget.execute(&mut *connection).await?;
    Ok(true)
}
