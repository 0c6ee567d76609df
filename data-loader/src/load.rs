//! The loading thread: gather and decode one batch while the one before is written.

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::kafka::{Anchor, Anchored, Follow, Limits, Pipeline};
use common::liveness::Watchdog;
use common::tell::Teller;
use common::{Health, Shutdown};
use ledger::offsets::{AdvanceError, Stretch};
use ledger::rejects::Reject;
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
    pipeline: Pipeline<Batch, Vec<Reject>>,
    follower: Follower,
    decoder: Decoder,
    /// Where a record came from is its key where the schema names none.
    cluster: String,
    limits: Limits,
    store: Arc<Store>,
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
        runtime: &Handle,
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
            Watchdog::new(&health, "progress", &config.liveness),
            shutdown.clone(),
        )?;
        control.watch(consumer.lag());
        let cluster = anchor.cluster.clone();
        let store = Store::new(&config.schema, &config.kafka.topics.new_data, anchor)?;
        let rejects_topic = config.kafka.topics.rejects.clone();
        let producer = config.kafka.producer()?;
        Ok(Loader {
            pipeline: Pipeline::new(consumer, runtime, shutdown.clone()),
            follower: Follower {
                control: Arc::clone(&control),
                teller: Teller::start(runtime, producer, rejects_topic),
            },
            decoder: Decoder::new(&config.schema, PURPOSE),
            cluster,
            limits: Limits {
                rows: config.loader.batch_rows,
                bytes: config.loader.batch_bytes,
                linger: Duration::from_millis(config.loader.batch_ms),
            },
            store: Arc::new(store),
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
                self.pipeline.settle(&mut self.follower)?;
                std::thread::sleep(STOPPED);
                continue;
            }
            self.minute.tell(&self.control);
            let gathered = self.gather();
            if !self.pipeline.settle_done(&mut self.follower)? {
                continue;
            }
            let Some(batch) = gathered else {
                continue;
            };
            let (store, control) = (Arc::clone(&self.store), Arc::clone(&self.control));
            let write = async move |batch: &Batch| write(&store, batch, &control).await;
            self.pipeline.write(batch, &mut self.follower, write)?;
        }
        self.pipeline.settle(&mut self.follower)?;
        runtime.block_on(self.follower.teller.finish());
        Ok(())
    }

    /// Follows `POST /stop` and `/start`; false while stopped. Other members take over meanwhile.
    fn keep_joined(&mut self) -> anyhow::Result<bool> {
        let wanted = self.control.is_running();
        if wanted && !self.joined {
            self.pipeline.consumer().join()?;
            self.health.ready("loading");
        }
        if !wanted && self.joined {
            self.pipeline.consumer().leave();
            self.health
                .waiting("loading", "stopped; POST /start goes on");
        }
        self.joined = wanted;
        Ok(wanted)
    }

    /// A decoded batch: as soon as it has lingered and nothing is being written, or when it is full.
    fn gather(&mut self) -> Option<Batch> {
        let (mut origins, mut rejects) = (Origins::default(), Vec::new());
        let (decoder, cluster) = (&mut self.decoder, &self.cluster);
        let (mut began, mut bytes) = (None, 0);
        let gathered = self.pipeline.gather(&self.limits, |message| {
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
        });
        let decoded = self.decoder.finish();
        let stretches = gathered?;
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
}

/// What is told of batches that are in the database.
struct Follower {
    control: Arc<Control>,
    teller: Teller,
}

impl Follow<Batch, Vec<Reject>> for Follower {
    fn stretches(batch: &Batch) -> &[Stretch] {
        &batch.stretches
    }

    fn written(&mut self, batch: Batch, refused: Vec<Reject>, _: &Anchored) {
        self.teller.tell([batch.rejects, refused].concat());
    }

    fn fenced(&mut self, why: &AdvanceError) {
        self.control.failed(why.to_string());
    }

    fn paused(&mut self) {
        self.control.paused();
    }
}
