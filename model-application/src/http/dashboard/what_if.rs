//! `POST /what-if`: prices that nobody has asked for in earnest. They are not stored, not published, and
//! count neither as requests nor for drift.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::state::CONSIDERED;
use super::{Dashboard, query};
use crate::http::Predictor;
use crate::http::predict::taken;
use crate::http::refused::Refused;

/// Records of one body: a slider's whole range.
const MOST: usize = 64;

/// What may stand behind `/what-if?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// Explain each price, with so many past records like it.
    explain: Option<usize>,
}

pub(super) async fn what_if(
    dashboard: web::Data<Dashboard>,
    predictor: web::Data<Predictor>,
    query: web::Query<Query>,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<HttpResponse, Refused> {
    let body = taken(&predictor, body)?;
    let place = dashboard.considered.try_acquire();
    let _place = place.map_err(|_| Refused::Busy { most: CONSIDERED })?;
    let records: Vec<Map<String, Value>> = serde_json::from_slice(&body)
        .map_err(|error| Refused::new(400, format!("expected a JSON array of records: {error}")))?;
    let found = records.len();
    if found > MOST {
        let why = format!("found {found} records; expected at most {MOST}");
        return Err(Refused::new(413, why));
    }
    let key = &dashboard.schema.key;
    let records: Vec<String> = records
        .into_iter()
        .enumerate()
        .map(|(row, mut record)| {
            let id = || Value::String(row.to_string());
            record.entry(key.clone()).or_insert_with(id);
            Value::Object(record).to_string()
        })
        .collect();
    let records: Vec<&[u8]> = records.iter().map(String::as_bytes).collect();
    let answers = predictor.consider(&records, query.explain)?;
    Ok(query::json(Value::Array(answers).to_string()))
}
