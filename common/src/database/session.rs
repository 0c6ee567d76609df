//! Work on one connection with an end: a peer that goes silent costs its connection, not its caller.
//!
//! sqlx has no deadline for reading, and a connection that is dropped in mid-statement goes back to the
//! pool, where the wait for its answer holds a place forever. Here a connection whose work did not end well
//! leaves the pool and is closed without waiting for anybody.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, Executor, PgConnection, PgPool, Postgres};
use tokio::time::{Instant, timeout, timeout_at};

use super::patience::Patience;

/// Longest wait for the sign of life of an idle connection.
const SIGN_OF_LIFE: Duration = Duration::from_secs(3);
/// Longest wait until a connection is back in its pool: the pool asks it for two signs of life.
const RETURN: Duration = Duration::from_secs(6);

/// A connection of a pool that is closed hard when dropped, unless [`Session::give_back`] says that its
/// work ended well: after an error, a deadline, or a future that is dropped in mid-statement nobody waits
/// for it, and the pool has its place again.
#[derive(Debug)]
pub struct Session {
    /// `None` once it is given back or closed.
    connection: Option<PoolConnection<Postgres>>,
    /// When the work must be done.
    until: Instant,
}

impl Session {
    /// Takes a connection; the deadline begins now and covers the wait for it.
    ///
    /// # Errors
    /// When none is available in time.
    pub async fn begin(pool: &PgPool, deadline: Duration) -> Result<Session, sqlx::Error> {
        let until = Instant::now() + deadline;
        let connection = timeout_at(until, pool.acquire()).await;
        Ok(Session {
            connection: Some(connection.map_err(|_| sqlx::Error::PoolTimedOut)??),
            until,
        })
    }

    /// More work on the same connection, with a deadline of its own from now on.
    pub fn renew(&mut self, deadline: Duration) {
        self.until = Instant::now() + deadline;
    }

    /// When the work must be done: give it to `tokio::time::timeout_at`, or use [`within`].
    pub fn until(&self) -> Instant {
        self.until
    }

    /// The work ended well: the pool may use the connection again.
    pub fn give_back(mut self) {
        if let Some(mut connection) = self.connection.take() {
            // sqlx asks a connection for a second sign of life, without a deadline: one that went silent between
            // the two would hold its place in the pool for ever.
            let returning = connection.return_to_pool();
            tokio::spawn(async move {
                // Dropped when the time is up, which closes the connection and frees its place.
                let _ = timeout(RETURN, returning).await;
            });
        }
    }
}

const TAKEN: &str = "it is only taken when the session is consumed";

impl Deref for Session {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        self.connection.as_ref().expect(TAKEN)
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect(TAKEN)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // The socket is closed at once; the server rolls back.
            drop(connection.detach());
        }
    }
}

/// Does `work` on a connection of the pool, all of it within `deadline`
/// ([`DatabaseConfig::deadline`](super::DatabaseConfig::deadline) for one statement; more for several). After
/// an error, whatever it is, the connection is not used again: the fault may be the session's, and a
/// transaction may be open.
///
/// # Errors
/// That of `work`. When the time is up, [`sqlx::Error::Io`] of the kind `TimedOut`, which is
/// [`Fault::Passing`](crate::Fault::Passing).
pub async fn within<T, E: From<sqlx::Error>>(
    pool: &PgPool,
    deadline: Duration,
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E> {
    let mut session = Session::begin(pool, deadline).await?;
    let until = session.until();
    let done = match timeout_at(until, work(&mut session)).await {
        Ok(done) => done?,
        Err(_) => return Err(silent(deadline).into()),
    };
    session.give_back();
    Ok(done)
}

/// The same with a bound that `patience` sets: that of a try, not of all that the work may ever take.
///
/// # Errors
/// As [`within`].
pub async fn patiently<T, E: From<sqlx::Error>>(
    pool: &PgPool,
    patience: &Patience,
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E> {
    let bound = patience.bound();
    let mut session = Session::begin(pool, bound).await?;
    let (until, began) = (session.until(), Instant::now());
    let Ok(done) = timeout_at(until, work(&mut session)).await else {
        patience.silent();
        return Err(silent(bound).into());
    };
    patience.answered(began.elapsed());
    let done = done?;
    session.give_back();
    Ok(done)
}

pub(super) fn silent(deadline: Duration) -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(
        std::io::ErrorKind::TimedOut,
        format!(
            "PostgreSQL did not answer within {} s; the connection is closed",
            deadline.as_secs_f64()
        ),
    ))
}

/// Options of a pool whose idle connections are checked for a sign of life, with a deadline, before they are
/// given out and when they come back. `statement` is run on each new connection.
pub(super) fn pool_options(statement: Option<String>) -> PgPoolOptions {
    PgPoolOptions::new()
        // The same question, with a deadline.
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(is_alive(connection)))
        .after_release(|connection, _| Box::pin(is_alive(connection)))
        .after_connect(move |connection, _| {
            let statement = statement.clone();
            Box::pin(async move {
                if let Some(statement) = statement {
                    connection.execute(statement.as_str()).await?;
                }
                Ok(())
            })
        })
}

/// Asks for a sign of life, with a deadline. An error closes the connection without waiting for its server.
pub(super) async fn is_alive(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    match timeout(SIGN_OF_LIFE, connection.ping()).await {
        Ok(alive) => alive.map(|()| true),
        Err(_) => Err(silent(SIGN_OF_LIFE)),
    }
}
