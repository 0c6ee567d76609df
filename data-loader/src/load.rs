//! The loading thread: gather and decode one batch while the one before is written.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::arrival::Arrivals;
use common::kafka::{Anchor, Anchored, Follow, Limits, Opened, Pipeline, Values, envelope};
use common::liveness::{Retrying, Watchdog};
use common::reject_publisher::RejectPublisher;
use common::{Fault, Health, Shutdown};
use ledger::offsets::{AdvanceError, Stretch};
use ledger::rejects::Reject;
use rdkafka::Message;
use records::decode::Decoder;
use records::{Arrival, Reason, Schema};
use tokio::runtime::Handle;

use crate::batch::{Batch, PURPOSE, Tombstone};
use crate::config::Config;
use crate::control::Control;
use crate::delist;
use crate::minute_log::MinuteLog;
use crate::origins::Origins;
use crate::stage::Stage;
use crate::store::Store;
use crate::write::{with_source, write};
use crate::written::Written;

/// Pause between two looks while stopped by `POST /stop`.
const STOPPED: Duration = Duration::from_millis(100);

pub(crate) struct Loader {
    pipeline: Pipeline<Batch, Written>,
    follower: Follower,
    decoder: Decoder,
    schema: Arc<Schema>,
    values: Values,
    arrivals: Arrivals,
    /// Where a record came from is its key where the schema names none.
    limits: Limits,
    store: Arc<Store>,
    minute_log: MinuteLog,
    control: Arc<Control>,
    health: Health,
    retrying: Retrying,
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
        let store = Store::new(
            &config.schema,
            &config.kafka.topics.new_data,
            anchor,
            Duration::from_millis(config.loader.write_timeout_ms),
        )?;
        let rejects_topic = config.kafka.topics.rejects.clone();
        let producer = config.kafka.producer()?;
        Ok(Loader {
            pipeline: Pipeline::new(consumer, runtime, shutdown.clone()),
            follower: Follower {
                setup_fault: None,
                control: Arc::clone(&control),
                publisher: RejectPublisher::start(runtime, producer, rejects_topic),
            },
            decoder: Decoder::new(&config.schema, PURPOSE)
                .with_max_message_bytes(config.kafka.max_message_bytes),
            schema: Arc::clone(&config.schema),
            values: Values::new(
                &config.kafka.schema_registry,
                config.kafka.formats.new_data,
                config.kafka.envelopes.new_data,
                config.kafka.max_message_bytes,
            )?,
            arrivals: Arrivals::default(),
            limits: Limits {
                rows: config.loader.batch_rows,
                bytes: config.loader.batch_bytes,
                linger: Duration::from_millis(config.loader.batch_ms),
                not_before: None,
            },
            store: Arc::new(store),
            minute_log: MinuteLog::default(),
            control,
            retrying: Retrying::new(&health, "storing", &config.liveness),
            health,
            joined: true,
            shutdown,
        })
    }

    pub fn run(mut self, runtime: &Handle) -> anyhow::Result<()> {
        while !self.shutdown.is_cancelled() {
            if !self.keep_joined()? {
                self.pipeline.settle(&mut self.follower)?;
                self.follower.check()?;
                std::thread::sleep(STOPPED);
                continue;
            }
            self.minute_log.log(&self.control);
            let gathered = self.gather();
            self.values.check()?;
            let is_settled = self.pipeline.settle_done(&mut self.follower)?;
            self.follower.check()?;
            if !is_settled {
                continue;
            }
            let Some(batch) = gathered else {
                continue;
            };
            let (store, control) = (Arc::clone(&self.store), Arc::clone(&self.control));
            let retrying = self.retrying.clone();
            let write = async move |batch: &Batch| write(&store, batch, &control, &retrying).await;
            self.pipeline.write(batch, &mut self.follower, write)?;
            self.follower.check()?;
        }
        self.pipeline.settle(&mut self.follower)?;
        self.follower.check()?;
        runtime.block_on(self.follower.publisher.finish());
        Ok(())
    }

    /// Follows `POST /stop` and `/start`; false while stopped. Other members take over meanwhile.
    fn keep_joined(&mut self) -> anyhow::Result<bool> {
        let runs = self.control.is_running();
        if runs && !self.joined {
            self.pipeline.consumer().join()?;
            self.health.ready("loading");
        }
        if !runs && self.joined {
            self.pipeline.consumer().leave();
            self.health
                .waiting("loading", "stopped; POST /start continues");
        }
        self.joined = runs;
        Ok(runs)
    }

    /// A decoded batch: as soon as it has lingered and nothing is being written, or when it is full.
    fn gather(&mut self) -> Option<Batch> {
        let (mut origins, mut rejects) = (Origins::default(), Vec::new());
        let mut tombstones = Vec::new();
        let decoder = &mut self.decoder;
        let (schema, arrivals) = (&*self.schema, &mut self.arrivals);
        let takes_tombstones = schema.delisting.tombstone != records::Tombstone::Refuse;
        let values = &mut self.values;
        let (mut began, mut bytes) = (None, 0);
        let gathered = self.pipeline.gather(&self.limits, |message, place| {
            began.get_or_insert_with(Instant::now);
            let arrival = arrivals.of(message);
            let (partition, offset) = (message.partition(), message.offset());
            let topic = message.topic();
            bytes += message.payload().map_or(0, <[u8]>::len);
            let mut buffer = Vec::new();
            let opened = match message.payload() {
                Some(payload) => values.open(payload, &mut buffer),
                None => Ok(Opened::Deleted(None)),
            };
            let taken = match opened {
                Ok(Opened::Record(record)) => {
                    let arrival = Arrival {
                        us: arrival.us,
                        now_us: arrival.now_us,
                    };
                    let pushed = decoder.push_from(record, arrival, &place);
                    let payload = message.payload().unwrap_or_default();
                    let pushed =
                        pushed.map(|()| origins.push(partition, offset, message.key(), payload));
                    pushed.map_err(|reason| (reason.code(), reason.to_string()))
                }
                Ok(Opened::Deleted(before)) => {
                    let named = before.and_then(|before| envelope::field(before, &schema.key));
                    let key = match named {
                        Some(key) => Some(Cow::Owned(key.into_bytes())),
                        None => message.key().map(|key| values.key(key, &schema.key)),
                    };
                    match delist::key(schema, key.as_deref()) {
                        Some(key) if takes_tombstones => {
                            tombstones.push(Tombstone {
                                key,
                                arrival_us: arrival.us,
                                rows_before: decoder.len(),
                                partition,
                                offset,
                            });
                            Ok(())
                        }
                        _ => Err((Reason::Tombstone.code(), Reason::Tombstone.to_string())),
                    }
                }
                Err(error) => Err((error.code(), error.to_string())),
            };
            if let Err((code, reason)) = taken {
                rejects.push(Reject {
                    topic: topic.to_owned(),
                    partition,
                    offset,
                    code,
                    reason,
                    key: message.key().map(<[u8]>::to_vec),
                    payload: message.payload().unwrap_or_default().to_vec(),
                });
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
            tombstones,
            rejects,
            stretches,
            unknown_fields: decoded.unknown_fields,
            bytes,
        })
    }
}

