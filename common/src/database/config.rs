//! Section `[database]`: where the database is, and what a service takes of it.

use std::time::Duration;

use serde::Deserialize;
use sqlx::postgres::PgConnectOptions;

use super::patience::Patience;
use super::timeouts::Timeouts;
use crate::secret::Secret;

/// Work of several statements may take so many times the deadline of one, such as when rows that the server
/// refuses are singled out.
const MOST_STATEMENTS: u32 = 4;

/// Section `[database]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// Where the database is; carries the password.
    pub url: Secret,
    /// Bounds what one service takes of the server's connections.
    pub max_connections: u32,
    /// Bounds the wait for a connection.
    pub timeout_ms: u64,
    /// Bound everything else that waits for the server, or that the server waits for.
    pub timeouts: Timeouts,
}

impl DatabaseConfig {
    /// The URL as what connects.
    ///
    /// # Errors
    /// When it is missing or is not a URL; the message does not repeat it.
    pub(crate) fn options(&self) -> anyhow::Result<PgConnectOptions> {
        anyhow::ensure!(
            !self.url.is_empty(),
            "no database is set: use --database-url, DATABASE_URL or database.url, such as \
             postgres://user:password@host:5432/hedonic"
        );
        self.url.expose().parse().map_err(|_| {
            // The parser's message may repeat the password.
            anyhow::anyhow!(
                "invalid database URL; expected postgres://user:password@host:5432/database"
            )
        })
    }

    /// The same for statements that may take long, such as the export of a million rows: no statement
    /// has a timeout.
    #[must_use]
    pub fn patient(&self) -> DatabaseConfig {
        let mut config = self.clone();
        config.timeouts.statement_ms = 0;
        config
    }

    /// How long a client waits for the answer to one statement: a moment longer than the server works on
    /// it, so that the server's own message comes first.
    pub fn deadline(&self) -> Duration {
        self.timeouts.deadline()
    }

    /// Of work of several statements: in all it may take a few times the deadline of one.
    pub fn patience(&self) -> Patience {
        Patience::new(self.deadline() * MOST_STATEMENTS)
    }
}
