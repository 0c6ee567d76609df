//! Publishes what is stored, advances offsets: in this order. A step whose server is away
//! is tried again; an answer that its server will never take becomes a reject; what a person has to mend
//! ends the service.

use std::sync::Arc;
use std::time::Instant;

use common::database::{self, Patience, Spare};
use common::kafka::Anchor;
use common::liveness::Retrying;
use common::{Fault, Health};
use ledger::offsets::{self, AdvanceError};
use ledger::rejects::{self, Reject};
use sqlx::Connection;

use super::batch::{Batch, EXPIRED, Refused};
use super::failure::Failure;
use super::publish::{Message, Publisher};
use super::stage::Stage;
use super::stored::Stored;
use crate::answer::{CONFLICT, CONFLICT_REASON, Worded, shortened};
use crate::config::Config;
use crate::control::Control;
use crate::metrics::CONFLICTS;
use crate::store::{self, Earlier, Outcome};

/// Code of a request whose answer the database will never take.
const REFUSED: &str = "refused";
/// Longest piece of the database's words in a reason, in characters.
const DETAIL_CHARS: usize = 300;

pub(super) struct Finisher {
    anchor: Anchor,
    /// Stores answers and rejects.
    database: Spare,
    /// Its commits are not waited for: what a crash of the server loses of the offsets is read and
    /// published again, the same.
    offsets: Spare,
    publisher: Publisher,
    control: Arc<Control>,
    /// Bounds a try at storing answers, or rejects.
    patience: Patience,
    /// Bounds a try at advancing offsets, which takes less than storing.
    offsets_patience: Patience,
    storing: Retrying,
    advancing: Retrying,
    publishing: Retrying,
}

impl Finisher {
    pub fn new(
        config: &Config,
        anchor: Anchor,
        health: &Health,
        control: Arc<Control>,
    ) -> anyhow::Result<Finisher> {
        Ok(Finisher {
            offsets: Spare::of_own(database::relaxed(&anchor.pool)),
            database: Spare::of_shared(anchor.pool.clone()),
            anchor,
            publisher: Publisher::new(config)?,
            control,
            patience: config.database.patience(),
            offsets_patience: Patience::new(config.database.deadline()),
            storing: Retrying::new(health, "storing", &config.liveness),
            advancing: Retrying::new(health, "offsets", &config.liveness),
            publishing: Retrying::new(health, "publishing", &config.liveness),
        })
    }

    /// Finishes a batch whose answers are being `stored`, and gives how many of its answers became rejects. All of it is handed to the
    /// producer at once: in parts, each while the next is stored, it makes more and smaller requests,
    /// which cost more than the overlap gains.
    ///
    /// # Errors
    /// When another member has the partition: its answers are stored, and published by both, the
    /// same. When the set-up must be mended.
    pub async fn finish(&self, batch: &Batch, stored: Stored) -> Result<usize, AdvanceError> {
        let stored = stored.wait().await?;
        let mut messages = self.refuse_all(&batch.refused).await?;
        let late = late(batch, &stored);
        let is_late = |index: usize| late.binary_search_by_key(&index, |late| late.0).is_ok();
        for (index, worded) in batch.answers.iter().enumerate() {
            if !is_late(index) {
                let earlier = stored.earlier.get(&worded.answer.id.text);
                let payload = earlier.map_or(&worded.payload, |earlier| &earlier.payload);
                let headers = batch.headers[index].as_ref();
                messages.push(self.publisher.answer(worded, payload.clone(), headers));
            }
        }
        let late: Vec<Refused> = late.into_iter().map(|(_, refused)| refused).collect();
        messages.extend(self.refuse_all(&late).await?);
        let began = Instant::now();
        let delivering = async || self.publisher.deliver(&mut messages).await;
        self.until_done(&self.publishing, delivering).await?;
        Stage::Publish.took(began);
        let began = Instant::now();
        let advancing = async || self.advance(batch).await;
        self.until_done(&self.advancing, advancing).await??;
        Stage::Offsets.took(began);
        Ok(late.len())
    }

    /// Stores answers, however long that takes, and gives what is stored under ids that were known.
    ///
    /// # Errors
    /// When the set-up must be mended.
    pub async fn store_all(&self, answers: &[Worded]) -> Result<Outcome, AdvanceError> {
        match answers.is_empty() {
            true => Ok(Outcome::default()),
            false => {
                let began = Instant::now();
                let storing = async || self.store(answers).await;
                let stored = self.until_done(&self.storing, storing).await?;
                Stage::Store.took(began);
                Ok(stored)
            }
        }
    }

    /// Tries again what passes.
    async fn until_done<T>(
        &self,
        retrying: &Retrying,
        attempt: impl AsyncFnMut() -> Result<T, Failure>,
    ) -> Result<T, AdvanceError> {
        let done = retrying
            .until_done(
                attempt,
                |failure| failure.fault,
                |failure, wait| {
                    let wait_ms = wait.as_millis() as u64;
                    tracing::warn!(retry_in_ms = wait_ms, "{}", failure.why);
                    self.control.retried(failure.why.clone());
                },
            )
            .await;
        done.map_err(|failure| {
            self.control.failed(failure.why.clone());
            AdvanceError::Setup(failure.why)
        })
    }

