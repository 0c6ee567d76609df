//! What all ways to a price over HTTP share.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use common::Metric;
use common::http::error_answer;
use records::decode::{Decoder, key_of_reject};
use records::{Purpose, Schema, timestamp};
use serde_json::Value;
use subtle::ConstantTimeEq;
use tokio::sync::mpsc::Sender;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::answer::{Answer, refusal};
use crate::ask::Ask;
use crate::config::Config;
use crate::price::{Asked, price};
use crate::quality::Watch;
use crate::serving::Serving;

/// Longest a reply waits for room in the queue of answers to store.
const QUEUE_WAIT: Duration = Duration::from_secs(1);
/// Records explained at once, at most: each takes milliseconds.
const MOST_EXPLAINED: usize = 100;

pub(crate) struct Predictor {
    pub schema: Arc<Schema>,
    pub serving: Arc<Serving>,
    pub watch: Arc<Watch>,
    pub max_records: usize,
    pub max_body_bytes: usize,
    /// Bodies worked on at once; beyond, a client is asked to come again.
    places: Semaphore,
    max_concurrent: usize,
    /// What `Authorization: Bearer` must say; empty for nothing.
    token: String,
    to_store: Sender<Answer>,
}

/// What became of each record, in order.
pub(super) enum Said {
    Priced(Box<Answer>),
    Refused(Value),
}

impl Predictor {
    pub fn new(
        config: &Config,
        serving: Arc<Serving>,
        watch: Arc<Watch>,
        to_store: Sender<Answer>,
    ) -> Predictor {
        let applier = &config.applier;
        Predictor {
            schema: Arc::clone(&config.schema),
            serving,
            watch,
            max_records: applier.max_records,
            max_body_bytes: applier.max_body_bytes,
            places: Semaphore::new(applier.max_concurrent.max(1)),
            max_concurrent: applier.max_concurrent.max(1),
            token: applier.token.expose().to_owned(),
            to_store,
        }
    }

    /// Whether a token is asked for.
    pub fn is_guarded(&self) -> bool {
        !self.token.is_empty()
    }

    /// Whether a request may come in; takes as long for a wrong token as for the right one.
    pub fn admits(&self, token: &[u8]) -> bool {
        !self.is_guarded() || token.ct_eq(self.token.as_bytes()).into()
    }

    /// A place to work in, or the answer that there is none.
    pub fn place(&self) -> Result<SemaphorePermit<'_>, HttpResponse> {
        self.places.try_acquire().map_err(|_| {
            let most = self.max_concurrent;
            let why = format!("{most} requests are being answered, as many as may be: ask again");
            let mut answer = error_answer(503, &why);
            let seconds = actix_web::http::header::HeaderValue::from_static("1");
            answer
                .headers_mut()
                .insert(actix_web::http::header::RETRY_AFTER, seconds);
            answer
        })
    }

    /// Prices records in their order, and hands the answers over to be stored. `explain` asks for
    /// all of them; a record may ask for itself.
    pub(super) async fn price(
        &self,
        records: &[&[u8]],
        explain: Option<usize>,
    ) -> Result<Vec<Said>, HttpResponse> {
        let (found, most) = (records.len(), self.max_records);
        if found > most {
            let why = format!("found {found} records; expected at most {most}");
            return Err(error_answer(413, &why));
        }
        let Some(loaded) = self.serving.current() else {
            return Err(error_answer(
                503,
                "there is no model yet: run model-prepare",
            ));
        };
        let mut decoder = Decoder::new(&self.schema, Purpose::Request);
        let arrival_us = timestamp::now_us();
        let mut asked = Vec::with_capacity(records.len());
        let refusals: Vec<Option<Value>> = records
            .iter()
            .map(|record| match decoder.push(record, arrival_us) {
                Ok(()) => {
                    let ask = explain.map_or_else(|| Ask::of(&self.schema, record), Ask::reasons);
                    asked.push(Asked { arrival_us, ask });
                    None
                }
                Err(reason) => {
                    let code = reason.code();
                    metrics::counter!(Metric::ApplierHttpRefused.name(), "code" => code)
                        .increment(1);
                    let id = key_of_reject(&self.schema, record);
                    Some(refusal(id.as_ref(), code, &reason.to_string()))
                }
            })
            .collect();
        let explained = asked
            .iter()
            .filter(|asked| asked.ask.comparables.is_some())
            .count();
        if explained > MOST_EXPLAINED {
            let why =
                format!("found {explained} records to explain; expected at most {MOST_EXPLAINED}");
            return Err(error_answer(413, &why));
        }
        let decoded = decoder.finish();
        let priced = price(&self.schema, &decoded, &asked, &loaded)
            .map_err(|error| error_answer(500, &format!("{:#}", anyhow::Error::new(error))))?;
        self.serving.remember(&decoded.batch);
        self.watch
            .answered(&loaded, &decoded.batch, &priced.predictions);
        self.keep(&priced.answers).await;
        let mut answers = priced.answers.into_iter();
        let said = refusals.into_iter().filter_map(|refusal| match refusal {
            Some(refusal) => Some(Said::Refused(refusal)),
            None => answers.next().map(|answer| Said::Priced(Box::new(answer))),
        });
        Ok(said.collect())
    }

    async fn keep(&self, answers: &[Answer]) {
        for (kept, answer) in answers.iter().enumerate() {
            let sent = self.to_store.send_timeout(answer.clone(), QUEUE_WAIT).await;
            if sent.is_err() {
                let lost = answers.len() - kept;
                metrics::counter!(Metric::ApplierHttpNotStored.name()).increment(lost as u64);
                tracing::warn!("the queue of answers to store is full: {lost} are not stored");
                return;
            }
        }
    }
}
