//! One training at a time on a database, whichever machine it runs on.

use anyhow::Context;
use sqlx::{Connection, PgConnection, PgPool};

/// Another program trains on the same table.
#[derive(Debug, thiserror::Error)]
#[error(
    "another training runs on the table {table} of this database: wait for it, or end it; its lock is \
     gone when its connection is"
)]
pub(crate) struct Elsewhere {
    table: String,
}

/// An advisory lock of PostgreSQL for work that one program at a time may do, such as training. It has a
/// connection of its own: a killed program releases it.
pub(crate) struct TrainingLock {
    connection: PgConnection,
    name: String,
}

impl TrainingLock {
    /// Takes the lock of the trainings on a table; an error at once where another program holds it.
    ///
    /// # Errors
    /// [`Elsewhere`], or when the database does not answer.
    pub(crate) async fn take(pool: &PgPool, table: &str) -> anyhow::Result<TrainingLock> {
        let found = TrainingLock::try_named(pool, format!("hedonic: training on {table}")).await?;
        let table = table.to_owned();
        Ok(found.ok_or(Elsewhere { table })?)
    }

    /// Takes the lock of a name; `None` where another program holds it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn try_named(
        pool: &PgPool,
        name: String,
    ) -> anyhow::Result<Option<TrainingLock>> {
        let connection = pool
            .acquire()
            .await
            .context("the database does not answer")?;
        let mut connection = connection.detach();
        let is_ours: bool =
            sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtextextended($1, 0))")
                .bind(&name)
                .fetch_one(&mut connection)
                .await?;
        if is_ours {
            return Ok(Some(TrainingLock { connection, name }));
        }
        connection.close().await?;
        Ok(None)
    }

    /// Releases it now: a closed connection releases it a moment later.
    pub(crate) async fn release(mut self) {
        let released = sqlx::query("SELECT pg_advisory_unlock(hashtextextended($1, 0))")
            .bind(&self.name)
            .execute(&mut self.connection)
            .await;
        if let Err(error) = released {
            // It went with the connection.
            tracing::debug!("the lock is already released: {error}");
        }
    }
}
