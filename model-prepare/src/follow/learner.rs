//! The following thread: gather and decode, learn, write what has changed, publish when it is time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::arrival::Arrivals;
use common::kafka::{Anchored, Limits, Opened, Pipeline, Values};
use common::liveness::{Retrying, Watchdog};
use common::{Fault, Health, Shutdown};
use ledger::offsets::{AdvanceError, Stretches};
use ledger::rejects::Reject;
use rdkafka::Message;
use records::{Arrival, Decoder, Purpose, Reason};
use tokio::runtime::Handle;

use super::base::Standing;
use super::config::Follow;
use super::control::Control;
use super::publish::publish;
use super::recent::Seen;
use super::screen::Screen;
use super::store::{Change, Store};
use super::stored::{StoreReporter, write};

/// Most messages of one transaction.
const MOST_ROWS: u64 = 5_000;
/// Most bytes of them.
const MOST_BYTES: usize = 8 << 20;
/// How long a batch may wait for more.
const LINGER: Duration = Duration::from_millis(100);

/// Messages before they are used for training.
struct Gathered {
    /// Those that are records, with where and when they came, in the order of the rows.
    messages: Vec<(Vec<u8>, String, i64)>,
    rows: arrow_array::RecordBatch,
    rejects: Vec<Reject>,
    stretches: Stretches,
}

/// Reads the topic and learns.
pub(super) struct Learner {
    options: Follow,
    pipeline: Pipeline<Change, ()>,
    reporter: StoreReporter,
    decoder: Decoder,
    values: Values,
    arrivals: Arrivals,
    store: Store,
    standing: Standing,
    control: Arc<Control>,
    screen: Screen,
    shown: Instant,
    /// Writes and looks that are retried are seen in the health report.
    retrying: Retrying,
    runtime: Handle,
    shutdown: Shutdown,
}

impl Learner {
    /// Joins the group. Call from within a Tokio runtime; use from a thread that is not of it.
    ///
    /// # Errors
    /// When a Kafka property is wrong.
    pub(super) fn new(
        options: Follow,
        standing: Standing,
        store: Store,
        control: Arc<Control>,
        screen: Screen,
        health: Health,
        shutdown: Shutdown,
    ) -> anyhow::Result<Learner> {
        let runtime = Handle::current();
        let retrying = Retrying::new(&health, "storing", &options.training.liveness);
        let consumer = Anchored::subscribe(
            &options.kafka,
            &[&options.kafka.topics.new_data],
            options.follow.fetch_wait_ms,
            store.anchor.clone(),
            health.clone(),
            Watchdog::new(&health, "progress", &options.training.liveness),
            shutdown.clone(),
        )?;
        control.watch(consumer.lag());
        control.begins(&standing.counts);
        control.stands(&standing);
        Ok(Learner {
            pipeline: Pipeline::new(consumer, &runtime, shutdown.clone()),
            reporter: StoreReporter {
                control: Arc::clone(&control),
                broken: None,
            },
            retrying,
            decoder: Decoder::new(&options.training.schema, Purpose::Listing)
                .with_max_message_bytes(options.kafka.max_message_bytes),
            values: Values::new(
                &options.kafka.schema_registry,
                options.kafka.formats.new_data,
                options.kafka.envelopes.new_data,
                options.kafka.max_message_bytes,
            )?,
            arrivals: Arrivals::default(),
            options,
            store,
            standing,
            control,
            screen,
            shown: Instant::now(),
            runtime,
            shutdown,
        })
    }

