//! Questions to the database: few at a time, each with an end, and not the same one twice within moments,
//! so that pages that stand open do not slow answering.

use std::time::{Duration, Instant};

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use bytes::Bytes;
use common::database::within;
use ledger::views::{self, Bind};

use super::Dashboard;
use crate::http::refused::Refused;

/// Longest wait for an answer, the wait for a connection included.
pub(super) const DEADLINE: Duration = Duration::from_secs(3);
/// Longest wait for a turn.
const TURN: Duration = Duration::from_secs(5);
/// SQLSTATE of a table that is not there yet.
const NO_TABLE: &str = "42P01";

/// How long an answer is good for.
pub(super) const MOMENT: Duration = Duration::from_millis(900);
pub(super) const SHORT: Duration = Duration::from_secs(5);
pub(super) const LONG: Duration = Duration::from_secs(30);

impl Dashboard {
    /// The JSON text of a query, at most `good_for` old.
    pub(super) async fn query(
        &self,
        sql: &str,
        binds: &[Bind<'_>],
        good_for: Duration,
    ) -> Result<Bytes, Refused> {
        let place = self.cache.place(&format!("{sql}\n{binds:?}"));
        let mut kept = place.lock().await;
        if let Some((at, answer)) = &*kept
            && at.elapsed() < good_for
        {
            return Ok(answer.clone());
        }
        let pool = self
            .pool
            .get()
            .ok_or_else(|| away("it has not answered yet"))?;
        let turn = tokio::time::timeout(TURN, self.cache.turns.acquire()).await;
        let _turn = turn.map_err(|_| away("too many pages ask at once"))?;
        let asking = within(pool, DEADLINE, async |connection| {
            views::text(connection, sql, binds).await
        });
        let answer = Bytes::from(asking.await.map_err(|error| refused(&error))?);
        *kept = Some((Instant::now(), answer.clone()));
        Ok(answer)
    }
}

fn away(why: &str) -> Refused {
    Refused::new(503, format!("the database is away ({why}): send it again"))
}

fn refused(error: &sqlx::Error) -> Refused {
    let code = error
        .as_database_error()
        .and_then(|database_error| database_error.code());
    match code.as_deref() {
        Some(NO_TABLE) => Refused::new(503, "the table is not there yet: start the loader"),
        Some(code) => {
            tracing::warn!(code, %error, "a query of the web app failed");
            Refused::new(503, format!("the database did not answer ({code})"))
        }
        None => away("no answer in time"),
    }
}

/// JSON as it is, never kept by a browser: numbers change.
pub(super) fn json(body: impl Into<Bytes>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .insert_header(("cache-control", "no-store"))
        .body(body.into())
}
