//! Tables that are missing are made; what is there is not touched.

use std::time::Duration;

use ledger::migrations::MigrateError;
use sqlx::{Connection, Executor, PgConnection, PgPool};

use super::session::within;

/// Key of the advisory lock under which tables are made: several services start at once.
const TABLES_LOCK: i64 = 0x0068_6564_6f6e_6963;

/// Longest wait for another program that makes tables, and for the lock of a table.
const LOCK_TIMEOUT: &str = "3s";

/// Bounds one try to bring the tables up to date: the index of a large table takes its time.
const DEADLINE: Duration = Duration::from_secs(60 * 60);

/// Why the tables are not ready.
#[derive(Debug, thiserror::Error)]
pub(super) enum PrepareError {
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    #[error("cannot create a missing table")]
    Make(#[from] sqlx::Error),
}

impl PrepareError {
    /// What the database says.
    pub fn database(&self) -> &sqlx::Error {
        match self {
            PrepareError::Migrate(error) => error.database(),
            PrepareError::Make(error) => error,
        }
    }

    /// The message with its cause.
    pub fn whole(&self) -> String {
        format!("{self}: {}", self.database())
    }
}

/// Where the part of a SQL begins that looks by itself whether it has anything to do.
const LOOKS_ITSELF: &str = "DO $$";

/// Brings the tables of [`ledger`] up to date, and makes what is missing of `sql`. What is in it from the
/// first `DO` on looks by itself, and is run at each start.
pub(super) async fn prepare(pool: &PgPool, sql: &str) -> Result<(), PrepareError> {
    within(pool, DEADLINE, async |connection| {
        let applied = ledger::migrations::migrate(connection).await?;
        if !applied.is_empty() {
            tracing::info!(steps = applied.join(", "), "upgraded the tables");
        }
        let (made, upgrade) = sql.split_at(sql.find(LOOKS_ITSELF).unwrap_or(sql.len()));
        make_missing(connection, made).await?;
        if !upgrade.is_empty() {
            make(connection, upgrade).await?;
        }
        Ok(())
    })
    .await
}

/// Runs `sql` where a relation that it makes is missing. A missing index alone stops nobody.
async fn make_missing(connection: &mut PgConnection, sql: &str) -> Result<(), PrepareError> {
    let is_missing = async |connection: &mut PgConnection, names: Vec<String>| {
        sqlx::query_scalar::<_, bool>(
            "SELECT coalesce(bool_or(to_regclass(name) IS NULL), false) FROM unnest($1::text[]) AS name",
        )
        .bind(names)
        .fetch_one(connection)
        .await
    };
    if is_missing(connection, names(sql, "CREATE TABLE IF NOT EXISTS ")).await? {
        return Ok(make(connection, sql).await?);
    }
    if is_missing(connection, names(sql, "CREATE INDEX IF NOT EXISTS ")).await?
        && let Err(error) = make(connection, sql).await
    {
        tracing::warn!(%error, "cannot create a missing index; queries that need it are slow");
    }
    Ok(())
}

/// What stands behind `beginning` in the lines of `sql`: a name, quoted where it must be.
pub(crate) fn names(sql: &str, beginning: &str) -> Vec<String> {
    let lines = sql.lines();
    lines
        .filter_map(|line| name(line.trim_start().strip_prefix(beginning)?))
        .collect()
}

/// The name at the beginning of `text`, up to a space or a bracket outside of quotes.
pub(crate) fn name(text: &str) -> Option<String> {
    let mut is_quoted = false;
    let end = text.find(|letter| {
        is_quoted ^= letter == '"';
        !is_quoted && matches!(letter, ' ' | '(')
    });
    let name = &text[..end.unwrap_or(text.len())];
    (!name.is_empty()).then(|| name.to_owned())
}

/// Makes tables with `sql`; several programs may do so at once. Waits a bounded time for locks.
///
/// # Errors
/// When the database refuses, or a lock is not had in time.
pub async fn make_tables(pool: &PgPool, sql: &str) -> Result<(), sqlx::Error> {
    within(pool, DEADLINE, async |connection| {
        make(connection, sql).await
    })
    .await
}

async fn make(connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let bounded = format!(
        "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; \
         SELECT pg_advisory_xact_lock({TABLES_LOCK})"
    );
    transaction.execute(bounded.as_str()).await?;
    transaction.execute(sql).await?;
    transaction.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_the_sql_with_their_quotes() {
        let sql = "CREATE TABLE IF NOT EXISTS \"a b\" (\n  id text\n);\n\
                   CREATE INDEX IF NOT EXISTS a_b ON \"a b\" (id);\nCREATE TABLE IF NOT EXISTS c(\n";
        assert_eq!(names(sql, "CREATE TABLE IF NOT EXISTS "), ["\"a b\"", "c"]);
        assert_eq!(names(sql, "CREATE INDEX IF NOT EXISTS "), ["a_b"]);
    }
}
