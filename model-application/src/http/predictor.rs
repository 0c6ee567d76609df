//! Predictions over HTTP, for all interfaces.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use bytes::Bytes;
use records::decode::{Decoded, Decoder, Key, key_of_reject};
use records::{Purpose, Schema, timestamp};
use serde_json::{Value, json};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::refused::Refused;
use super::statistics::Statistics;
use super::unknown_fields;
use crate::answer::{
    CONFLICT, CONFLICT_REASON, Namespace, UnknownFields, Worded, refusal as refusal_of,
};
use crate::config::Config;
use crate::lookup::Lookup;
use crate::metrics::{CONFLICTS, HTTP_NOT_STORED, HTTP_REFUSED, REQUEST_DURATION};
use crate::pending::{Claim, Claimed, Entry, Fate, Pending};
use crate::price::{Asked, price};
use crate::quality::Watch;
use crate::request_options::RequestOptions;
use crate::serving::{Loaded, Serving};

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
    /// Idle decoders, kept because making one is expensive.
    decoders: Mutex<Vec<Decoder>>,
    /// Bodies worked on at once; beyond, a client is asked to come again.
    places: Semaphore,
    max_concurrent: usize,
    /// Whether a token is required.
    pub is_guarded: bool,
    /// Of tensors.
    pub(super) statistics: Statistics,
    to_store: Sender<Arc<Worded>>,
    /// Whether answers are stored: else none is looked for, and none is handed over.
    stores: bool,
    /// Whether the requests' fields are stored with the answers.
    stores_requests: bool,
    /// Answers that are not stored yet.
    pending: Arc<Pending>,
    lookup: Arc<Lookup>,
}

/// What a body asks.
pub(super) struct Asking<'a> {
    pub records: &'a [&'a [u8]],
    /// Asks for reasons for all of them; a record may ask for itself.
    pub explain: Option<usize>,
    pub namespace: Namespace,
    /// Their ids were drawn here, so that nobody else has them.
    pub is_drawn: bool,
}

/// What is known of a body's rows.
struct Known {
    claim: Claim,
    /// Of each row; `None` for what is to be priced, or answered by another body.
    fates: Vec<Option<Fate>>,
    /// Rows that another body, or another row of this one, answers.
    others: Vec<(usize, Arc<Entry>)>,
}

/// The records of a body, read.
struct Decode {
    /// The good ones.
    decoded: Decoded,
    /// What each of them asks for.
    asked: Vec<Asked>,
    /// The fields of each of them that the schema does not have.
    unknown_fields: Vec<UnknownFields>,
    /// For each record why it is none.
    refusals: Vec<Option<Box<Value>>>,
}

/// The outcome of each record, in order.
pub(super) enum RowAnswer {
    /// The answer's bytes.
    Priced(Bytes),
    Refused(Box<Value>),
}

/// Records how long the answers to a body took.
pub(super) fn answered(since: Instant) {
    metrics::histogram!(REQUEST_DURATION.name(), "transport" => "http").record(since.elapsed());
}

fn count_refused(code: &'static str) {
    metrics::counter!(HTTP_REFUSED.name(), "code" => code).increment(1);
}

