//! How long rows are kept: what is older than its table's retention is deleted, some rows at a time.
//!
//! Rows go by their age alone, so a request that is sent again, or a label that comes again, within the
//! retention meets the first answer, or label, all the same.

use sqlx::{Connection, Executor, PgConnection};

/// Key of the advisory lock of anyone who deletes: one service at a time.
const LOCK: i64 = 0x0068_6564_7265_7461;

/// Bounds one batch; short, so that a batch that meets trouble is abandoned, not waited for.
const BOUNDS: &str = "SET LOCAL statement_timeout = '20s'; SET LOCAL lock_timeout = '500ms'; \
    SET LOCAL synchronous_commit = off";

/// A table that grows with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Answers, by the time they were given.
    Answers,
    /// Labels, by the time they came.
    Actuals,
    /// Tallies of what was asked and answered, by their hour.
    Tallies,
    /// Computed quality, by the time of its computing.
    Quality,
    /// Rejects, by the time of their rejection.
    Rejects,
    /// Counts of arrivals, by their minute.
    Arrivals,
}

impl Table {
    /// All of them.
    pub const ALL: [Table; 6] = [
        Table::Answers,
        Table::Actuals,
        Table::Tallies,
        Table::Quality,
        Table::Rejects,
        Table::Arrivals,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        self.columns().0
    }

    /// Its name, and the column that holds a row's age.
    fn columns(self) -> (&'static str, &'static str) {
        match self {
            Table::Answers => ("answers", "answered_at"),
            Table::Actuals => ("actuals", "received_at"),
            Table::Tallies => ("tallies", "hour"),
            Table::Quality => ("quality", "computed_at"),
            Table::Rejects => ("rejects", "rejected_at"),
            Table::Arrivals => ("arrivals", "minute"),
        }
    }
}

/// What one batch did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Rows deleted.
    pub rows: u64,
    /// The time of the newest of them: the next batch begins there, beyond what is deleted but not yet
    /// vacuumed. `None` where none was deleted.
    pub reached: Option<String>,
}

/// Deletes up to `rows` of the oldest rows that are older than `days`, in a transaction of its own; `None`
/// while another process deletes. `from` is [`Batch::reached`] of the batch before.
///
/// # Errors
/// When the database fails, or a row is locked for long.
pub async fn delete_batch(
    connection: &mut PgConnection,
    table: Table,
    days: u32,
    rows: u32,
    from: Option<&str>,
) -> Result<Option<Batch>, sqlx::Error> {
    let (name, time) = table.columns();
    let mut transaction = connection.begin().await?;
    transaction.execute(BOUNDS).await?;
    let is_ours: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)")
        .bind(LOCK)
        .fetch_one(&mut *transaction)
        .await?;
    if !is_ours {
        transaction.rollback().await?;
        return Ok(None);
    }
    // Asked again of each row: one that is written again in between is young.
    let sql = format!(
        "WITH gone AS (DELETE FROM {name} WHERE ctid = ANY(ARRAY(\
         SELECT ctid FROM {name} WHERE {time} < now() - make_interval(days => $1) \
         AND {time} >= coalesce($3::text::timestamptz, '-infinity') ORDER BY {time} LIMIT $2)) \
         AND {time} < now() - make_interval(days => $1) RETURNING {time}) \
         SELECT count(*), max({time})::text FROM gone"
    );
    let (deleted, reached): (i64, Option<String>) = sqlx::query_as(&sql)
        .bind(i32::try_from(days).unwrap_or(i32::MAX))
        .bind(i64::from(rows))
        .bind(from)
        .fetch_one(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Some(Batch {
        rows: deleted.unsigned_abs(),
        reached,
    }))
}
