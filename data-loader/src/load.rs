//! The loading thread: gather, decode, store, go on.

use std::sync::Arc;
use std::time::Duration;

use backon::Retryable;
use common::database::forever;
use common::kafka::{Anchor, Anchored, Gathered, Limits};
use common::offsets::AdvanceError;
use common::rejects::Reject;
use common::{Health, Metric, Shutdown};
use rdkafka::Message;
use rdkafka::producer::FutureRecord;
use records::decode::Decoder;
use tokio::runtime::Handle;

use crate::control::Control;
use crate::origins::Origins;
use crate::store::{Batch, Store};
use crate::{Config, PURPOSE};

/// Pause between two looks while stopped by `POST /stop`.
const STOPPED: Duration = Duration::from_millis(100);
/// Longest to wait for a reject's delivery to its topic; it is in the table in any case.
const REJECT_TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) struct Loader {
    consumer: Anchored,
    producer: rdkafka::producer::FutureProducer,
    rejects_topic: String,
    decoder: Decoder,
    limits: Limits,
    store: Store,
    control: Arc<Control>,
    health: Health,
    /// Whether this is a member of the group: not while stopped.
    joined: bool,
    shutdown: Shutdown,
}

impl Loader {
    pub fn new(
        config: &Config,
        anchor: Anchor,
        health: Health,
        control: Arc<Control>,
        shutdown: Shutdown,
    ) -> anyhow::Result<Loader> {
        Ok(Loader {
            store: Store::new(
                &config.schema,
                &config.kafka.topics.new_data,
                anchor.clone(),
            )?,
            consumer: Anchored::subscribe(
                &config.kafka,
                &[&config.kafka.topics.new_data],
                config.loader.fetch_wait_ms,
                anchor,
                health.clone(),
                shutdown.clone(),
            )?,
            producer: config.kafka.producer()?,
            rejects_topic: config.kafka.topics.rejects.clone(),
            decoder: Decoder::new(&config.schema, PURPOSE),
            limits: Limits {
                rows: config.loader.batch_rows,
                bytes: config.loader.batch_bytes,
                linger: Duration::from_millis(config.loader.batch_ms),
            },
            control,
            health,
            joined: true,
            shutdown,
        })
    }

    pub fn run(mut self, runtime: &Handle) -> anyhow::Result<()> {
        while !self.shutdown.is_cancelled() {
            if !self.keep_joined()? {
                std::thread::sleep(STOPPED);
                continue;
            }
            let (mut origins, mut rejects) = (Origins::default(), Vec::new());
            let decoder = &mut self.decoder;
            let gathered = self
                .consumer
                .gather(&self.limits, &self.shutdown, |message| {
                    let payload = message.payload().unwrap_or_default();
                    let arrival_us = message
                        .timestamp()
                        .to_millis()
                        .map_or_else(records::timestamp::now_us, |ms| ms * 1000);
                    let (partition, offset) = (message.partition(), message.offset());
                    match decoder.push(payload, arrival_us) {
                        Ok(()) => origins.push(partition, offset, payload),
                        Err(reason) => rejects.push(Reject {
                            topic: message.topic().to_owned(),
                            partition,
                            offset,
                            code: reason.code(),
                            reason: reason.to_string(),
                            payload: payload.to_vec(),
                        }),
                    }
                });
            let decoded = self.decoder.finish();
            let Gathered::Batch(stretches) = gathered else {
                continue;
            };
            let batch = Batch {
                rows: decoded.batch,
                origins,
                rejects,
                stretches,
            };
            self.write(runtime, batch, decoded.unknown_fields);
        }
        Ok(())
    }

    /// Follows `POST /stop` and `/start`; false while stopped. Other members take over meanwhile.
    fn keep_joined(&mut self) -> anyhow::Result<bool> {
        let wanted = self.control.is_running();
        if wanted && !self.joined {
            self.consumer.join()?;
            self.health.ready("loading");
        }
        if !wanted && self.joined {
            self.consumer.leave();
            self.health
                .waiting("loading", "stopped; POST /start goes on");
        }
        self.joined = wanted;
        Ok(wanted)
    }

    /// Writes the batch, however long the database is away; a fenced one is given up.
    fn write(&mut self, runtime: &Handle, mut batch: Batch, unknown_fields: u64) {
        let (store, control) = (&self.store, &self.control);
        let writing = (|| store.write(&batch))
            .retry(forever())
            .when(|error| !matches!(error, AdvanceError::Fenced { .. }))
            .notify(|error, wait| {
                let said = match error {
                    AdvanceError::Database(source) => format!("{error}: {source}"),
                    AdvanceError::Fenced { .. } => error.to_string(),
                };
                tracing::warn!(retry_in_ms = wait.as_millis() as u64, "{said}");
                control.failed(said);
            });
        let written = runtime.block_on(async {
            tokio::select! {
                written = writing => Some(written),
                // What is not committed is read again at the next start.
                () = async {
                    self.shutdown.cancelled().await;
                    tokio::time::sleep(Duration::from_secs(3)).await;
                } => None,
            }
        });
        match written {
            Some(Ok(refused)) => {
                let stored = batch.rows.num_rows() - refused.len();
                batch.rejects.extend(refused);
                self.committed(&batch, stored, unknown_fields);
                runtime.block_on(self.publish(&batch.rejects));
            }
            Some(Err(error)) => {
                tracing::warn!("{error}; the batch is given up and read again");
                self.control.failed(error.to_string());
                self.consumer.reposition();
            }
            None => {}
        }
    }

    fn committed(&mut self, batch: &Batch, stored: usize, unknown_fields: u64) {
        self.consumer.committed(&batch.stretches);
        let rejected = batch.rejects.len();
        self.control
            .committed(stored, rejected, unknown_fields, self.consumer.positions());
        metrics::counter!(Metric::LoaderStored.name()).increment(stored as u64);
        for reject in &batch.rejects {
            metrics::counter!(Metric::LoaderRejected.name(), "code" => reject.code).increment(1);
        }
        tracing::debug!(stored, rejected, "batch committed");
    }

    /// Tells the topic `rejects`: the table already has them, so a failure is only warned about.
    async fn publish(&self, rejects: &[Reject]) {
        for reject in rejects {
            let payload = reject.to_json();
            let key = format!("{}/{}/{}", reject.topic, reject.partition, reject.offset);
            let record = FutureRecord::to(&self.rejects_topic)
                .key(&key)
                .payload(&payload);
            if let Err((error, _)) = self.producer.send(record, REJECT_TIMEOUT).await {
                tracing::warn!("a reject is in the table, but not on its topic: {error}");
                return;
            }
        }
    }
}
