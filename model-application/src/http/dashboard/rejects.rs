//! One reject whole, and the same message once more, fixed or as it came, on the topic it came from.

use actix_web::{HttpResponse, web};
use common::database::within;
use ledger::rejects::{self, StoredReject};
use ledger::views::{Bind, REJECT, REJECT_REASONS};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use serde::Deserialize;
use serde_json::json;

use super::Dashboard;
use super::quality::text;
use super::query::{self, DEADLINE, MOMENT};
use super::replay::PLACES;
use crate::http::Predictor;
use crate::http::predict::taken;
use crate::http::refused::Refused;

/// Longest text that states who or why, in bytes.
const WHY_BYTES: usize = 1000;

/// Newest rejects that are counted by reason.
const COUNTED: i64 = 50_000;

pub(super) async fn reasons(dashboard: web::Data<Dashboard>) -> Result<HttpResponse, Refused> {
    let found = dashboard.query(REJECT_REASONS, &[Bind::Number(COUNTED)], query::SHORT);
    Ok(query::json(found.await?))
}

/// `topic/partition/offset`, as a reject is named.
type Place = (String, i32, i64);

/// What may stand behind a reject's path.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// Of which cluster; left out, the newest reject of that place.
    #[serde(default)]
    cluster: String,
    /// Who sends it again and why, for the log.
    #[serde(default)]
    why: String,
}

fn none(place: &Place) -> Refused {
    let (topic, partition, offset) = place;
    Refused::new(
        404,
        format!("no reject is kept at {topic}/{partition}/{offset}"),
    )
}

pub(super) async fn one(
    dashboard: web::Data<Dashboard>,
    place: web::Path<Place>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Refused> {
    let (topic, partition, offset) = &*place;
    let binds = [
        Bind::Text(text(topic)?),
        Bind::Number(i64::from(*partition)),
        Bind::Number(*offset),
        Bind::Text(text(&query.cluster)?),
    ];
    let found = dashboard.query(REJECT, &binds, MOMENT).await?;
    match &found[..] {
        b"null" => Err(none(&place)),
        _ => Ok(query::json(found)),
    }
}

/// Sends a reject once more under its key: the body instead of its payload, where there is one.
pub(super) async fn replay(
    dashboard: web::Data<Dashboard>,
    predictor: web::Data<Predictor>,
    place: web::Path<Place>,
    query: web::Query<Query>,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<HttpResponse, Refused> {
    let mended = taken(&predictor, body)?;
    let why = text(&query.why)?;
    if why.len() > WHY_BYTES {
        let why = format!("why has {} bytes; expected at most {WHY_BYTES}", why.len());
        return Err(Refused::new(400, why));
    }
    let at = &*place;
    let (topic, cluster) = (text(&at.0)?, text(&query.cluster)?);
    let replay = &dashboard.replay;
    let turn = replay.places.try_acquire();
    let _turn = turn.map_err(|_| Refused::Busy { most: PLACES })?;

    let mut message = dashboard.rejected(at, cluster).await?;
    let is_mended = !mended.is_empty() && mended[..] != message.payload[..];
    match message.payload_bytes {
        _ if is_mended => message.payload = mended.to_vec(),
        Some(bytes) => return Err(shortened(bytes)),
        None => {}
    }
    let sent = replay.send(topic, &message).await;
    let (partition, offset) = sent.map_err(|error| {
        tracing::warn!("cannot send {topic}/{}/{} again: {error:#}", at.1, at.2);
        let code = match error
            .downcast_ref()
            .and_then(KafkaError::rdkafka_error_code)
        {
            Some(RDKafkaErrorCode::MessageSizeTooLarge) => 413,
            _ => 503,
        };
        Refused::new(code, format!("Kafka did not take it: {error:#}"))
    })?;
    tracing::info!(
        topic,
        partition = at.1,
        offset = at.2,
        is_mended,
        why,
        "the reject {topic}/{}/{} is sent again as {topic}/{partition}/{offset}",
        at.1,
        at.2
    );
    // It is on its way: that it is not marked is not a reason to have it sent twice.
    let is_marked = dashboard.mark(at, &message.cluster).await;
    if let Err(error) = &is_marked {
        tracing::warn!(%error, "cannot mark the reject as sent again");
    }
    let found = json!({
        "topic": topic, "partition": partition, "offset": offset, "mended": is_mended, "marked": is_marked.is_ok(),
    });
    Ok(query::json(found.to_string()))
}

impl Dashboard {
    async fn rejected(&self, place: &Place, cluster: &str) -> Result<StoredReject, Refused> {
        let pool = self.pool.get();
        let pool = pool.ok_or_else(|| Refused::new(503, "the database has not answered yet"))?;
        let (topic, partition, offset) = place;
        let reading = within(pool, DEADLINE, async |connection| {
            rejects::at(connection, (topic, *partition, *offset), cluster).await
        });
        let away = |error: sqlx::Error| Refused::new(503, format!("the database is away: {error}"));
        reading.await.map_err(away)?.ok_or_else(|| none(place))
    }

    async fn mark(&self, place: &Place, cluster: &str) -> Result<(), sqlx::Error> {
        let Some(pool) = self.pool.get() else {
            return Ok(());
        };
        let (topic, partition, offset) = place;
        within(pool, DEADLINE, async |connection| {
            rejects::mark(connection, (topic, *partition, *offset), cluster).await
        })
        .await
    }
}

fn shortened(bytes: i64) -> Refused {
    let why = format!(
        "only the first part of its {bytes} bytes is kept: send the whole message as the body"
    );
    Refused::new(409, why)
}
