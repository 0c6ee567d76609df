//! The loading thread: gather, decode, store, go on.

use std::pin::pin;
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
/// Longest to wait for rejects' delivery to their topic; they are in the table in any case.
const REJECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A write that takes longer pauses the partitions.
const PATIENCE: Duration = Duration::from_secs(1);
/// Pause between two words to the group during such a write.
const TEND: Duration = Duration::from_millis(100);
/// Longest a write may go on when leaving.
const LEAVING: Duration = Duration::from_secs(3);

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
        let consumer = Anchored::subscribe(
            &config.kafka,
            &[&config.kafka.topics.new_data],
            config.loader.fetch_wait_ms,
            anchor.clone(),
            health.clone(),
            shutdown.clone(),
        )?;
        control.watch(consumer.lag());
        Ok(Loader {
            store: Store::new(&config.schema, &config.kafka.topics.new_data, anchor)?,
            consumer,
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
        match self.write_patiently(runtime, &batch) {
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
            // A commit under way may still come through: the stored offsets tell.
            None => self.consumer.reposition(),
        }
        self.consumer.resume();
    }

    /// Rows that the database refused, or why the batch must be given up; `None` when it is given
    /// up as the partitions changed, or to leave. While it takes long, nothing more is read, and
    /// this stays a member of the group.
    fn write_patiently(
        &mut self,
        runtime: &Handle,
        batch: &Batch,
    ) -> Option<Result<Vec<Reject>, AdvanceError>> {
        let (store, control, consumer) = (&self.store, &self.control, &mut self.consumer);
        let mut writing = pin!(
            (|| store.write(batch))
                .retry(forever())
                .when(|error| !matches!(error, AdvanceError::Fenced { .. }))
                .notify(|error, wait| {
                    let said = match error {
                        AdvanceError::Database(source) => format!("{error}: {source}"),
                        AdvanceError::Fenced { .. } => error.to_string(),
                    };
                    tracing::warn!(retry_in_ms = wait.as_millis() as u64, "{said}");
                    control.failed(said);
                })
                .into_future()
        );
        let mut left_behind = pin!(async {
            self.shutdown.cancelled().await;
            tokio::time::sleep(LEAVING).await;
        });
        let mut wait = PATIENCE;
        loop {
            let done = runtime.block_on(async {
                tokio::select! {
                    written = &mut writing => Some(Some(written)),
                    // What is not committed is read again at the next start.
                    () = &mut left_behind => Some(None),
                    () = tokio::time::sleep(wait) => None,
                }
            });
            if let Some(done) = done {
                return done;
            }
            wait = TEND;
            consumer.pause();
            if !consumer.tend() {
                tracing::warn!("partitions changed during a long write; the batch is given up");
                return None;
            }
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
        let mut on_their_way = Vec::with_capacity(rejects.len());
        for reject in rejects {
            let payload = reject.to_json();
            let key = format!("{}/{}/{}", reject.topic, reject.partition, reject.offset);
            let record = FutureRecord::to(&self.rejects_topic)
                .key(&key)
                .payload(&payload);
            match self.producer.send_result(record) {
                Ok(delivery) => on_their_way.push(delivery),
                Err((error, _)) => {
                    tracing::warn!("rejects are in the table, but not on their topic: {error}");
                    break;
                }
            }
        }
        let delivered = async {
            for delivery in on_their_way {
                match delivery.await {
                    Ok(Ok(_)) => {}
                    Ok(Err((error, _))) => return Err(error.to_string()),
                    Err(cancelled) => return Err(cancelled.to_string()),
                }
            }
            Ok(())
        };
        match tokio::time::timeout(REJECT_TIMEOUT, delivered).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!("rejects are in the table, but not all on their topic: {error}");
            }
            Err(_) => {
                tracing::warn!("rejects are in the table, but Kafka did not confirm them in time")
            }
        }
    }
}
