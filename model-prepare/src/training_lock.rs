//! One training at a time on a database, whichever machine it runs on.

use anyhow::Context;
use sqlx::{PgConnection, PgPool};
use tokio::time::timeout;

use crate::deadline::SHORT_QUERY;

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
        let taking = async {
            let mut connection = pool.acquire().await?.detach();
            let is_ours: bool =
                sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtextextended($1, 0))")
                    .bind(&name)
                    .fetch_one(&mut connection)
                    .await?;
            Ok::<_, sqlx::Error>(is_ours.then_some(connection))
        };
        let taken = timeout(SHORT_QUERY, taking).await;
        let connection = taken
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))
            .context("the database does not answer")?;
        Ok(connection.map(|connection| TrainingLock { connection, name }))
    }

    /// Releases it now: a closed connection releases it a moment later.
    pub(crate) async fn release(mut self) {
        let releasing = sqlx::query("SELECT pg_advisory_unlock(hashtextextended($1, 0))")
            .bind(&self.name)
            .execute(&mut self.connection);
        match timeout(SHORT_QUERY, releasing).await {
            Ok(Ok(_)) => {}
            // It went with the connection, or goes with it now.
            Ok(Err(error)) => tracing::debug!("the lock is already released: {error}"),
            Err(_) => tracing::debug!("the lock is released with its connection, which is silent"),
        }
    }
}
