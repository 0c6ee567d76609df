//! What came last, and all that is known of one id.

use actix_web::{HttpResponse, web};
use ledger::views::{Bind, LIFE, NEWEST};
use serde::Deserialize;
use serde_json::{Value, json};

use super::quality::text;
use super::query::{self, MOMENT};
use super::{Dashboard, record_sql};
use crate::http::refused::Refused;

/// Rows of each kind that are shown at most.
const MOST: i64 = 200;

/// What may stand behind `/newest?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Many {
    #[serde(default = "usual")]
    limit: i64,
}

fn usual() -> i64 {
    30
}

fn parsed(text: &[u8]) -> Result<Value, Refused> {
    serde_json::from_slice(text)
        .map_err(|error| Refused::new(500, format!("the database gave no JSON: {error}")))
}

pub(super) async fn newest(
    dashboard: web::Data<Dashboard>,
    many: web::Query<Many>,
) -> Result<HttpResponse, Refused> {
    let limit = many.limit.clamp(1, MOST);
    let records = record_sql::newest(&dashboard.schema, limit);
    let found = dashboard
        .query(NEWEST, &[Bind::Number(limit)], MOMENT)
        .await?;
    let mut found = parsed(&found)?;
    found["listings"] = match dashboard.query(&records, &[], MOMENT).await {
        Ok(records) => parsed(&records)?,
        // Where the loader has not made its table yet.
        Err(_) => json!([]),
    };
    Ok(query::json(found.to_string()))
}

/// What may stand behind `/records?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ids {
    /// Separated by commas.
    ids: String,
}

/// Stored records by their keys.
pub(super) async fn records(
    dashboard: web::Data<Dashboard>,
    query: web::Query<Ids>,
) -> Result<HttpResponse, Refused> {
    let ids: Vec<&str> = query.ids.split(',').filter(|id| !id.is_empty()).collect();
    if ids.is_empty() || ids.len() > 50 {
        return Err(Refused::new(400, "expected ids=A,B,… with 1 to 50 ids"));
    }
    for id in &ids {
        text(id)?;
    }
    let sql = record_sql::by_ids(&dashboard.schema, &ids);
    Ok(query::json(dashboard.query(&sql, &[], MOMENT).await?))
}

/// All that is known of an id: its record, answers, label and rejects.
pub(super) async fn life(
    dashboard: web::Data<Dashboard>,
    id: web::Path<String>,
) -> Result<HttpResponse, Refused> {
    let id = text(&id)?;
    let found = dashboard.query(LIFE, &[Bind::Text(id)], MOMENT).await?;
    let mut found = parsed(&found)?;
    let sql = record_sql::by_ids(&dashboard.schema, &[id]);
    found["id"] = id.into();
    found["record"] = match dashboard.query(&sql, &[], MOMENT).await {
        Ok(records) => parsed(&records)?
            .get_mut(0)
            .map_or(Value::Null, Value::take),
        Err(_) => Value::Null,
    };
    Ok(query::json(found.to_string()))
}