impl Predictor {
    pub fn new(
        config: &Config,
        serving: Arc<Serving>,
        watch: Arc<Watch>,
        to_store: Sender<Arc<Worded>>,
        pending: Arc<Pending>,
        lookup: Arc<Lookup>,
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
            statistics: Statistics::default(),
            to_store,
            stores: applier.store,
            stores_requests: applier.store_requests,
            pending,
            lookup,
        }
    }

    /// A place to work in.
    pub(super) fn place(&self) -> Result<SemaphorePermit<'_>, Refused> {
        let most = self.max_concurrent;
        self.places
            .try_acquire()
            .map_err(|_| Refused::Busy { most })
    }

    /// Prices records in their order, and hands the answers over to be stored. A record whose id has
    /// an answer gets that one; one whose id another record has gets none.
    pub(super) async fn price(&self, asking: &Asking<'_>) -> Result<Vec<RowAnswer>, Refused> {
        let (found, most) = (asking.records.len(), self.max_records);
        if found > most {
            let why = format!("found {found} records; expected at most {most}");
            return Err(Refused::new(413, why));
        }
        let Some(loaded) = self.serving.current() else {
            return Err(Refused::no_model());
        };
        let Decode {
            decoded,
            asked,
            unknown_fields,
            refusals,
        } = self.decode(asking)?;
        let keys = decoded.batch.column_by_name(&self.schema.key);
        let keys = keys.and_then(|keys| keys.as_string_opt::<i32>());
        let keys = keys.ok_or_else(|| Refused::new(500, "the records have no key"))?;
        let ids: Vec<Cow<'_, str>> = (0..decoded.batch.num_rows())
            .map(|row| asking.namespace.request_id(keys.value(row)))
            .collect();
        let mut known = self.known(asking, &decoded, &ids).await;
        let rows = (asked, unknown_fields);
        self.answer(asking, &decoded, rows, &loaded, &ids, &mut known)
            .await?;
        let Known {
            claim,
            fates,
            others,
        } = known;
        // Does not wait for requests that wait for this one.
        drop(claim);
        let mut fates = fates;
        for (row, entry) in others {
            fates[row] = entry.fate().await;
        }
        let mut answers = Vec::with_capacity(found);
        let mut rows = fates.into_iter().enumerate();
        for refusal in refusals {
            answers.push(match refusal {
                Some(refusal) => RowAnswer::Refused(refusal),
                None => match rows.next() {
                    Some((_, Some(Fate::Given(payload)))) => RowAnswer::Priced(payload),
                    Some((row, Some(Fate::Conflict))) => {
                        let id = Key {
                            text: keys.value(row).to_owned(),
                            was_number: decoded.key_was_number[row],
                        };
                        count_refused(CONFLICT);
                        metrics::counter!(CONFLICTS.name(), "way" => "http").increment(1);
                        RowAnswer::Refused(Box::new(refusal_of(
                            Some(&id),
                            CONFLICT,
                            CONFLICT_REASON,
                        )))
                    }
                    // The body that was answering it has failed.
                    Some((_, None)) | None => return Err(Refused::Unanswered),
                },
            });
        }
        Ok(answers)
    }

    /// Prices records for a trial: stores, remembers and counts nothing.
    /// An answer or a refusal each, in their order.
    pub(super) fn consider(
        &self,
        records: &[&[u8]],
        explain: Option<usize>,
    ) -> Result<Vec<Value>, Refused> {
        let loaded = self.serving.current().ok_or_else(Refused::no_model)?;
        let Decode {
            decoded,
            asked,
            refusals,
            ..
        } = self.decode(&Asking {
            records,
            explain,
            namespace: Namespace::Http,
            is_drawn: true,
        })?;
        let wrong = |error: anyhow::Error| Refused::new(500, format!("{error:#}"));
        let priced = price(&self.schema, &decoded, &asked, &loaded)
            .map_err(|error| wrong(anyhow::Error::new(error)))?;
        let mut answers = priced.answers.iter();
        let messages = refusals.into_iter().map(|refusal| match refusal {
            Some(refusal) => Ok(*refusal),
            None => serde_json::to_value(answers.next()).map_err(|error| wrong(error.into())),
        });
        messages.collect()
    }

    /// Reads the records.
    fn decode(&self, asking: &Asking<'_>) -> Result<Decode, Refused> {
        let mut decoder = self.decoder();
        let arrival_us = timestamp::now_us();
        let mut asked = Vec::with_capacity(asking.records.len());
        let refusals: Vec<Option<Box<Value>>> = asking
            .records
            .iter()
            .map(|record| match decoder.push(record, arrival_us) {
                Ok(()) => {
                    let explain = asking.explain;
                    let options = explain.map_or_else(
                        || RequestOptions::of(&self.schema, record),
                        RequestOptions::reasons,
                    );
                    asked.push(Asked {
                        arrival_us,
                        options,
                    });
                    None
                }
                Err(reason) => {
                    let code = reason.code();
                    count_refused(code);
                    let id = key_of_reject(&self.schema, record);
                    let mut refusal = refusal_of(id.as_ref(), code, &reason.to_string());
                    // A required field is often there under another name.
                    let unknown = unknown_fields::of(&self.schema, record);
                    if !unknown.is_empty() {
                        refusal["unknown_fields"] = json!(unknown);
                    }
                    Some(Box::new(refusal))
                }
            })
            .collect();
        let decoded = decoder.finish();
        self.decoders().push(decoder);
        let explained = asked
            .iter()
            .filter(|asked| asked.options.comparables.is_some())
            .count();
        if explained > MOST_EXPLAINED {
            let why =
                format!("found {explained} records to explain; expected at most {MOST_EXPLAINED}");
            return Err(Refused::new(413, why));
        }
        // Mostly there are none, and nothing is read twice.
        let unknown_fields = match decoded.unknown_fields {
            0 => vec![UnknownFields::new(); asked.len()],
            _ => {
                let records = asking.records.iter().zip(&refusals);
                let good = records.filter(|(_, refusal)| refusal.is_none());
                good.map(|(record, _)| unknown_fields::of(&self.schema, record))
                    .collect()
            }
        };
        Ok(Decode {
            decoded,
            asked,
            unknown_fields,
            refusals,
        })
    }

    /// What is known of the rows before any is priced.
    async fn known(&self, asking: &Asking<'_>, decoded: &Decoded, ids: &[Cow<'_, str>]) -> Known {
        let digests = decoded.digests.iter().copied();
        // Nobody else has an id that was drawn here.
        let to_claim = ids.iter().map(AsRef::as_ref).zip(digests);
        let to_claim = to_claim.filter(|_| !asking.is_drawn);
        let (claim, claimed) = self.pending.claim(to_claim);
        let mut known = Known {
            claim,
            fates: vec![None; ids.len()],
            others: Vec::new(),
        };
        let mut mine = Vec::new();
        for (row, claimed) in claimed.into_iter().enumerate() {
            match claimed {
                Claimed::Mine => mine.push(row),
                Claimed::Theirs(entry) => known.others.push((row, entry)),
                Claimed::Conflict => known.fates[row] = Some(Fate::Conflict),
            }
        }
        if known.claim.is_empty() || !self.stores {
            return known;
        }
        let Some(earlier) = self.lookup.find(known.claim.ids()).await else {
            return known;
        };
        for row in mine {
            let Some(stored) = earlier.get(&*ids[row]) else {
                continue;
            };
            let fate = match stored.is_of_another(&decoded.digests[row]) {
                true => Fate::Conflict,
                false => Fate::Given(stored.payload.clone()),
            };
            known.claim.known(&ids[row], fate.clone());
            known.fates[row] = Some(fate);
        }
        known
    }

    /// Prices the rows that have no answer yet.
    async fn answer(
        &self,
        asking: &Asking<'_>,
        decoded: &Decoded,
        (mut asked, unknown_fields): (Vec<Asked>, Vec<UnknownFields>),
        loaded: &Arc<Loaded>,
        ids: &[Cow<'_, str>],
        known: &mut Known,
    ) -> Result<(), Refused> {
        let mut is_new: Vec<bool> = known.fates.iter().map(Option::is_none).collect();
        for (row, _) in &known.others {
            is_new[*row] = false;
        }
        if !is_new.contains(&true) {
            return Ok(());
        }
        for (asked, is_new) in asked.iter_mut().zip(&is_new) {
            // Computing reasons takes milliseconds, and a repeated answer needs none.
            if !is_new {
                asked.options = RequestOptions::default();
            }
        }
        let mut priced = price(&self.schema, decoded, &asked, loaded)
            .map_err(|error| Refused::new(500, format!("{:#}", anyhow::Error::new(error))))?;
        for (answer, unknown) in priced.answers.iter_mut().zip(unknown_fields) {
            answer.unknown_fields = unknown;
        }
        self.serving.remember(&decoded.batch);
        self.watch
            .answered(loaded, &decoded.batch, &priced.predictions);
        let mut to_store = Vec::new();
        let key = self.stores_requests.then_some(self.schema.key.as_str());
        let worded = priced.worded(decoded, key, asking.namespace).enumerate();
        for (row, worded) in worded.filter(|(row, _)| is_new[*row]) {
            known.claim.answered(&ids[row], &worded.payload);
            known.fates[row] = Some(Fate::Given(worded.payload.clone()));
            to_store.push(Arc::new(worded));
        }
        self.keep(&to_store).await;
        Ok(())
    }

    fn decoder(&self) -> Decoder {
        let resting = self.decoders().pop();
        resting.unwrap_or_else(|| Decoder::new(&self.schema, Purpose::Request))
    }

    fn decoders(&self) -> MutexGuard<'_, Vec<Decoder>> {
        self.decoders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn keep(&self, answers: &[Arc<Worded>]) {
        if !self.stores {
            self.pending.settled(answers);
            return;
        }
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
                self.pending.settled(&answers[kept..]);
                metrics::counter!(HTTP_NOT_STORED.name()).increment(lost as u64);
                tracing::warn!("the queue of answers to store is full: {lost} are not stored");
                return;
            }
        }
    }
}
