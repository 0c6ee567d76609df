//! One request at a time for a host, however many crawlers share the database, and when the next may go.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Frontier, FrontierError, seconds, until};

/// Whether a host may be asked now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lease {
    /// It is this task's turn.
    Granted {
        /// Failures in a row so far.
        failures: u32,
    },
    /// Not before this time has passed.
    Wait(Duration),
    /// Not until somebody retries its pages.
    Stopped(String),
}

/// How long a host is left alone after a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pause {
    /// As usual; all is well.
    Usual(Duration),
    /// It failed, or asked for it.
    Longer(Duration),
    /// For good, for this reason.
    Stop(String),
}

impl Frontier {
    /// Makes a host known.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn know_host(&self, lane: &str) -> Result<(), FrontierError> {
        self.keep_trying(|| async {
            sqlx::query("INSERT INTO crawler_hosts (lane) VALUES ($1) ON CONFLICT DO NOTHING")
                .bind(lane)
                .execute(&self.pool)
                .await
                .map(drop)
        })
        .await
    }

    /// Asks for the turn at a host, for at most `longest`: a crawler that was killed holds it no longer.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn lease(&self, lane: &str, longest: Duration) -> Result<Lease, FrontierError> {
        self.keep_trying(|| async {
            let granted: Option<i32> = sqlx::query_scalar(
                "UPDATE crawler_hosts SET busy_until = now() + make_interval(secs => $2) \
                 WHERE lane = $1 AND stopped_at IS NULL AND next_at <= now() \
                   AND (busy_until IS NULL OR busy_until <= now()) RETURNING failures",
            )
            .bind(lane)
            .bind(seconds(longest))
            .fetch_optional(&self.pool)
            .await?;
            if let Some(failures) = granted {
                return Ok(Lease::Granted {
                    failures: failures.unsigned_abs(),
                });
            }
            let (at, now, stopped): (DateTime<Utc>, DateTime<Utc>, Option<String>) = sqlx::query_as(
                "SELECT greatest(next_at, coalesce(busy_until, next_at)), now(), stopped_reason \
                 FROM crawler_hosts WHERE lane = $1",
            )
            .bind(lane)
            .fetch_one(&self.pool)
            .await?;
            Ok(match stopped {
                Some(reason) => Lease::Stopped(reason),
                None => Lease::Wait(until(at, now)),
            })
        })
        .await
    }

    /// Ends a turn.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn release(&self, lane: &str, pause: Option<&Pause>) -> Result<(), FrontierError> {
        self.keep_trying(|| async {
            let mut connection = self.pool.acquire().await?;
            release(&mut connection, lane, pause).await
        })
        .await
    }
}

/// Ends a turn within the caller's transaction; without a pause, no request was made.
pub(super) async fn release(
    connection: &mut PgConnection,
    lane: &str,
    pause: Option<&Pause>,
) -> Result<(), sqlx::Error> {
    let set = match pause {
        None => "busy_until = NULL, next_at = greatest(next_at, now() + make_interval(secs => $2))",
        Some(Pause::Usual(_)) => {
            "busy_until = NULL, failures = 0, next_at = now() + make_interval(secs => $2)"
        }
        Some(Pause::Longer(_)) => {
            "busy_until = NULL, failures = failures + 1, next_at = now() + make_interval(secs => $2)"
        }
        Some(Pause::Stop(_)) => {
            "busy_until = NULL, next_at = now() + make_interval(secs => $2), stopped_at = now()"
        }
    };
    let (wait, reason) = match pause {
        None => (Duration::ZERO, None),
        Some(Pause::Usual(wait) | Pause::Longer(wait)) => (*wait, None),
        Some(Pause::Stop(reason)) => (Duration::ZERO, Some(reason.as_str())),
    };
    // The statement's text is one of those above.
    let sql = format!("UPDATE crawler_hosts SET {set}, stopped_reason = $3 WHERE lane = $1");
    sqlx::query(&sql)
        .bind(lane)
        .bind(seconds(wait))
        .bind(reason)
        .execute(connection)
        .await
        .map(drop)
}
