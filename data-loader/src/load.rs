//! The loading thread: gather and decode one batch while the one before is written.

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::kafka::{Anchor, Anchored, Gathered, Limits, Outcome, Writing, Written};
use common::rejects::Reject;
use common::tell::Teller;
use common::{Health, Shutdown};
use rdkafka::Message;
use records::decode::Decoder;
use tokio::runtime::Handle;

use crate::control::Control;
use crate::minute::Minute;
use crate::origins::Origins;
use crate::stage::Stage;
use crate::store::{Batch, Store};
use crate::write::write;
use crate::{Config, PURPOSE};

/// Pause between two looks while stopped by `POST /stop`.
const STOPPED: Duration = Duration::from_millis(100);

pub(crate) struct Loader {
    consumer: Anchored,
    decoder: Decoder,
    /// Where a record came from is its key where the schema names none.
    cluster: String,
    limits: Limits,
    store: Arc<Store>,
    /// The batch before, until its end is known. At most one: each starts from the offsets that the
    /// one before stores.
    writing: Option<Writing<Batch, Vec<Reject>>>,
    teller: Teller,
    minute: Minute,
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
        let cluster = anchor.cluster.clone();
        let store = Store::new(&config.schema, &config.kafka.topics.new_data, anchor)?;
        let rejects_topic = config.kafka.topics.rejects.clone();
        Ok(Loader {
            consumer,
            decoder: Decoder::new(&config.schema, PURPOSE),
            cluster,
            limits: Limits {
                rows: config.loader.batch_rows,
                bytes: config.loader.batch_bytes,
                linger: Duration::from_millis(config.loader.batch_ms),
            },
            store: Arc::new(store),
            writing: None,
            teller: Teller::start(&Handle::current(), config.kafka.producer()?, rejects_topic),
            minute: Minute::default(),
            control,
            health,
            joined: true,
            shutdown,
        })
    }

    pub fn run(mut self, runtime: &Handle) -> anyhow::Result<()> {
        while !self.shutdown.is_cancelled() {
            if !self.keep_joined()? {
                self.settle(runtime)?;
                std::thread::sleep(STOPPED);
                continue;
            }
            self.minute.tell(&self.control);
            let gathered = self.gather();
            if self.writing.as_ref().is_some_and(Writing::is_done) && !self.settle(runtime)? {
                // What was gathered after it starts from an offset that is not stored.
                continue;
            }
            let Some(batch) = gathered else {
                continue;
            };
            if self.make_room(runtime)? {
                let lease = runtime.block_on(self.consumer.lease());
                let (store, control) = (Arc::clone(&self.store), Arc::clone(&self.control));
                self.writing = Some(Writing::begin(
                    runtime,
                    batch,
                    lease,
                    &self.shutdown,
                    async move |batch| write(&store, batch, &control).await,
                ));
            }
        }
        self.settle(runtime)?;
        runtime.block_on(self.teller.finish());
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

    /// A decoded batch: as soon as it has lingered and nothing is being written, or when it is full.
    fn gather(&mut self) -> Option<Batch> {
        let (mut origins, mut rejects) = (Origins::default(), Vec::new());
        let (decoder, writing, cluster) = (&mut self.decoder, &self.writing, &self.cluster);
        let (mut began, mut bytes) = (None, 0);
        let gathered = self.consumer.gather(
            &self.limits,
            &self.shutdown,
            || writing.as_ref().is_none_or(Writing::is_done),
            |message| {
                began.get_or_insert_with(Instant::now);
                let payload = message.payload().unwrap_or_default();
                bytes += payload.len();
                let arrival_us = message
                    .timestamp()
                    .to_millis()
                    .map_or_else(records::timestamp::now_us, |ms| ms * 1000);
                let (partition, offset) = (message.partition(), message.offset());
                let topic = message.topic();
                let place = format_args!("{cluster}/{topic}/{partition}/{offset}");
                match decoder.push_from(payload, arrival_us, &place) {
                    Ok(()) => origins.push(partition, offset, message.key(), payload),
                    Err(reason) => rejects.push(Reject {
                        topic: topic.to_owned(),
                        partition,
                        offset,
                        code: reason.code(),
                        reason: reason.to_string(),
                        key: message.key().map(<[u8]>::to_vec),
                        payload: payload.to_vec(),
                    }),
                }
            },
        );
        let decoded = self.decoder.finish();
        let Gathered::Batch(stretches) = gathered else {
            return None;
        };
        if let Some(began) = began {
            Stage::Gather.took(began);
        }
        Some(Batch {
            rows: decoded.batch,
            origins,
            rejects,
            stretches,
            unknown_fields: decoded.unknown_fields,
            bytes,
        })
    }

    /// Waits until the batch before is written; false when the one gathered after it must be
    /// forgotten. While that takes long, nothing more is read, and this stays a member of the group.
    fn make_room(&mut self, runtime: &Handle) -> anyhow::Result<bool> {
        let Some(writing) = &mut self.writing else {
            return Ok(true);
        };
        let control = &self.control;
        let is_current = writing.wait(runtime, &mut self.consumer, || control.paused())?;
        let is_stored = self.settle(runtime)?;
        if is_stored && !is_current {
            self.consumer.reposition();
        }
        self.consumer.resume();
        Ok(is_stored && is_current)
    }

    /// Ends what was being written: true when it is in the database, or there was nothing; else the
    /// stored offsets are gone back to.
    fn settle(&mut self, runtime: &Handle) -> anyhow::Result<bool> {
        let Some(writing) = self.writing.take() else {
            return Ok(true);
        };
        let Some(Written { batch, outcome }) = writing.into_written(runtime)? else {
            return Ok(true);
        };
        match outcome {
            Outcome::Done(refused) => {
                self.consumer.committed(&batch.stretches);
                self.control.positioned(self.consumer.positions());
                self.teller.tell([batch.rejects, refused].concat());
                return Ok(true);
            }
            Outcome::Fenced(error) => {
                tracing::warn!("{error}; the batch is given up and read again");
                self.control.failed(error.to_string());
            }
            // A commit under way may still come through: the stored offsets tell.
            Outcome::Ended => {}
        }
        if !self.shutdown.is_cancelled() {
            self.consumer.reposition();
        }
        Ok(false)
    }
}
