//! Requests from Kafka, answered one micro-batch after the other: while one is published, the next is stored and the
//! one after that is gathered and priced, so that a flood makes batches grow and a lone request waits for nobody.

mod batch;
mod failure;
mod finish;
mod gather;
mod publish;
mod stage;
mod stored;
mod storing;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::arrival::Arrivals;
use common::kafka::{Anchor, Anchored, Follow, ForwardHeaders, Limits, Pipeline, Values};
use common::liveness::Watchdog;
use common::{Health, Shutdown};
use ledger::offsets::{AdvanceError, Stretch};
use records::decode::Decoder;
use records::limits::MESSAGE_BYTES;
use records::{Purpose, Schema, timestamp};
use tokio::runtime::Handle;

use self::batch::Batch;
use self::finish::Finisher;
use self::storing::Storing;
use crate::config::Config;
use crate::control::Control;
use crate::quality::Watch;
use crate::serving::Serving;

/// Pause between two looks for a first model.
const NO_MODEL: Duration = Duration::from_millis(50);
/// Batches on their way while another is gathered: one is published, one is stored.
const ON_THEIR_WAY: usize = 2;

pub(crate) struct Applier {
    pipeline: Pipeline<Batch, usize>,
    follower: Follower,
    runtime: Handle,
    decoder: Decoder,
    /// Judges when requests arrived.
    arrivals: Arrivals,
    schema: Arc<Schema>,
    values: Values,
    /// Headers that answers have from their requests.
    forward_headers: ForwardHeaders,
    /// Whether the requests' fields are stored with the answers.
    stores_requests: bool,
    limits: Limits,
    /// Least time from one batch's end of gathering to the next one's: many small batches cost more than few.
    distance: Duration,
    /// Older requests are told that they have expired.
    expire_after_us: Option<i64>,
    serving: Arc<Serving>,
    watch: Arc<Watch>,
    finisher: Arc<Finisher>,
    /// How far the answers of the newest batch are.
    storing: Storing,
    shutdown: Shutdown,
}

impl Applier {
    /// Call from within a Tokio runtime; run on a thread that is not of it.
    pub fn new(
        config: &Config,
        anchor: Anchor,
        health: Health,
        serving: Arc<Serving>,
        watch: Arc<Watch>,
        control: Arc<Control>,
        shutdown: Shutdown,
    ) -> anyhow::Result<Applier> {
        let consumer = Anchored::subscribe(
            &config.kafka,
            &[&config.kafka.topics.requests],
            config.applier.fetch_wait_ms,
            anchor.clone(),
            health.clone(),
            Watchdog::new(&health, "progress", &config.liveness),
            shutdown.clone(),
        )?;
        control.watch(consumer.lag());
        Ok(Applier {
            pipeline: Pipeline::new(consumer, &Handle::current(), shutdown.clone())
                .with_batches(ON_THEIR_WAY),
            follower: Follower {
                control: Arc::clone(&control),
            },
            runtime: Handle::current(),
            decoder: Decoder::new(&config.schema, Purpose::Request),
            arrivals: Arrivals::default(),
            schema: Arc::clone(&config.schema),
            values: Values::new(
                &config.kafka.schema_registry,
                config.kafka.formats.requests,
                config.kafka.envelopes.requests,
                MESSAGE_BYTES,
            )?,
            forward_headers: config.kafka.forward_headers.clone(),
            stores_requests: config.applier.store_requests,
            limits: Limits {
                rows: config.applier.batch_rows,
                bytes: config.applier.max_body_bytes,
                linger: Duration::ZERO,
                not_before: None,
            },
            distance: Duration::from_millis(config.applier.batch_ms),
            expire_after_us: match config.applier.expire_after_s {
                0 => None,
                seconds => Some(i64::try_from(seconds)?.saturating_mul(1_000_000)),
            },
            serving,
            watch,
            finisher: Arc::new(Finisher::new(config, anchor, &health, control)?),
            storing: Storing::default(),
            shutdown,
        })
    }

    pub fn run(mut self) -> anyhow::Result<()> {
        while !self.shutdown.is_cancelled() {
            let Some(loaded) = self.serving.current() else {
                std::thread::sleep(NO_MODEL);
                continue;
            };
            let gathered = self.gather();
            self.values.check()?;
            if !self.pipeline.settle_done(&mut self.follower)? {
                continue;
            }
            let Some(gathered) = gathered else {
                continue;
            };
            self.limits.not_before = Some(Instant::now() + self.distance);
            let batch = self.price(gathered, &loaded)?;
            let stored = self.storing.begin(&self.runtime, &self.finisher, &batch);
            let finisher = Arc::clone(&self.finisher);
            let finish = async move |batch: &Batch| finisher.finish(batch, stored).await;
            self.pipeline.write(batch, &mut self.follower, finish)?;
        }
        self.pipeline.settle(&mut self.follower)?;
        Ok(())
    }
}

/// Reports the batches that are published.
struct Follower {
    control: Arc<Control>,
}

impl Follow<Batch, usize> for Follower {
    fn stretches(batch: &Batch) -> &[Stretch] {
        &batch.stretches
    }

    /// `late` of the answers became rejects when they were stored.
    fn written(&mut self, batch: Batch, late: usize, _: &Anchored) {
        let now_us = timestamp::now_us();
        let arrivals = batch.arrivals_us.iter();
        let latencies_us: Vec<u64> = arrivals
            .map(|arrival_us| u64::try_from(now_us - arrival_us).unwrap_or_default())
            .collect();
        let (answered, refused) = (batch.answers.len() - late, batch.refused.len() + late);
        self.control.committed(answered, refused, &latencies_us);
    }

    fn fenced(&mut self, why: &AdvanceError) {
        self.control.failed(why.to_string());
    }

    fn paused(&mut self) {
        self.control.paused();
    }
}
