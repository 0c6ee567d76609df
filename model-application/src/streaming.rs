//! Requests from Kafka, answered one micro-batch after the other: while one is stored and published,
//! the next is gathered and priced, so that a flood makes batches grow and a lone request waits for
//! nobody.

mod batch;
mod finish;
mod gather;

use std::sync::Arc;
use std::time::Duration;

use common::kafka::{Anchor, Anchored, Limits, Outcome, Writing, Written};
use common::{Health, Shutdown};
use records::decode::Decoder;
use records::{Purpose, Schema, timestamp};
use tokio::runtime::Handle;

use self::batch::Batch;
use self::finish::Finisher;
use crate::config::Config;
use crate::control::Control;
use crate::quality::Watch;
use crate::serving::Serving;

/// Pause between two looks for a first model.
const NO_MODEL: Duration = Duration::from_millis(50);

pub(crate) struct Applier {
    consumer: Anchored,
    decoder: Decoder,
    schema: Arc<Schema>,
    /// Where a request came from is its key where the schema names none.
    cluster: String,
    limits: Limits,
    /// Older requests are told that they have expired.
    expire_after_us: Option<i64>,
    serving: Arc<Serving>,
    watch: Arc<Watch>,
    finisher: Arc<Finisher>,
    /// The batch before, until its end is known.
    finishing: Option<Writing<Batch, ()>>,
    control: Arc<Control>,
    shutdown: Shutdown,
}

impl Applier {
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
            health,
            shutdown.clone(),
        )?;
        control.watch(consumer.lag());
        Ok(Applier {
            consumer,
            decoder: Decoder::new(&config.schema, Purpose::Request),
            schema: Arc::clone(&config.schema),
            cluster: anchor.cluster.clone(),
            limits: Limits {
                rows: config.applier.batch_rows,
                bytes: config.applier.max_body_bytes,
                linger: Duration::ZERO,
            },
            expire_after_us: match config.applier.expire_after_s {
                0 => None,
                seconds => Some(i64::try_from(seconds)?.saturating_mul(1_000_000)),
            },
            serving,
            watch,
            finisher: Arc::new(Finisher::new(config, anchor, Arc::clone(&control))?),
            finishing: None,
            control,
            shutdown,
        })
    }

    pub fn run(mut self, runtime: &Handle) -> anyhow::Result<()> {
        while !self.shutdown.is_cancelled() {
            let Some(loaded) = self.serving.current() else {
                self.settle(runtime)?;
                std::thread::sleep(NO_MODEL);
                continue;
            };
            let gathered = self.gather();
            if self.finishing.as_ref().is_some_and(Writing::is_done) && !self.settle(runtime)? {
                // What was gathered after it starts from an offset that is not stored.
                continue;
            }
            let Some(gathered) = gathered else {
                continue;
            };
            let batch = self.price(gathered, &loaded)?;
            if self.make_room(runtime)? {
                let lease = runtime.block_on(self.consumer.lease());
                let finisher = Arc::clone(&self.finisher);
                self.finishing = Some(Writing::begin(
                    runtime,
                    batch,
                    lease,
                    &self.shutdown,
                    async move |batch| finisher.finish(batch).await,
                ));
            }
        }
        self.settle(runtime)?;
        Ok(())
    }

    /// Waits until the batch before is done; false when the one gathered after it must be
    /// forgotten.
    fn make_room(&mut self, runtime: &Handle) -> anyhow::Result<bool> {
        let Some(finishing) = &mut self.finishing else {
            return Ok(true);
        };
        let control = &self.control;
        let is_current = finishing.wait(runtime, &mut self.consumer, || control.paused())?;
        let is_done = self.settle(runtime)?;
        if is_done && !is_current {
            self.consumer.reposition();
        }
        self.consumer.resume();
        Ok(is_done && is_current)
    }

    /// Ends what was being stored and published: true when it is, or there was nothing; else the
    /// stored offsets are gone back to.
    fn settle(&mut self, runtime: &Handle) -> anyhow::Result<bool> {
        let Some(finishing) = self.finishing.take() else {
            return Ok(true);
        };
        let Some(Written { batch, outcome }) = finishing.into_written(runtime)? else {
            return Ok(true);
        };
        match outcome {
            Outcome::Done(()) => {
                self.consumer.committed(&batch.stretches);
                self.control.positioned(self.consumer.positions());
                let now_us = timestamp::now_us();
                let arrivals = batch.arrivals_us.iter();
                let latencies_us: Vec<u64> = arrivals
                    .map(|arrival_us| u64::try_from(now_us - arrival_us).unwrap_or_default())
                    .collect();
                self.control
                    .committed(batch.answers.len(), batch.refused.len(), &latencies_us);
                return Ok(true);
            }
            Outcome::Fenced(error) => {
                tracing::warn!("{error}; the batch is given up and read again");
                self.control.failed(error.to_string());
            }
            // What is stored is published again, the same, by whoever reads it next.
            Outcome::Ended => {}
        }
        if !self.shutdown.is_cancelled() {
            self.consumer.reposition();
        }
        Ok(false)
    }
}
