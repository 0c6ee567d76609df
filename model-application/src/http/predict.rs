//! `POST /predict`: one record or an array of them; with `?explain=5` also why, and five past
//! records like each.

use actix_web::{HttpResponse, web};
use common::http::error_answer;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::predictor::{Predictor, Said};

/// What may stand behind `/predict?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// Explain each price, with so many past records like it.
    explain: Option<usize>,
}

pub(super) async fn predict(
    predictor: web::Data<Predictor>,
    query: web::Query<Query>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    let body = match taken(&predictor, body) {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let _place = match predictor.place() {
        Ok(place) => place,
        Err(answer) => return answer,
    };
    let is_array = body
        .iter()
        .find(|byte| !byte.is_ascii_whitespace())
        .is_some_and(|byte| *byte == b'[');
    let records: Vec<&[u8]> = if is_array {
        match serde_json::from_slice::<Vec<&RawValue>>(&body) {
            Ok(records) => records
                .iter()
                .map(|record| record.get().as_bytes())
                .collect(),
            Err(error) => return error_answer(400, &format!("the body is not JSON: {error}")),
        }
    } else {
        vec![&body]
    };
    let mut said = match predictor.price(&records, query.explain).await {
        Ok(said) => said,
        Err(answer) => return answer,
    };
    if is_array {
        return HttpResponse::Ok().json(said.iter().map(Said::as_json).collect::<Vec<_>>());
    }
    match said.pop() {
        Some(Said::Priced(answer)) => HttpResponse::Ok().json(answer),
        Some(Said::Refused(refusal)) => HttpResponse::BadRequest().json(refusal),
        None => error_answer(500, "the record got no answer"),
    }
}

/// The body, or why it was not taken.
pub(super) fn taken(
    predictor: &Predictor,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<web::Bytes, HttpResponse> {
    body.map_err(|error| {
        let most = predictor.max_body_bytes;
        let why = format!("the body was not taken: {error}; expected at most {most} bytes");
        error_answer(413, &why)
    })
}

impl Said {
    fn as_json(&self) -> Value {
        match self {
            Said::Priced(answer) => serde_json::json!(answer),
            Said::Refused(refusal) => refusal.clone(),
        }
    }
}
