//! What all ways to a price over HTTP share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::Metric;
use records::decode::{Decoder, key_of_reject};
use records::{Purpose, Schema, timestamp};
use serde_json::Value;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::refused::Refused;
use crate::answer::{Worded, refusal};
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
    /// Decoders that rest between requests: one is dear to make.
    decoders: Mutex<Vec<Decoder>>,
    /// Bodies worked on at once; beyond, a client is asked to come again.
    places: Semaphore,
    max_concurrent: usize,
    /// Whether a token is asked for.
    pub is_guarded: bool,
    to_store: Sender<Arc<Worded>>,
}

/// What became of each record, in order.
pub(super) enum Said {
    Priced(Arc<Worded>),
    Refused(Box<Value>),
}

impl Predictor {
    pub fn new(
        config: &Config,
        serving: Arc<Serving>,
        watch: Arc<Watch>,
        to_store: Sender<Arc<Worded>>,
    ) -> Predictor {
        let applier = &config.applier;
        Predictor {
            schema: Arc::clone(&config.schema),
            serving,
            watch,
            max_records: applier.max_records,
            max_body_bytes: applier.max_body_bytes,
            decoders: Mutex::default(),
            places: Semaphore::new(applier.max_concurrent.max(1)),
            max_concurrent: applier.max_concurrent.max(1),
            is_guarded: config.http.has_token(),
            to_store,
        }
    }

    /// A place to work in.
    pub(super) fn place(&self) -> Result<SemaphorePermit<'_>, Refused> {
        let most = self.max_concurrent;
        self.places
            .try_acquire()
            .map_err(|_| Refused::Busy { most })
    }

    /// Prices records in their order, and hands the answers over to be stored. `explain` asks for
    /// all of them; a record may ask for itself.
    pub(super) async fn price(
        &self,
        records: &[&[u8]],
        explain: Option<usize>,
    ) -> Result<Vec<Said>, Refused> {
        let (found, most) = (records.len(), self.max_records);
        if found > most {
            let why = format!("found {found} records; expected at most {most}");
            return Err(Refused::new(413, why));
        }
        let Some(loaded) = self.serving.current() else {
            return Err(Refused::no_model());
        };
        let mut decoder = self.decoder();
        let arrival_us = timestamp::now_us();
        let mut asked = Vec::with_capacity(records.len());
        let refusals: Vec<Option<Box<Value>>> = records
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
                    Some(Box::new(refusal(id.as_ref(), code, &reason.to_string())))
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
            return Err(Refused::new(413, why));
        }
        let decoded = decoder.finish();
        self.decoders().push(decoder);
        let priced = price(&self.schema, &decoded, &asked, &loaded)
            .map_err(|error| Refused::new(500, format!("{:#}", anyhow::Error::new(error))))?;
        self.serving.remember(&decoded.batch);
        self.watch
            .answered(&loaded, &decoded.batch, &priced.predictions);
        let worded = priced.answers.into_iter().map(Worded::from).map(Arc::new);
        let worded: Vec<Arc<Worded>> = worded.collect();
        self.keep(&worded).await;
        let mut worded = worded.into_iter();
        let said = refusals.into_iter().filter_map(|refusal| match refusal {
            Some(refusal) => Some(Said::Refused(refusal)),
            None => worded.next().map(Said::Priced),
        });
        Ok(said.collect())
    }

    fn decoder(&self) -> Decoder {
        let resting = self.decoders().pop();
        resting.unwrap_or_else(|| Decoder::new(&self.schema, Purpose::Request))
    }

    fn decoders(&self) -> MutexGuard<'_, Vec<Decoder>> {
        self.decoders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn keep(&self, answers: &[Arc<Worded>]) {
        for (kept, answer) in answers.iter().enumerate() {
            let Err(TrySendError::Full(answer)) = self.to_store.try_send(Arc::clone(answer)) else {
                continue;
            };
            if self
                .to_store
                .send_timeout(answer, QUEUE_WAIT)
                .await
                .is_err()
            {
                let lost = answers.len() - kept;
                metrics::counter!(Metric::ApplierHttpNotStored.name()).increment(lost as u64);
                tracing::warn!("the queue of answers to store is full: {lost} are not stored");
                return;
            }
        }
    }
}