/// What follows on batches that are in the database, or cannot be.
struct Follower {
    control: Arc<Control>,
    publisher: RejectPublisher,
    /// Why no batch can be written until a person fixes the database.
    setup_fault: Option<String>,
}

impl Follower {
    /// # Errors
    /// When the database is set up so that no retry would help.
    fn check(&mut self) -> anyhow::Result<()> {
        match self.setup_fault.take() {
            None => Ok(()),
            Some(why) => anyhow::bail!(
                "{why}; nothing of the batch is stored, and the next start reads it again: repair \
                 the database (data-loader --check shows the problem)"
            ),
        }
    }
}

impl Follow<Batch, Written> for Follower {
    fn stretches(batch: &Batch) -> &[Stretch] {
        &batch.stretches
    }

    fn written(&mut self, batch: Batch, written: Written, _: &Anchored) {
        let mut rejects = batch.rejects;
        rejects.extend(written.refused_rows);
        rejects.extend(written.refused_tombstones);
        self.publisher.publish(rejects);
    }

    fn fenced(&mut self, why: &AdvanceError) {
        let reason = with_source(why);
        if let AdvanceError::Database(error) = why
            && Fault::of_database(error) == Fault::Setup
        {
            self.setup_fault = Some(reason.clone());
        }
        self.control.failed(reason);
    }

    fn paused(&mut self) {
        self.control.paused();
    }
}
