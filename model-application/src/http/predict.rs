//! `POST /predict`: one record or an array of them; with `?explain=5` also why, and five past
//! records like each.

use std::rc::Rc;
use std::time::Instant;

use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::micro_batch::{Kind, MicroBatch};
use super::predictor::{Asking, Predictor, RowAnswer, answered};
use super::refused::Refused;
use super::trace::traced;
use crate::answer::Namespace;

/// What may stand behind `/predict?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// Explain each price, with so many past records like it.
    explain: Option<usize>,
    /// Whose ids these are: those given over HTTP, if nothing else is reported, or those of Kafka too.
    #[serde(default = "Namespace::http")]
    namespace: Namespace,
}

pub(super) async fn predict(
    request: HttpRequest,
    predictor: web::Data<Predictor>,
    query: web::Query<Query>,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<HttpResponse, Refused> {
    let answer = answer(&request, predictor, query, body).await;
    traced(&request, answer)
}

async fn answer(
    request: &HttpRequest,
    predictor: web::Data<Predictor>,
    query: web::Query<Query>,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<HttpResponse, Refused> {
    let began = Instant::now();
    let body = taken(&predictor, body)?;
    let _place = predictor.place()?;
    let is_array = body
        .iter()
        .find(|byte| !byte.is_ascii_whitespace())
        .is_some_and(|byte| *byte == b'[');
    let asking = |records| Asking {
        records,
        explain: query.explain,
        namespace: query.namespace,
        is_drawn: false,
    };
    if !is_array {
        let micro_batch = request.app_data::<Rc<MicroBatch>>();
        let answer = match micro_batch.filter(|_| query.explain.is_none()) {
            Some(micro_batch) => {
                let kind = Kind {
                    namespace: query.namespace,
                    is_drawn: false,
                };
                micro_batch.price(&predictor, body, kind).await?
            }
            None => {
                let answers = predictor.price(&asking(&[&body])).await?.pop();
                answers.ok_or_else(|| Refused::new(500, "the record got no answer"))?
            }
        };
        return match answer {
            RowAnswer::Priced(payload) => {
                answered(began);
                Ok(ok(payload))
            }
            RowAnswer::Refused(refusal) => Err(Refused::Record(refusal)),
        };
    }
    let records: Vec<&RawValue> = serde_json::from_slice(&body)
        .map_err(|error| Refused::new(400, format!("the body is not JSON: {error}")))?;
    let records: Vec<&[u8]> = records
        .iter()
        .map(|record| record.get().as_bytes())
        .collect();
    let answers = predictor.price(&asking(&records)).await?;
    answered(began);
    Ok(ok(array(&answers)))
}

/// The body, or why it was not taken.
pub(super) fn taken(
    predictor: &Predictor,
    body: Result<web::Bytes, actix_web::Error>,
) -> Result<web::Bytes, Refused> {
    let body = body.map_err(|error| {
        let most = predictor.max_body_bytes;
        let why = format!("the body was not taken: {error}; expected at most {most} bytes");
        Refused::new(413, why)
    })?;
    let mark = body.len() - records::without_bom(&body).len();
    Ok(body.slice(mark..))
}

fn ok(body: impl Into<web::Bytes>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(body.into())
}

/// The answers' own bytes, as they are stored.
fn array(answers: &[RowAnswer]) -> Vec<u8> {
    let mut text = vec![b'['];
    for (index, answer) in answers.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        match answer {
            RowAnswer::Priced(payload) => text.extend_from_slice(payload),
            RowAnswer::Refused(refusal) => text.extend_from_slice(refusal.to_string().as_bytes()),
        }
    }
    text.push(b']');
    text
}