    /// Stores what is new.
    async fn store(&self, answers: &[Worded]) -> Result<Outcome, Failure> {
        let storing = self.database.patiently(&self.patience, async |connection| {
            store::store_good(connection, answers).await
        });
        let stored = storing.await;
        stored.map_err(|error| failure(&error, "cannot store answers yet; retrying", "answers"))
    }

    async fn refuse_all<'a>(
        &'a self,
        refused: &'a [Refused],
    ) -> Result<Vec<Message<'a>>, AdvanceError> {
        if refused.is_empty() {
            return Ok(Vec::new());
        }
        let refusing = async || self.refuse(refused).await;
        let in_time = self.until_done(&self.storing, refusing).await?;
        let mut messages = Vec::with_capacity(2 * refused.len());
        for refused in refused {
            match refused.answered(&in_time) {
                Some(answered) => messages.push(self.publisher.again(refused, answered.clone())),
                None => {
                    messages.push(self.publisher.error(refused));
                    messages.push(self.publisher.reject(refused));
                }
            }
        }
        Ok(messages)
    }

    /// Stores refusals, but for requests that had expired and were answered in time, before a crash;
    /// gives what these were answered with.
    async fn refuse(&self, refused: &[Refused]) -> Result<Earlier, Failure> {
        let storing = self.database.patiently(&self.patience, async |connection| {
            let mut transaction = connection.begin().await?;
            let expired: Vec<&str> = refused
                .iter()
                .filter(|refused| refused.reject.code == EXPIRED)
                .filter_map(|refused| Some(refused.id.as_ref()?.text.as_str()))
                .collect();
            let in_time = store::stored(&mut transaction, &expired).await?;
            let rejects: Vec<Reject> = refused
                .iter()
                .filter(|refused| refused.answered(&in_time).is_none())
                .map(|refused| refused.reject.clone())
                .collect();
            rejects::store(&mut transaction, &self.anchor.cluster, &rejects).await?;
            transaction.commit().await?;
            Ok::<_, sqlx::Error>(in_time)
        });
        let stored = storing.await;
        stored.map_err(|error| failure(&error, "cannot store rejects yet; retrying", "rejects"))
    }

    /// Fails where the database does; gives what it was fenced by.
    async fn advance(&self, batch: &Batch) -> Result<Result<(), AdvanceError>, Failure> {
        let Anchor {
            cluster, consumer, ..
        } = &self.anchor;
        let advancing = self
            .offsets
            .patiently(&self.offsets_patience, async |connection| {
                offsets::advance(connection, cluster, consumer, &batch.stretches).await
            });
        match advancing.await {
            Err(AdvanceError::Database(error)) => {
                let failure = failure(&error, "cannot advance offsets yet; retrying", "offsets");
                Err(failure)
            }
            advanced => Ok(advanced),
        }
    }
}

/// The answers that become rejects, by their place in the batch: those that the database will never take,
/// and those to another record under a known id.
fn late(batch: &Batch, stored: &Outcome) -> Vec<(usize, Refused)> {
    let mut late: Vec<(usize, Refused)> = Vec::new();
    let mut refuse = |index: usize, code, reason| {
        if let Some(reject) = batch.sources.reject(index, code, reason) {
            let id = Some(batch.answers[index].answer.id.clone());
            let headers = batch.headers[index].clone();
            late.push((
                index,
                Refused {
                    reject,
                    id,
                    headers,
                },
            ));
        }
    };
    for (index, why) in &stored.refused {
        let why = shortened(why, DETAIL_CHARS);
        let reason = format!("the database refuses its answer: {why}");
        tracing::warn!(code = REFUSED, "rejected a request: {reason}");
        refuse(*index, REFUSED, reason);
    }
    // Almost always there is nothing to compare.
    if !stored.earlier.is_empty() {
        for (index, worded) in batch.answers.iter().enumerate() {
            let earlier = stored.earlier.get(&worded.answer.id.text);
            if earlier.is_some_and(|earlier| earlier.is_of_another(&worded.digest)) {
                metrics::counter!(CONFLICTS.name(), "way" => "kafka").increment(1);
                refuse(index, CONFLICT, CONFLICT_REASON.to_owned());
            }
        }
    }
    late.sort_by_key(|(index, _)| *index);
    late
}

fn failure(error: &sqlx::Error, what: &str, table: &str) -> Failure {
    let fault = Fault::of_database(error);
    let why = match fault {
        Fault::Passing => format!("{what}: {error}"),
        // Which row is at fault is found before: what is left is a rule of the table.
        Fault::Row | Fault::Setup => format!(
            "{what}: {error}; repair the table {table}, or its permissions: model-application \
             --check shows what is missing"
        ),
    };
    Failure { fault, why }
}
