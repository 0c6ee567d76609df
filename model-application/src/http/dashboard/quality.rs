//! Quality over time, by tenth of the price, by segment, and both distributions of each field.

use actix_web::{HttpResponse, web};
use ledger::views::{BY_SEGMENT, Bind, DECILES, QUALITY};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Dashboard;
use super::query::{self, LONG, SHORT};
use crate::http::refused::Refused;
use crate::quality::tally;

/// What may stand behind `/quality/history?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    #[serde(default = "day")]
    window: String,
    /// Empty for whole models.
    #[serde(default)]
    segment: String,
}

fn day() -> String {
    "24h".to_owned()
}

/// PostgreSQL's texts cannot hold a NUL.
pub(super) fn text(text: &str) -> Result<&str, Refused> {
    match text.contains('\0') {
        true => Err(Refused::new(400, "expected a text without a NUL character")),
        false => Ok(text),
    }
}

pub(super) async fn history(
    dashboard: web::Data<Dashboard>,
    of: web::Query<Of>,
) -> Result<HttpResponse, Refused> {
    let binds = [
        Bind::Text(text(&of.window)?),
        Bind::Text(text(&of.segment)?),
    ];
    Ok(query::json(dashboard.query(QUALITY, &binds, SHORT).await?))
}

/// What may stand behind `/quality/tenths?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfModel {
    /// Such as real-estate@v000003; empty for all.
    #[serde(default)]
    model: String,
}

pub(super) async fn tenths(
    dashboard: web::Data<Dashboard>,
    of: web::Query<OfModel>,
) -> Result<HttpResponse, Refused> {
    let binds = [Bind::Text(text(&of.model)?)];
    Ok(query::json(dashboard.query(DECILES, &binds, SHORT).await?))
}

/// What may stand behind `/quality/segments?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfAnswers {
    /// Such as real-estate@v000003; empty for all.
    #[serde(default)]
    model: String,
    /// Answers of the last N seconds; 0 for all.
    #[serde(default)]
    since_s: u32,
}

pub(super) async fn segments(
    dashboard: web::Data<Dashboard>,
    of: web::Query<OfAnswers>,
) -> Result<HttpResponse, Refused> {
    let binds = [
        Bind::Text(text(&of.model)?),
        Bind::Number(of.since_s.into()),
    ];
    Ok(query::json(
        dashboard.query(BY_SEGMENT, &binds, SHORT).await?,
    ))
}

/// Answers of the last day.
const DAY_S: u32 = 86_400;

/// Training's rows and the last day's requests by part of each field.
pub(super) async fn drift(dashboard: web::Data<Dashboard>) -> Result<HttpResponse, Refused> {
    let loaded = dashboard.serving.current().ok_or_else(Refused::no_model)?;
    let Some(profile) = loaded.model.profile() else {
        let none = json!({ "model": loaded.name, "rows": 0, "fields": [] });
        return Ok(query::json(none.to_string()));
    };
    let pool = dashboard.pool.get();
    let pool = pool.ok_or_else(|| Refused::new(503, "the database has not answered yet"))?;
    let counting = common::database::within(pool, LONG / 10, async |connection| {
        tally(connection, &loaded, DAY_S).await
    });
    let counted = counting
        .await
        .map_err(|error| Refused::new(503, format!("the database is away: {error}")))?;
    let moved = counted.as_ref().map(|tally| profile.psi(tally));
    let moved = json!(moved.unwrap_or_default());
    let counted_rows = counted.as_ref().map_or(0, valuation::Tally::rows);
    let (before, now) = (json!(profile), json!(counted));
    let columns = before["columns"].as_array().into_iter().flatten();
    let fields: Vec<Value> = columns
        .enumerate()
        .map(|(index, column)| {
            json!({
                "field": column["name"],
                "is_prediction": column["is_prediction"],
                "parts": column["parts"],
                "training": column["counts"],
                "requests": now["counts"][index],
                "drift": moved[index],
            })
        })
        .collect();
    let found = json!({ "model": loaded.name, "rows": counted_rows, "fields": fields });
    Ok(query::json(found.to_string()))
}
