//! The frontier in PostgreSQL: what is known of each page, when a host may be asked again, and what was
//! extracted. All of it outlives the process.

mod listings;
mod migrations;
mod paces;
mod pages;
mod sites;

use std::time::Duration;

use chrono::{DateTime, Utc};
use common::{Fault, Health, Shutdown};
use sqlx::PgPool;

use crate::retry::{self, Shown};

pub use listings::Unpublished;
pub use migrations::{DDL, migrate};
pub use paces::{Lease, Pause};
pub use pages::{Claimed, Known, Outcome, State};
pub use sites::StoredRobots;

/// A page to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundLink {
    /// Its address, in one spelling.
    pub url: String,
    /// Its site.
    pub origin: String,
    /// What shares a pace with it.
    pub lane: String,
    /// Sitemaps are requested before pages.
    pub is_sitemap: bool,
    /// Links from the start.
    pub depth: u32,
    /// Redirects that led to it.
    pub redirects: u32,
    /// Why it is never asked for, though it was linked to; `None` where it may be.
    pub refused: Option<&'static str>,
}

/// Reads and writes the crawler's tables; a database that is away is waited for.
#[derive(Clone)]
pub struct Frontier {
    pool: PgPool,
    shown: Shown,
    shutdown: Shutdown,
}

impl std::fmt::Debug for Frontier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Frontier")
    }
}

/// Why something was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrontierError {
    /// The service leaves while the database is away.
    #[error("the database was away when the crawler stopped")]
    Left,
    /// The database refuses.
    #[error(
        "PostgreSQL refuses the crawler's rows: check whether the tables crawler_* belong to it"
    )]
    Refused(#[source] sqlx::Error),
}

impl Frontier {
    /// On tables that are there.
    pub fn new(
        pool: PgPool,
        health: &Health,
        liveness: &common::liveness::LivenessConfig,
        shutdown: Shutdown,
    ) -> Frontier {
        Frontier {
            pool,
            shown: Shown {
                health: health.clone(),
                part: "frontier",
                unready_after: liveness.unready_after_retries.max(1),
            },
            shutdown,
        }
    }

    /// Connections to the database.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Tries again for as long as the database is away.
    async fn keep_trying<T, F: Future<Output = Result<T, sqlx::Error>>>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Result<T, FrontierError> {
        tokio::select! {
            biased;
            done = retry::until_done(&self.shown, attempt, Fault::of_database) => {
                done.map_err(FrontierError::Refused)
            }
            () = leaving(&self.shutdown) => Err(FrontierError::Left),
        }
    }
}

/// What is under way gets this long when the service leaves.
async fn leaving(shutdown: &Shutdown) {
    shutdown.cancelled().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
}

/// Seconds for PostgreSQL's `make_interval`.
fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

/// From now until a time by the database's clock.
fn until(at: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (at - now).to_std().unwrap_or_default()
}