    /// Follows until shutdown, or until it has read what it was to read.
    ///
    /// # Errors
    /// When what is kept of it cannot be read again, or something panicked.
    pub(super) fn run(mut self) -> anyhow::Result<()> {
        // One that was killed between the two.
        self.publish_where_due()?;
        while !self.shutdown.is_cancelled() && self.left() > 0 {
            self.show(false);
            if let Some(why) = &self.reporter.broken {
                anyhow::bail!(
                    "the learned state cannot be stored, and waiting will not help: {why}; check the tables \
                     and the rights of the database (--check names what is missing)"
                );
            }
            let gathered = self.gather();
            self.values.check()?;
            let Some(gathered) = gathered else {
                if !self.pipeline.settle_done(&mut self.reporter)? {
                    self.go_back()?;
                }
                continue;
            };
            // What is learned next begins from what is stored.
            if !self.pipeline.settle(&mut self.reporter)? {
                self.go_back()?;
                continue;
            }
            let change = self.learn(gathered)?;
            let store = self.store.clone();
            let retrying = self.retrying.clone();
            let write = async move |change: &Change| write(&store, change, &retrying).await;
            self.pipeline.write(change, &mut self.reporter, write)?;
            self.control.stands(&self.standing);
            if self.is_due() {
                match self.pipeline.settle(&mut self.reporter)? {
                    true => self.publish_where_due()?,
                    false => self.go_back()?,
                }
            }
            if self.left() == 0 && !self.pipeline.settle(&mut self.reporter)? {
                self.go_back()?;
            }
        }
        if !self.pipeline.settle(&mut self.reporter)? {
            tracing::warn!("the last messages are read again at the next start");
        }
        self.show(true);
        Ok(())
    }

    /// Messages that are still to be read.
    fn left(&self) -> u64 {
        let stop = self.options.stop_after.unwrap_or(u64::MAX);
        stop.saturating_sub(self.standing.counts.read)
    }

    /// Records until the next version.
    fn until_due(&self) -> u64 {
        match self.options.follow.publish_every {
            0 => u64::MAX,
            every => {
                let counts = &self.standing.counts;
                (counts.published_at + every).saturating_sub(counts.learned)
            }
        }
    }

    fn is_due(&self) -> bool {
        self.until_due() == 0
    }

    /// Decodes messages: as many as there are, but none beyond the next version or the end.
    fn gather(&mut self) -> Option<Gathered> {
        let rows = MOST_ROWS.min(self.left()).min(self.until_due()).max(1);
        let limits = Limits {
            rows: usize::try_from(rows).unwrap_or(usize::MAX),
            bytes: MOST_BYTES,
            linger: LINGER,
            not_before: None,
        };
        let (mut messages, mut rejects) = (Vec::new(), Vec::new());
        let arrivals = &mut self.arrivals;
        let decoder = &mut self.decoder;
        let values = &mut self.values;
        let stretches = self.pipeline.gather(&limits, |message, place| {
            let mut buffer = Vec::new();
            let opened = values.open(message.payload().unwrap_or_default(), &mut buffer);
            let arrival = arrivals.of(message);
            let arrival_us = arrival.us;
            let arrival = Arrival {
                us: arrival.us,
                now_us: arrival.now_us,
            };
            let (topic, partition, offset) =
                (message.topic(), message.partition(), message.offset());
            let place = place.to_string();
            let pushed = match opened {
                Ok(Opened::Record(record)) => decoder
                    .push_from(record, arrival, &place)
                    .map(|()| record.to_vec())
                    .map_err(|reason| (reason.code(), reason.to_string())),
                Ok(Opened::Deleted(_)) => {
                    Err((Reason::Tombstone.code(), Reason::Tombstone.to_string()))
                }
                Err(error) => Err((error.code(), error.to_string())),
            };
            match pushed {
                Ok(record) => messages.push((record, place, arrival_us)),
                Err((code, reason)) => rejects.push(Reject {
                    topic: topic.to_owned(),
                    partition,
                    offset,
                    code,
                    reason,
                    key: None,
                    payload: Vec::new(),
                }),
            }
        });
        // Whatever becomes of the batch: the next one begins with an empty decoder.
        let rows = self.decoder.finish().batch;
        Some(Gathered {
            messages,
            rows,
            rejects,
            stretches: stretches?,
        })
    }

