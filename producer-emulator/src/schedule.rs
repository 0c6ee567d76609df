//! Batches by schedule.

mod state;

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use common::Shutdown;
use rand::RngExt;
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior};

use crate::emulate::{Emulator, NotSent};

pub(crate) use state::Schedules;
use state::{Schedule, State};

/// The part of [`common::Health`] that this is about.
const PART: &str = "schedules";
/// A schedule is stalled when nothing has come of it for so long after it was due.
const STILL: Duration = Duration::from_secs(60);
/// Pause between two looks whether one is stalled.
const LOOK: Duration = Duration::from_secs(5);

impl Schedules {
    /// Sends while the emulator runs and Kafka is there, until `leave`. What was missed, as the process
    /// was stopped or the machine slept or was busy, is left out: the schedule continues from then.
    pub async fn run(&self, emulator: &Arc<Emulator>, leave: &Shutdown) {
        let mut running = Vec::new();
        for index in 0..self.all.len() {
            let (emulator, leave) = (Arc::clone(emulator), leave.clone());
            running.push(tokio::spawn(async move {
                let schedule = &emulator.schedules.all[index];
                tokio::select! {
                    () = schedule.run(&emulator) => {}
                    () = leave.cancelled() => {}
                }
            }));
        }
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => self.watch(emulator),
                () = leave.cancelled() => return,
            }
            if running.iter().any(tokio::task::JoinHandle::is_finished) && !leave.is_cancelled() {
                tracing::error!("a schedule ended unexpectedly");
                self.health
                    .waiting(PART, "a schedule ended unexpectedly: restart the service");
            }
        }
    }

    /// Shows in the health report whether one is stalled.
    fn watch(&self, emulator: &Emulator) {
        let still = self
            .all
            .iter()
            .find_map(|schedule| schedule.stands_still(emulator));
        match still {
            Some(why) => {
                tracing::warn!("{why}");
                self.health.waiting(PART, why);
            }
            None => self.health.ready(PART),
        }
    }

    /// For `/status`: by schedule when it last sent, and whether it is stalled.
    pub fn status(&self, emulator: &Emulator) -> Value {
        let all = self.all.iter().map(|schedule| {
            let state = schedule.state();
            let ago = |at: Option<Instant>| at.map(|at| at.elapsed().as_secs_f64());
            let status = json!({
                "every_s": schedule.every.as_secs(),
                "count": schedule.count.start(),
                "count_most": schedule.count.end(),
                "batches": schedule.batches.load(Ordering::Relaxed),
                "last_began_s_ago": ago(state.began),
                "under_way": state.began.is_some() && state.ended.is_none(),
                "stalled": schedule.stands_still(emulator),
            });
            (schedule.name.to_owned(), status)
        });
        Value::Object(all.collect())
    }
}

impl Schedule {
    async fn run(&self, emulator: &Arc<Emulator>) {
        let first = Instant::now() + self.every;
        let mut due = tokio::time::interval_at(first, self.every);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            // That Kafka is away has been logged once: nothing is made until it is back.
            if !emulator.is_running() || !emulator.kafka_connection.is_up() {
                self.change(|state| *state = State::default());
                continue;
            }
            let now = Instant::now();
            self.change(|state| {
                state.active_since.get_or_insert(now);
                (state.began, state.ended) = (Some(now), None);
            });
            self.fire(emulator).await;
            self.change(|state| state.ended = Some(Instant::now()));
        }
    }

    async fn fire(&self, emulator: &Arc<Emulator>) {
        match emulator.generate(self.purpose, self.size()).await {
            Ok(()) => {
                self.batches.fetch_add(1, Ordering::Relaxed);
            }
            Err(NotSent::Leaving { .. }) => {}
            Err(NotSent::Waiting { .. } | NotSent::Away { .. }) => {
                tracing::debug!("a scheduled batch met an outage");
            }
            Err(error) => tracing::warn!(%error, "a scheduled batch was not sent completely"),
        }
    }

    /// How many messages the next batch has.
    fn size(&self) -> usize {
        let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.random_range(self.count.clone())
    }

    /// Why it is stalled, where it is.
    fn stands_still(&self, emulator: &Emulator) -> Option<String> {
        if !emulator.is_running() || !emulator.kafka_connection.is_up() {
            return None;
        }
        let state = self.state();
        let (since, doing) = match (state.began, state.ended) {
            (Some(began), None) => (began, "a batch is in progress"),
            (_, ended) => (ended.max(state.active_since)?, "no batch started"),
        };
        let waited = since.elapsed();
        (waited > self.every + STILL).then(|| {
            format!(
                "the schedule of {} is stalled: {doing} for {} s, and one is due every {} s",
                self.name,
                waited.as_secs(),
                self.every.as_secs()
            )
        })
    }

    fn state(&self) -> State {
        // Every change is whole: a panic leaves none half made.
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
