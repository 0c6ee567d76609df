//! `POST /predict`: one record or an array of them; with `?explain=5` also why, and five past
//! records like each.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use common::Metric;
use common::http::error_answer;
use records::decode::{Decoder, key_of_reject};
use records::{Purpose, Schema, timestamp};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::mpsc::Sender;

use crate::config::Config;
use crate::price::{Answer, explain, price, refusal};
use crate::serving::Serving;

/// Longest a reply waits for room in the queue of answers to store.
const QUEUE_WAIT: Duration = Duration::from_secs(1);

/// Records explained at once, and past records shown for each, at most: both take milliseconds.
const MOST_EXPLAINED: usize = 100;
const MOST_COMPARABLES: usize = 50;

pub(crate) struct Predictor {
    schema: Arc<Schema>,
    serving: Arc<Serving>,
    max_records: usize,
    max_body_bytes: usize,
    to_store: Sender<Answer>,
}

impl Predictor {
    pub fn new(config: &Config, serving: Arc<Serving>, to_store: Sender<Answer>) -> Predictor {
        Predictor {
            schema: Arc::clone(&config.schema),
            serving,
            max_records: config.applier.max_records,
            max_body_bytes: config.applier.max_body_bytes,
            to_store,
        }
    }

    async fn keep(&self, answers: &[Answer]) {
        for answer in answers {
            let sent = self.to_store.send_timeout(answer.clone(), QUEUE_WAIT).await;
            if sent.is_err() {
                metrics::counter!(Metric::ApplierHttpNotStored.name()).increment(1);
                tracing::warn!("the queue of answers to store is full: an answer is not stored");
                return;
            }
        }
    }
}

pub(crate) fn routes(
    predictor: Arc<Predictor>,
) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
    move |config| {
        config
            .app_data(web::PayloadConfig::new(predictor.max_body_bytes))
            .app_data(web::Data::from(Arc::clone(&predictor)))
            .route("/predict", web::post().to(predict));
    }
}

/// What may stand behind `/predict?`.
#[derive(Debug, Deserialize)]
struct Asked {
    /// Explain each price, with so many past records like it.
    explain: Option<usize>,
}

async fn predict(
    predictor: web::Data<Predictor>,
    asked: web::Query<Asked>,
    body: Result<web::Bytes, actix_web::Error>,
) -> HttpResponse {
    let body = match body {
        Ok(body) => body,
        Err(error) => {
            let most = predictor.max_body_bytes;
            let why = format!("the body was not taken: {error}; expected at most {most} bytes");
            return error_answer(413, &why);
        }
    };
    let Some(loaded) = predictor.serving.current() else {
        return error_answer(503, "there is no model yet: run model-prepare");
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
    if records.len() > predictor.max_records {
        let (found, most) = (records.len(), predictor.max_records);
        return error_answer(
            413,
            &format!("found {found} records; expected at most {most}"),
        );
    }
    let mut decoder = Decoder::new(&predictor.schema, Purpose::Request);
    let now_us = timestamp::now_us();
    let refusals: Vec<Option<Value>> = records
        .iter()
        .map(|record| {
            let reason = decoder.push(record, now_us).err()?;
            metrics::counter!(Metric::ApplierHttpRefused.name(), "code" => reason.code())
                .increment(1);
            let id = key_of_reject(&predictor.schema, record);
            Some(refusal(id.as_ref(), reason.code(), &reason.to_string()))
        })
        .collect();
    let decoded = decoder.finish();
    let mut answers = match price(&predictor.schema, &decoded, &loaded) {
        Ok(answers) => answers,
        Err(error) => return error_answer(500, &format!("{error:#}")),
    };
    if let Some(comparables) = asked.explain {
        if answers.len() > MOST_EXPLAINED {
            let found = answers.len();
            let why =
                format!("found {found} records to explain; expected at most {MOST_EXPLAINED}");
            return error_answer(413, &why);
        }
        let comparables = comparables.min(MOST_COMPARABLES);
        if let Err(error) = explain(&mut answers, &decoded.batch, &loaded, comparables) {
            return error_answer(500, &format!("{error:#}"));
        }
    }
    predictor.keep(&answers).await;
    let mut good = answers.iter();
    let mut replies: Vec<Value> = refusals
        .into_iter()
        .map(|refused| refused.unwrap_or_else(|| serde_json::json!(good.next())))
        .collect();
    match (is_array, replies.pop()) {
        (false, Some(reply)) if reply.get("error").is_some() => {
            HttpResponse::BadRequest().json(reply)
        }
        (false, Some(reply)) => HttpResponse::Ok().json(reply),
        (_, last) => {
            replies.extend(last);
            HttpResponse::Ok().json(replies)
        }
    }
}
