//! The answering thread: gather, price, store, publish, advance.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use backon::Retryable;
use common::database::forever;
use common::kafka::{Anchor, Anchored, Gathered, Limits, Topics};
use common::offsets::{self, AdvanceError, Stretches};
use common::rejects::{self, Reject};
use common::{Health, Shutdown};
use rdkafka::Message;
use rdkafka::producer::{FutureProducer, FutureRecord};
use records::decode::{Decoder, Key, key_of_reject};
use records::{Purpose, Schema, timestamp};
use tokio::runtime::Handle;

use crate::config::Config;
use crate::control::Control;
use crate::price::{Answer, price, refusal};
use crate::serving::Serving;
use crate::store;

/// Pause between two looks for a first model.
const NO_MODEL: Duration = Duration::from_millis(50);
/// Longest wait for a message's delivery; the batch is then published again.
const DELIVERY: Duration = Duration::from_secs(10);
/// How long a batch may still be worked on after shutdown.
const GRACE: Duration = Duration::from_secs(3);

pub(crate) struct Applier {
    consumer: Anchored,
    producer: FutureProducer,
    topics: Topics,
    schema: Arc<Schema>,
    decoder: Decoder,
    limits: Limits,
    anchor: Anchor,
    serving: Arc<Serving>,
    control: Arc<Control>,
    shutdown: Shutdown,
}

/// A batch on its way.
struct Work {
    answers: Vec<Answer>,
    /// Rejected requests, with the key to answer under and the id where it could be read.
    rejects: Vec<(Reject, String, Option<Key>)>,
    stretches: Stretches,
    arrivals_us: Vec<i64>,
}

impl Applier {
    pub fn new(
        config: &Config,
        anchor: Anchor,
        health: Health,
        serving: Arc<Serving>,
        control: Arc<Control>,
        shutdown: Shutdown,
    ) -> anyhow::Result<Applier> {
        Ok(Applier {
            consumer: Anchored::subscribe(
                &config.kafka,
                &[&config.kafka.topics.requests],
                config.applier.fetch_wait_ms,
                anchor.clone(),
                health,
                shutdown.clone(),
            )?,
            producer: config.kafka.producer()?,
            topics: config.kafka.topics.clone(),
            decoder: Decoder::new(&config.schema, Purpose::Request),
            schema: Arc::clone(&config.schema),
            limits: Limits {
                rows: config.applier.batch_rows,
                bytes: config.applier.max_body_bytes,
                linger: Duration::ZERO,
            },
            anchor,
            serving,
            control,
            shutdown,
        })
    }

    pub fn run(mut self, runtime: &Handle) -> anyhow::Result<()> {
        while !self.shutdown.is_cancelled() {
            let Some(loaded) = self.serving.current() else {
                std::thread::sleep(NO_MODEL);
                continue;
            };
            let mut rejected = Vec::new();
            let mut arrivals_us = Vec::new();
            let (decoder, schema) = (&mut self.decoder, &self.schema);
            let gathered = self.consumer.gather(
                &self.limits,
                &self.shutdown,
                || true,
                |message| {
                    let payload = message.payload().unwrap_or_default();
                    let arrival_us = message
                        .timestamp()
                        .to_millis()
                        .map_or_else(timestamp::now_us, |ms| ms * 1000);
                    match decoder.push(payload, arrival_us) {
                        Ok(()) => arrivals_us.push(arrival_us),
                        Err(reason) => {
                            let id = key_of_reject(schema, payload);
                            let reject = Reject {
                                topic: message.topic().to_owned(),
                                partition: message.partition(),
                                offset: message.offset(),
                                code: reason.code(),
                                reason: reason.to_string(),
                                payload: payload.to_vec(),
                            };
                            let key = id.as_ref().map_or_else(
                                || {
                                    String::from_utf8_lossy(message.key().unwrap_or_default())
                                        .into_owned()
                                },
                                |id| id.text.clone(),
                            );
                            rejected.push((reject, key, id));
                        }
                    }
                },
            );
            let decoded = self.decoder.finish();
            let Gathered::Batch(stretches) = gathered else {
                continue;
            };
            let answers = price(&self.schema, &decoded, &loaded)
                .context("the model does not fit the schema the applier was started with")?;
            let work = Work {
                answers,
                rejects: rejected,
                stretches,
                arrivals_us,
            };
            self.finish(runtime, &work);
        }
        Ok(())
    }

    /// Stores, publishes and advances, however long a server is away; a fenced batch is given up.
    fn finish(&mut self, runtime: &Handle, work: &Work) {
        let this = &*self;
        let finishing = (|| this.attempt(work))
            .retry(forever())
            .when(|error| !is_fenced(error))
            .notify(|error, wait| {
                tracing::warn!(retry_in_ms = wait.as_millis() as u64, "{error:#}");
                this.control.failed(format!("{error:#}"));
            });
        let finished = runtime.block_on(async {
            tokio::select! {
                finished = finishing => Some(finished),
                // What is stored is published again at the next start.
                () = async {
                    this.shutdown.cancelled().await;
                    tokio::time::sleep(GRACE).await;
                } => None,
            }
        });
        match finished {
            Some(Ok(())) => {
                self.consumer.committed(&work.stretches);
                let now_us = timestamp::now_us();
                let latencies_us: Vec<u64> = work
                    .arrivals_us
                    .iter()
                    .map(|arrival_us| u64::try_from(now_us - arrival_us).unwrap_or_default())
                    .collect();
                self.control
                    .committed(work.answers.len(), work.rejects.len(), &latencies_us);
            }
            Some(Err(error)) => {
                tracing::warn!("{error:#}; the batch is given up and read again");
                self.control.failed(format!("{error:#}"));
                self.consumer.reposition();
            }
            None => {}
        }
    }

    async fn attempt(&self, work: &Work) -> anyhow::Result<()> {
        let mut transaction = self.anchor.pool.begin().await?;
        let stored = store::store(&mut transaction, &work.answers).await?;
        let rejects: Vec<Reject> = work
            .rejects
            .iter()
            .map(|(reject, ..)| reject.clone())
            .collect();
        rejects::store(&mut transaction, &self.anchor.cluster, &rejects).await?;
        transaction.commit().await?;

        let mut messages: Vec<(&str, String, Vec<u8>)> = Vec::new();
        for answer in &work.answers {
            let id = &answer.id.text;
            let payload = stored.get(id).cloned().unwrap_or_else(|| answer.to_json());
            messages.push((&self.topics.answers, id.clone(), payload));
        }
        for (reject, key, id) in &work.rejects {
            let answer = refusal(id.as_ref(), reject.code, &reject.reason);
            let place = format!("{}/{}/{}", reject.topic, reject.partition, reject.offset);
            messages.push((
                &self.topics.answers,
                key.clone(),
                answer.to_string().into_bytes(),
            ));
            messages.push((&self.topics.rejects, place, reject.to_json()));
        }
        self.publish(&messages).await?;

        let mut transaction = self.anchor.pool.begin().await?;
        offsets::advance(
            &mut transaction,
            &self.anchor.cluster,
            &self.anchor.consumer,
            &work.stretches,
        )
        .await?;
        Ok(transaction.commit().await?)
    }

    async fn publish(&self, messages: &[(&str, String, Vec<u8>)]) -> anyhow::Result<()> {
        let mut deliveries = Vec::with_capacity(messages.len());
        for (topic, key, payload) in messages {
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
}

fn is_fenced(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<AdvanceError>(),
        Some(AdvanceError::Fenced { .. })
    )
}
