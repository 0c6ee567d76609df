//! A connection between pieces of work that follow each other closely.
//!
//! The pool asks a connection for a sign of life when it is taken and, as sqlx does, twice when it comes back: three
//! round trips where a small batch itself needs one. A connection that is kept is asked once, before it is used, with
//! the same deadline.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use tokio::time::{Instant, timeout_at};

use super::patience::Patience;
use super::session::{Session, is_alive, silent};

/// A pool with fewer places has none to spare.
const LEAST: u32 = 4;
/// How long a connection is kept at most: the pool renews its connections too.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// A connection of a pool that is kept, for work that comes again and again.
#[derive(Debug)]
pub struct Spare {
    pool: PgPool,
    may_keep: bool,
    kept: Mutex<Option<Kept>>,
}

#[derive(Debug)]
struct Kept {
    session: Session,
    /// When it was taken from the pool.
    since: Instant,
}

impl Spare {
    /// Keeps a connection of a pool that others use too, unless it is a small one.
    pub fn of_shared(pool: PgPool) -> Spare {
        let may_keep = pool.options().get_max_connections() >= LEAST;
        Spare {
            pool,
            may_keep,
            kept: Mutex::default(),
        }
    }

    /// Keeps a connection of a pool that nobody else uses.
    pub fn of_own(pool: PgPool) -> Spare {
        Spare {
            pool,
            may_keep: true,
            kept: Mutex::default(),
        }
    }

    /// [`patiently`](super::patiently) on the connection that is kept; on another of the pool where it is in use, or
    /// gives no sign of life. After an error it is closed.
    ///
    /// # Errors
    /// As [`within`](super::within).
    pub async fn patiently<T, E: From<sqlx::Error>>(
        &self,
        patience: &Patience,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, E>,
    ) -> Result<T, E> {
        let bound = patience.bound();
        let mut kept = self.take(bound).await?;
        let (until, began) = (kept.session.until(), Instant::now());
        let Ok(done) = timeout_at(until, work(&mut kept.session)).await else {
            patience.silent();
            return Err(silent(bound).into());
        };
        patience.answered(began.elapsed());
        let done = done?;
        self.keep(kept);
        Ok(done)
    }

    async fn take(&self, bound: Duration) -> Result<Kept, sqlx::Error> {
        let kept = self.kept().take();
        if let Some(mut kept) = kept
            && is_alive(&mut kept.session).await.is_ok()
        {
            kept.session.renew(bound);
            return Ok(kept);
        }
        Ok(Kept {
            session: Session::begin(&self.pool, bound).await?,
            since: Instant::now(),
        })
    }

    fn keep(&self, used: Kept) {
        let mut kept = self.kept();
        match self.may_keep && kept.is_none() && used.since.elapsed() < KEPT_FOR {
            true => *kept = Some(used),
            false => used.session.give_back(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
