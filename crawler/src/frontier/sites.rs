//! The rules of each site's robots.txt, kept over restarts.

use std::time::Duration;

use super::{Frontier, FrontierError, seconds};

/// A robots.txt that is not too old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRobots {
    /// The status it came with; `None` where there was no answer.
    pub robots_status: Option<i32>,
    /// Its text.
    pub robots_body: String,
    /// How long it may be used from now on.
    pub fresh: Duration,
}

impl Frontier {
    /// A site's robots.txt, where it is not too old.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn robots(&self, origin: &str) -> Result<Option<StoredRobots>, FrontierError> {
        self.keep_trying(|| async {
            let row: Option<(Option<i32>, String, f64)> = sqlx::query_as(
                "SELECT robots_status, robots_body, \
                   extract(epoch FROM robots_expires_at - now())::float8 FROM crawler_sites \
                 WHERE origin = $1 AND robots_expires_at > now()",
            )
            .bind(origin)
            .fetch_optional(&self.pool)
            .await?;
            Ok(
                row.map(|(robots_status, robots_body, fresh_s)| StoredRobots {
                    robots_status,
                    robots_body,
                    fresh: Duration::from_secs_f64(fresh_s.max(0.0)),
                }),
            )
        })
        .await
    }

    /// Keeps a site's robots.txt for as long as it may be used.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn keep_robots(
        &self,
        origin: &str,
        lane: &str,
        robots: &StoredRobots,
        error: Option<&str>,
    ) -> Result<(), FrontierError> {
        // PostgreSQL's text cannot hold a NUL.
        let body = robots.robots_body.replace('\0', "\u{fffd}");
        self.keep_trying(|| async {
            sqlx::query(
                "INSERT INTO crawler_sites \
                   (origin, lane, robots_status, robots_body, robots_error, robots_expires_at) \
                 VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6)) \
                 ON CONFLICT (origin) DO UPDATE SET lane = $2, robots_status = $3, robots_body = $4, \
                   robots_error = $5, robots_expires_at = excluded.robots_expires_at",
            )
            .bind(origin)
            .bind(lane)
            .bind(robots.robots_status)
            .bind(&body)
            .bind(error)
            .bind(seconds(robots.fresh))
            .execute(&self.pool)
            .await
            .map(drop)
        })
        .await
    }
}