    fn learn(&mut self, gathered: Gathered) -> anyhow::Result<Change> {
        let Gathered {
            messages,
            rows,
            rejects,
            stretches,
        } = gathered;
        let Standing {
            online,
            counts,
            recent,
        } = &mut self.standing;
        self.control.rejected(&rejects, &counts.rejected);
        let read_before = counts.read;
        counts.read += (messages.len() + rejects.len()) as u64;
        for reject in &rejects {
            *counts.rejected.entry(reject.code.to_owned()).or_default() += 1;
        }
        let mut seen = Vec::with_capacity(messages.len());
        for ((payload, place, arrival_us), predicted) in
            messages.into_iter().zip(online.learn(&rows)?)
        {
            let Some(predicted) = predicted else {
                counts.passed_over += 1;
                continue;
            };
            counts.learned += 1;
            seen.push(Seen {
                number: i64::try_from(counts.learned)?,
                payload,
                place,
                arrival_us,
                predicted,
            });
        }
        let keep = self.options.follow.judge_rows;
        seen.drain(..seen.len().saturating_sub(keep));
        recent.extend(&seen);
        Ok(Change {
            state: online.encode()?,
            counts: counts.clone(),
            read_before,
            seen,
            keep,
            stretches,
        })
    }

    /// Back to what is stored: what was learned since may be learned by another, or again.
    fn go_back(&mut self) -> anyhow::Result<()> {
        if self.shutdown.is_cancelled() {
            return Ok(());
        }
        let fault = |error: &anyhow::Error| {
            let of_database = error.downcast_ref::<sqlx::Error>().map(Fault::of_database);
            of_database.unwrap_or(Fault::Setup)
        };
        let warn = |error: &anyhow::Error, wait: Duration| {
            tracing::warn!(retry_in_ms = wait.as_millis() as u64, "{error:#}");
        };
        let loading = self
            .retrying
            .until_done(async || self.store.load().await, fault, warn);
        let shutdown = &self.shutdown;
        let loaded = self.runtime.block_on(async {
            tokio::select! {
                loaded = loading => Some(loaded),
                () = shutdown.cancelled() => None,
            }
        });
        let Some(kept) = loaded.transpose()?.flatten() else {
            anyhow::ensure!(
                self.shutdown.is_cancelled(),
                "what was kept of the follower {} is gone from the table follows: start it again",
                self.options.follow.group
            );
            return Ok(());
        };
        self.standing = Standing::of(kept, &self.options)?;
        Ok(())
    }

    /// Publishes a version where N records have been learned from; everything is stored by then.
    /// A failure is reported, and the next version comes when it is due.
    fn publish_where_due(&mut self) -> anyhow::Result<()> {
        if !self.is_due() || self.standing.counts.learned == 0 {
            return Ok(());
        }
        match publish(&self.options, &mut self.standing) {
            Ok(became) => self.control.published(&became),
            Err(error) => {
                tracing::error!(error = %format_args!("{error:#}"), "nothing is published");
                self.control.failed(format!("{error:#}"));
            }
        }
        let counts = &mut self.standing.counts;
        counts.published_at = counts.learned;
        let change = Change {
            state: self.standing.online.encode()?,
            counts: counts.clone(),
            read_before: counts.read,
            seen: Vec::new(),
            keep: self.options.follow.judge_rows,
            stretches: Vec::new(),
        };
        let shutdown = &self.shutdown;
        let written = self.runtime.block_on(async {
            tokio::select! {
                written = write(&self.store, &change, &self.retrying) => Some(written),
                () = shutdown.cancelled() => None,
            }
        });
        self.control.stands(&self.standing);
        match written {
            Some(Err(AdvanceError::Fenced { .. })) => self.go_back(),
            Some(Err(error)) => Err(error.into()),
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// Shows the coefficients, where it is time to or in the end.
    fn show(&mut self, in_the_end: bool) {
        let every_s = self.options.follow.show_every_s;
        let is_due = self.shown.elapsed() >= Duration::from_secs(every_s);
        if every_s > 0 && (is_due || in_the_end) {
            self.shown = Instant::now();
            let rows = self.options.follow.show_rows;
            self.screen.show(&self.standing, rows);
        }
    }
}
