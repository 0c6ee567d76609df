//! A connection pooler before the server, such as PgBouncer: what it keeps of a session.
//!
//! It is known by what it does to start-up parameters: PostgreSQL takes `options`, PgBouncer refuses them,
//! or drops them where it is set to ignore them.

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};

use super::config::DatabaseConfig;
use super::timeouts::MARK;

/// What a pooler gives its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooler {
    /// A server's session for each connection.
    Session,
    /// A server's session for each transaction, with each client's prepared statements.
    Transaction,
    /// The same, but prepared statements of different clients meet.
    Unprepared,
}

impl Pooler {
    /// The pooler before the server, if any.
    ///
    /// # Errors
    /// When the server does not answer or does not let us in.
    pub async fn before(
        config: &DatabaseConfig,
        options: &PgConnectOptions,
    ) -> Result<Option<Pooler>, sqlx::Error> {
        match config.timeouts.on_start(options).connect().await {
            Ok(mut connection) => {
                let mark: Option<String> = simple(
                    &mut connection,
                    &format!("SELECT current_setting('{MARK}', true)"),
                )
                .await?;
                close(connection).await;
                if mark.is_some_and(|mark| !mark.is_empty()) {
                    return Ok(None);
                }
            }
            Err(error) if is_refused_parameter(&error) => {}
            Err(error) => return Err(error),
        }
        let mut one = options.connect().await?;
        let mut other = options.connect().await?;
        let found = Pooler::of(&mut one, &mut other).await;
        // What was set is gone with a session, and would stay in one that is shared.
        let _ = one.execute(format!("RESET {MARK}").as_str()).await;
        close(one).await;
        close(other).await;
        Ok(Some(found?))
    }

    /// Sets something on one connection and looks whether the other sees it.
    async fn of(one: &mut PgConnection, other: &mut PgConnection) -> Result<Pooler, sqlx::Error> {
        one.execute(format!("SET {MARK} = 'pooled'").as_str())
            .await?;
        let sql = format!("SELECT current_setting('{MARK}', true)");
        let mark = simple(other, &sql).await?;
        if mark.as_deref() != Some("pooled") {
            return Ok(Pooler::Session);
        }
        // sqlx numbers its statements from 1 on each connection.
        for connection in [one, other] {
            let asked: Result<i32, sqlx::Error> = sqlx::query_scalar("SELECT $1::integer")
                .bind(1)
                .fetch_one(connection)
                .await;
            match asked {
                Ok(_) => {}
                Err(sqlx::Error::Database(error)) if is_of_statements(error.code().as_deref()) => {
                    return Ok(Pooler::Unprepared);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Pooler::Transaction)
    }

    /// Whether what is set for a session stays set.
    pub fn keeps_sessions(self) -> bool {
        self == Pooler::Session
    }

    /// Refuses what the services cannot work through.
    pub fn must_serve(self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self != Pooler::Unprepared,
            "{}: {}",
            self.remark(),
            self.mend()
        );
        Ok(())
    }

    /// What is there, for people.
    pub fn remark(self) -> &'static str {
        match self {
            Pooler::Session => {
                "a pooler (PgBouncer?) is in front of PostgreSQL, with one session per connection"
            }
            Pooler::Transaction => {
                "a pooler (PgBouncer?) in transaction mode is in front of PostgreSQL: its \
                 timeouts, or those of the role, replace [database.timeouts] (docs/operations.md)"
            }
            Pooler::Unprepared => {
                "a pooler (PgBouncer?) in transaction mode is in front of PostgreSQL and mixes \
                 prepared statements of different clients"
            }
        }
    }

    /// What to do about [`Pooler::Unprepared`].
    pub fn mend(self) -> &'static str {
        "set max_prepared_statements = 200 in pgbouncer.ini (PgBouncer 1.21 or newer), or pool_mode = session \
         for this database, or connect to PostgreSQL directly"
    }
}

/// In the words of PgBouncer, which has no SQLSTATE of its own for it.
fn is_refused_parameter(error: &sqlx::Error) -> bool {
    let refusal = error.as_database_error().map(|error| error.message());
    refusal.is_some_and(|message| message.contains("unsupported startup parameter"))
}

/// Duplicate prepared statement, and invalid statement name.
fn is_of_statements(code: Option<&str>) -> bool {
    matches!(code, Some("42P05" | "26000" | "08P01"))
}

/// Asks without a prepared statement.
async fn simple(connection: &mut PgConnection, sql: &str) -> Result<Option<String>, sqlx::Error> {
    use sqlx::Row;
    connection.fetch_one(sql).await?.try_get(0)
}

/// The server notices by itself when this is not heard.
async fn close(connection: PgConnection) {
    let _ = connection.close().await;
}
