//! Stores answers, publishes what is stored, advances offsets: in this order, each step however long
//! its server is away.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use backon::BackoffBuilder;
use bytes::Bytes;
use common::database::{self, forever};
use common::kafka::{Anchor, Producer, Topics};
use ledger::offsets::{self, AdvanceError};
use ledger::rejects::{self, Reject};
use rdkafka::producer::{DeliveryFuture, FutureRecord};
use sqlx::pool::PoolConnection;
use sqlx::{Connection, PgPool, Postgres};

use super::batch::{Batch, EXPIRED, Refused};
use crate::answer::Worded;
use crate::config::Config;
use crate::control::Control;
use crate::store;

/// Longest wait for a message's delivery; the batch is then published again.
const DELIVERY: Duration = Duration::from_secs(10);

/// A message to publish.
struct Message<'a> {
    topic: &'a str,
    key: Cow<'a, str>,
    payload: Bytes,
    /// Once the producer has it.
    delivery: Option<DeliveryFuture>,
}

impl<'a> Message<'a> {
    fn new(topic: &'a str, key: Cow<'a, str>, payload: Bytes) -> Message<'a> {
        Message {
            topic,
            key,
            payload,
            delivery: None,
        }
    }
}

pub(super) struct Finisher {
    anchor: Anchor,
    /// Its commits are not waited for: what a crash of the server loses of the offsets is read and
    /// published again, the same.
    offsets: PgPool,
    producer: Producer,
    topics: Topics,
    control: Arc<Control>,
}

impl Finisher {
    pub fn new(config: &Config, anchor: Anchor, control: Arc<Control>) -> anyhow::Result<Finisher> {
        Ok(Finisher {
            offsets: database::relaxed(&anchor.pool),
            anchor,
            producer: config.kafka.prompt_producer()?,
            topics: config.kafka.topics.clone(),
            control,
        })
    }

    /// Finishes a batch. All of it is handed to the producer at once: in parts, each while the next
    /// is stored, it makes more and smaller requests, which cost more than the overlap gains.
    ///
    /// # Errors
    /// When another member has the partition: its answers are stored, and published by both, the
    /// same.
    pub async fn finish(&self, batch: &Batch) -> Result<(), AdvanceError> {
        let mut messages = match batch.refused.is_empty() {
            true => Vec::new(),
            false => {
                self.until_done(async || self.refuse(&batch.refused).await)
                    .await
            }
        };
        if !batch.answers.is_empty() {
            let storing = async || self.store(&batch.answers).await;
            messages.extend(self.until_done(storing).await);
        }
        self.until_done(async || self.deliver(&mut messages).await)
            .await;
        self.until_done(async || self.advance(batch).await).await
    }

    /// Tries again until it is done.
    async fn until_done<T>(&self, mut attempt: impl AsyncFnMut() -> anyhow::Result<T>) -> T {
        let mut waits = forever().build();
        loop {
            let error = match attempt().await {
                Ok(done) => return done,
                Err(error) => format!("{error:#}"),
            };
            let wait = waits.next().unwrap_or(DELIVERY);
            tracing::warn!(retry_in_ms = wait.as_millis() as u64, "{error}");
            self.control.retried(error);
            tokio::time::sleep(wait).await;
        }
    }

    /// Stores what is new, and gives what is to be published: what was stored first.
    async fn store<'a>(&'a self, answers: &'a [Worded]) -> anyhow::Result<Vec<Message<'a>>> {
        let mut connection = self.anchor.pool.acquire().await?;
        let earlier = match store::store(&mut connection, answers).await {
            Ok(earlier) => earlier,
            Err(error) => return Err(not_stored(connection, error)),
        };
        let messages = answers.iter().map(|Worded { answer, payload }| {
            let stored = earlier.get(&answer.id.text);
            let key = Cow::from(&answer.id.text);
            Message::new(&self.topics.answers, key, stored.unwrap_or(payload).clone())
        });
        Ok(messages.collect())
    }

    /// Stores refusals, but for requests that had expired and were answered in time, before a crash;
    /// gives what is to be published.
    async fn refuse<'a>(&'a self, refused: &'a [Refused]) -> anyhow::Result<Vec<Message<'a>>> {
        let mut connection = self.anchor.pool.acquire().await?;
        let storing = async {
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
        };
        let in_time = match storing.await {
            Ok(in_time) => in_time,
            Err(error) => return Err(not_stored(connection, error)),
        };
        let Topics {
            answers, rejects, ..
        } = &self.topics;
        let mut messages = Vec::with_capacity(2 * refused.len());
        for refused in refused {
            let key = Cow::from(refused.key());
            if let Some(answered) = refused.answered(&in_time) {
                messages.push(Message::new(answers, key, answered.clone()));
                continue;
            }
            messages.push(Message::new(answers, key, refused.to_json().into()));
            let (place, payload) = (refused.reject.place(), refused.reject.to_json());
            messages.push(Message::new(rejects, place.into(), payload.into()));
        }
        Ok(messages)
    }

    /// Hands messages to the producer that it does not have yet; what it does not take waits for
    /// [`Finisher::deliver`].
    fn send(&self, messages: &mut [Message<'_>]) {
        for message in messages {
            let Message {
                topic,
                key,
                payload,
                delivery,
            } = message;
            if delivery.is_none() {
                let record = FutureRecord::to(topic)
                    .key(key.as_ref())
                    .payload(&payload[..]);
                *delivery = self.producer.send_result(record).ok();
            }
        }
    }

    /// Waits until messages are delivered, and forgets them.
    async fn deliver(&self, messages: &mut Vec<Message<'_>>) -> anyhow::Result<()> {
        self.send(messages);
        while let Some(Message {
            topic, delivery, ..
        }) = messages.last_mut()
        {
            let delivery = delivery
                .take()
                .with_context(|| format!("topic {topic} does not take messages"))?;
            tokio::time::timeout(DELIVERY, delivery)
                .await
                .context("Kafka did not confirm an answer in time")?
                .context("the producer was closed")?
                .map_err(|(error, _)| error)
                .context("an answer was not delivered")?;
            messages.pop();
        }
        Ok(())
    }

    /// Fails where the database does; gives what it was fenced by.
    async fn advance(&self, batch: &Batch) -> anyhow::Result<Result<(), AdvanceError>> {
        const NOT_YET: &str = "offsets are not advanced yet";
        let mut connection = self.offsets.acquire().await.context(NOT_YET)?;
        let Anchor {
            cluster, consumer, ..
        } = &self.anchor;
        let advanced = offsets::advance(&mut connection, cluster, consumer, &batch.stretches).await;
        if let Err(AdvanceError::Database(error)) = advanced {
            connection.close_on_drop();
            return Err(error).context(NOT_YET);
        }
        Ok(advanced)
    }
}

/// The fault may be the session's: one that began read-only stays so.
fn not_stored(mut connection: PoolConnection<Postgres>, error: sqlx::Error) -> anyhow::Error {
    connection.close_on_drop();
    anyhow::Error::new(error).context("answers are not stored yet")
}
