//! Stores answers, publishes what is stored, advances offsets: in this order, each step however long
//! its server is away.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use backon::BackoffBuilder;
use common::database::{self, forever};
use common::kafka::{Anchor, Topics};
use common::offsets::{self, AdvanceError};
use common::rejects::{self, Reject};
use rdkafka::producer::{FutureProducer, FutureRecord};
use sqlx::{Connection, PgPool};

use super::batch::{Batch, EXPIRED};
use crate::config::Config;
use crate::control::Control;
use crate::store;

/// Longest wait for a message's delivery; the batch is then published again.
const DELIVERY: Duration = Duration::from_secs(10);

/// A message to publish.
struct Message<'a> {
    topic: &'a str,
    key: String,
    payload: Vec<u8>,
}

pub(super) struct Finisher {
    anchor: Anchor,
    /// Its commits are not waited for: what a crash of the server loses of the offsets is read and
    /// published again, the same.
    offsets: PgPool,
    producer: FutureProducer,
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

    /// Finishes a batch.
    ///
    /// # Errors
    /// When another member has the partition: its answers are stored, and published by both, the
    /// same.
    pub async fn finish(&self, batch: &Batch) -> Result<(), AdvanceError> {
        let messages = self.until_done(async || self.store(batch).await).await;
        self.until_done(async || self.publish(&messages).await)
            .await;
        self.until_done(async || self.advance(batch).await).await
    }

    /// Tries again until it is done.
    async fn until_done<T>(&self, attempt: impl AsyncFn() -> anyhow::Result<T>) -> T {
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
    async fn store(&self, batch: &Batch) -> anyhow::Result<Vec<Message<'_>>> {
        let mut connection = self.anchor.pool.acquire().await?;
        let stored = async {
            if batch.refused.is_empty() {
                let earlier = store::store(&mut connection, &batch.answers).await?;
                return Ok((earlier, HashMap::new()));
            }
            let mut transaction = connection.begin().await?;
            let earlier = store::store(&mut transaction, &batch.answers).await?;
            let expired: Vec<&str> = batch
                .refused
                .iter()
                .filter(|refused| refused.reject.code == EXPIRED)
                .filter_map(|refused| Some(refused.id.as_ref()?.text.as_str()))
                .collect();
            // They may have been answered in time, before a crash.
            let in_time = store::stored(&mut transaction, &expired).await?;
            let rejects: Vec<Reject> = batch
                .refused
                .iter()
                .filter(|refused| {
                    let id = refused.id.as_ref();
                    !id.is_some_and(|id| in_time.contains_key(&id.text))
                })
                .map(|refused| refused.reject.clone())
                .collect();
            rejects::store(&mut transaction, &self.anchor.cluster, &rejects).await?;
            transaction.commit().await?;
            Ok::<_, sqlx::Error>((earlier, in_time))
        }
        .await;
        let (earlier, in_time) = match stored {
            Ok(stored) => stored,
            Err(error) => {
                // The fault may be the session's: one that began read-only stays so.
                connection.close_on_drop();
                return Err(error).context("answers are not stored yet");
            }
        };
        let Topics {
            answers, rejects, ..
        } = &self.topics;
        let mut messages = Vec::with_capacity(batch.answers.len() + batch.refused.len());
        for answer in &batch.answers {
            let stored = earlier.get(&answer.id.text).cloned();
            messages.push(Message {
                topic: answers,
                key: answer.id.text.clone(),
                payload: stored.unwrap_or_else(|| answer.to_json()),
            });
        }
        for refused in &batch.refused {
            let stored = refused
                .id
                .as_ref()
                .and_then(|id| in_time.get(&id.text))
                .cloned();
            let is_rejected = stored.is_none();
            messages.push(Message {
                topic: answers,
                key: refused.key(),
                payload: stored.unwrap_or_else(|| refused.to_json()),
            });
            if is_rejected {
                messages.push(Message {
                    topic: rejects,
                    key: refused.reject.place(),
                    payload: refused.reject.to_json(),
                });
            }
        }
        Ok(messages)
    }

    async fn publish(&self, messages: &[Message<'_>]) -> anyhow::Result<()> {
        let mut deliveries = Vec::with_capacity(messages.len());
        for Message {
            topic,
            key,
            payload,
        } in messages
        {
            let record = FutureRecord::to(topic).key(key).payload(payload);
            let delivery = self
                .producer
                .send_result(record)
                .map_err(|(error, _)| error)
                .with_context(|| format!("topic {topic} does not take messages"))?;
            deliveries.push(delivery);
        }
        for delivery in deliveries {
            tokio::time::timeout(DELIVERY, delivery)
                .await
                .context("Kafka did not confirm an answer in time")?
                .context("the producer was closed")?
                .map_err(|(error, _)| error)
                .context("an answer was not delivered")?;
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
