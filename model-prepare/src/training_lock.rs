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

/// The turn to do what one program at a time may do, such as training: an advisory lock of PostgreSQL, on a connection of its own, so that whoever is
/// killed gives it back.
pub(crate) struct Turn {
    connection: PgConnection,
    name: String,
}

impl Turn {
    /// Takes the turn, or says at once that another has it.
    ///
    /// # Errors
    /// [`Elsewhere`], or when the database does not answer.
    pub(crate) async fn take(pool: &PgPool, table: &str) -> anyhow::Result<Turn> {
        let found = Turn::of(pool, format!("hedonic: training on {table}")).await?;
        let table = table.to_owned();
        Ok(found.ok_or(Elsewhere { table })?)
    }

    /// Takes the turn of a name; `None` where another has it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn of(pool: &PgPool, name: String) -> anyhow::Result<Option<Turn>> {
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
            return Ok(Some(Turn { connection, name }));
        }
        connection.close().await?;
        Ok(None)
    }

    /// Gives it back now: a closed connection gives it back a moment later.
    pub(crate) async fn give_back(mut self) {
        let given = sqlx::query("SELECT pg_advisory_unlock(hashtextextended($1, 0))")
            .bind(&self.name)
            .execute(&mut self.connection)
            .await;
        if let Err(error) = given {
            // It went with the connection.
            tracing::debug!("the turn to train is gone: {error}");
        }
    }
}
