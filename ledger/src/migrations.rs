//! The tables' versions: each step is applied once, in its order, by one process at a time.
//!
//! A list of our own and not sqlx's `_sqlx_migrations`: a user's program may keep that one in the same
//! database.

use sqlx::postgres::PgDatabaseError;
use sqlx::{Executor, PgConnection};

/// Key of the advisory lock under which steps are applied: several services start at once.
const LOCK: i64 = 0x0068_6564_6f6e_6963;

/// Longest wait for another process that applies steps.
const TURN_TIMEOUT: &str = "3s";
/// Longest wait for a table's lock. Short, as anyone who reads or writes the table waits behind us.
const LOCK_TIMEOUT: &str = "500ms";

/// SQL of the list of applied steps.
pub const DDL: &str = "CREATE TABLE IF NOT EXISTS ledger_migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
";

/// One change of the tables.
#[derive(Debug, Clone, Copy)]
struct Step {
    name: &'static str,
    sql: &'static str,
}

macro_rules! steps {
    ($($name:literal),+ $(,)?) => {
        &[$(Step {
            name: $name,
            sql: include_str!(concat!("../migrations/", $name, ".sql")),
        }),+]
    };
}

/// All steps, oldest first; a step's version is its place, from 1. A released step never changes. From the
/// second on a step locks one table, so that it cannot wait for a writer that waits for it; each can be run
/// twice, as `init.sql` may.
const STEPS: &[Step] = steps![
    "0001_first_tables",
    "0002_rejects_can_be_replayed",
    "0003_answers_of_classes",
    "0004_offsets_name_the_topic_id",
    "0005_rejects_may_be_shortened",
    "0006_answers_know_their_request",
    "0007_answers_by_time",
    "0008_no_brin_on_answers",
    "0009_actuals_by_time",
    "0010_rejects_by_time",
    "0011_quality_by_counts",
    "0012_first_topic_ids",
    "0013_answers_know_what_was_asked",
    "0014_sweeps",
    "0015_answers_know_their_factor",
    "0016_labels_know_the_factor",
    "0017_labels_of_classes",
    "0018_quality_of_classes",
    "0019_requests_as_bytes",
    "0020_labels_of_several_classes",
    "0021_labelled_answers_of_several_classes",
    "0022_quality_of_several_classes",
];

/// Why the tables could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The list of applied steps could not be read or made.
    #[error("cannot read or create the list of migrations (table ledger_migrations)")]
    List(#[source] sqlx::Error),
    /// A step failed and was rolled back.
    #[error(
        "cannot apply migration {name} of the tables; it waits for the holder of a lock \
         (pg_locks), and needs the owner of the tables"
    )]
    Step {
        /// The step's name.
        name: &'static str,
        /// What the database says.
        source: sqlx::Error,
    },
}

impl MigrateError {
    /// What the database says: whether to try again follows from it.
    pub fn database(&self) -> &sqlx::Error {
        match self {
            MigrateError::List(source) | MigrateError::Step { source, .. } => source,
        }
    }
}

/// The newest version that this program knows.
pub fn newest() -> i32 {
    version(STEPS.len())
}

/// The version of this database's tables: 0 where no step is recorded. May be newer than [`newest`],
/// after an upgrade that was taken back: steps only add.
///
/// # Errors
/// When the database fails.
pub async fn applied(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    let asked = sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM ledger_migrations")
        .fetch_one(connection)
        .await;
    match asked {
        Err(error) if is_absent(&error) => Ok(0),
        asked => asked,
    }
}

/// Applies the missing steps, each in a transaction of its own. Where none is missing, this is one `SELECT`:
/// no lock is waited for, no DDL is run. Returns the names of the steps that were applied.
///
/// # Errors
/// When a lock is not had in time (try again later), or the database refuses.
pub async fn migrate(connection: &mut PgConnection) -> Result<Vec<&'static str>, MigrateError> {
    migrate_to(connection, STEPS.len()).await
}

/// [`migrate`], to an older version: for tests of upgrades.
#[doc(hidden)]
pub async fn migrate_to(
    connection: &mut PgConnection,
    steps: usize,
) -> Result<Vec<&'static str>, MigrateError> {
    let mut done = Vec::new();
    let mut next = applied(connection).await.map_err(MigrateError::List)?;
    for (index, step) in STEPS.iter().enumerate().take(steps) {
        if version(index + 1) <= next {
            continue;
        }
        let failed = |source| MigrateError::Step {
            name: step.name,
            source,
        };
        next = begin(connection).await.map_err(MigrateError::List)?;
        // Another process may have been here since.
        if version(index + 1) <= next {
            connection.execute("ROLLBACK").await.map_err(failed)?;
            continue;
        }
        let applying = apply(connection, version(index + 1), step).await;
        if let Err(error) = applying {
            // The connection may be gone: then the server rolls back.
            let _ = connection.execute("ROLLBACK").await;
            return Err(failed(error));
        }
        done.push(step.name);
    }
    Ok(done)
}

/// Begins a transaction that holds the lock, and reads the version in it.
async fn begin(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    // Indexes of large tables take their time.
    let sql = format!(
        "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '{TURN_TIMEOUT}'; \
         SELECT pg_advisory_xact_lock({LOCK}); SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; {DDL}"
    );
    let begun = match connection.execute(sql.as_str()).await {
        Ok(_) => applied(connection).await,
        Err(error) => Err(error),
    };
    if begun.is_err() {
        // The connection may be gone: then the server rolls back.
        let _ = connection.execute("ROLLBACK").await;
    }
    begun
}

async fn apply(
    connection: &mut PgConnection,
    version: i32,
    step: &Step,
) -> Result<(), sqlx::Error> {
    connection.execute(step.sql).await?;
    sqlx::query("INSERT INTO ledger_migrations (version, name) VALUES ($1, $2)")
        .bind(version)
        .bind(step.name)
        .execute(&mut *connection)
        .await?;
    connection.execute("COMMIT").await?;
    Ok(())
}

/// SQL of all steps, with the list that says so, for `init.sql`: on a database of whatever version it does
/// what [`migrate`] does.
pub fn whole() -> String {
    let mut sql = String::new();
    for step in STEPS {
        sql.push_str(step.sql);
    }
    let steps = STEPS.iter().enumerate();
    let rows: Vec<String> = steps
        .map(|(index, step)| format!("    ({}, '{}')", index + 1, step.name))
        .collect();
    let rows = rows.join(",\n");
    format!(
        "{sql}{DDL}INSERT INTO ledger_migrations (version, name) VALUES\n{rows}\nON CONFLICT DO NOTHING;\n"
    )
}

fn version(steps: usize) -> i32 {
    i32::try_from(steps).expect("the steps are few")
}

/// SQLSTATE 42P01, undefined table.
fn is_absent(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    let error = error.and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    error.is_some_and(|error| error.code() == "42P01")
}
