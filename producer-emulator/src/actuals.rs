//! Prices that become known later: one queue in the order of time, published by one task.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::Shutdown;
use common::kafka::Producer;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::in_flight::InFlight;
use crate::kafka_connection::KafkaConnection;
use crate::metrics::SENT;

/// Most prices that wait; beyond it the oldest are reported before their time.
const MOST_PENDING: usize = 100_000;
/// Prices published at a time.
const AT_A_TIME: usize = 1000;
/// Longest wait for room: anyone who makes requests holds their generator meanwhile.
const ROOM: Duration = Duration::from_secs(30);
/// Pause before prices that were not delivered are reported again.
const RETRY: Duration = Duration::from_secs(1);

/// A price that becomes known.
struct Actual {
    /// The request's id.
    id: String,
    price: f64,
    due: Instant,
}

/// The prices that wait for their time.
pub(crate) struct Actuals {
    /// In the order of time: all wait equally long from when they are put in.
    queue: Mutex<VecDeque<Actual>>,
    /// How long after its request a price becomes known.
    delay: Duration,
    /// Wakes the task when the head of the queue has changed.
    changed: Notify,
    /// Wakes those that make requests when there is room again.
    room: Notify,
    /// In the queue, or on their way.
    pending: AtomicU64,
    /// Delivered.
    sent: AtomicU64,
}

impl Actuals {
    pub fn new(delay: Duration) -> Actuals {
        Actuals {
            queue: Mutex::default(),
            delay,
            changed: Notify::new(),
            room: Notify::new(),
            pending: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        }
    }

    pub fn pending(&self) -> u64 {
        self.pending.load(Ordering::Relaxed)
    }

    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// The price of a request becomes known after the delay.
    pub fn add(&self, id: String, price: f64) {
        let mut queue = self.lock();
        let due = Instant::now() + self.delay;
        queue.push_back(Actual { id, price, due });
        self.pending.fetch_add(1, Ordering::Relaxed);
        if queue.len() == 1 || queue.len() > MOST_PENDING {
            self.changed.notify_one();
        }
    }

    /// Waits while too many prices wait; false where that takes too long. Those who ask take turns: they
    /// share a generator.
    pub async fn room(&self) -> bool {
        let until = Instant::now() + ROOM;
        while self.lock().len() > MOST_PENDING {
            let room = self.room.notified();
            if tokio::time::timeout_at(until, room).await.is_err() {
                return false;
            }
        }
        true
    }

    /// Publishes each price when it is due. After `leave` it publishes the rest at once and ends.
    pub async fn publish(
        &self,
        producer: &Producer,
        topic: &str,
        kafka_connection: &KafkaConnection,
        leave: Shutdown,
    ) {
        loop {
            tokio::select! {
                () = self.wait_for_due() => {}
                () = leave.cancelled() => {}
            }
            let due = self.take(leave.is_cancelled());
            if due.is_empty() && leave.is_cancelled() {
                return;
            }
            let (back, why) = self.deliver(due, producer, topic).await;
            self.room.notify_one();
            let Some(why) = why else { continue };
            self.put_back(back);
            kafka_connection.is_away(&format!("a label was not delivered to {topic}: {why}"));
            tokio::time::sleep(RETRY).await;
        }
    }

    /// In their order, before those that came after them.
    fn put_back(&self, actuals: Vec<Actual>) {
        let mut queue = self.lock();
        for actual in actuals.into_iter().rev() {
            queue.push_front(actual);
        }
    }

    /// Those that were not delivered, and why.
    async fn deliver(
        &self,
        due: Vec<Actual>,
        producer: &Producer,
        topic: &str,
    ) -> (Vec<Actual>, Option<String>) {
        let counter = metrics::counter!(SENT.name(), "topic" => topic.to_owned());
        let (mut back, mut why) = (Vec::new(), None);
        let settle = |actual, result| match result {
            Ok(()) => {
                self.pending.fetch_sub(1, Ordering::Relaxed);
                self.sent.fetch_add(1, Ordering::Relaxed);
                counter.increment(1);
            }
            Err(error) => {
                back.push(actual);
                why = Some(rdkafka::error::KafkaError::to_string(&error));
            }
        };
        let mut in_flight = InFlight::new(producer, topic, settle);
        for actual in due {
            let observed_at = chrono::Utc::now().to_rfc3339();
            let payload = serde_json::json!({
                "id": actual.id, "price": actual.price, "observed_at": observed_at,
            });
            let key = actual.id.clone();
            in_flight
                .send(&key, payload.to_string().as_bytes(), actual)
                .await;
        }
        in_flight.settle_all().await;
        drop(in_flight);
        (back, why)
    }

    /// Waits until the first price is due, or there are too many.
    async fn wait_for_due(&self) {
        loop {
            let first = {
                let queue = self.lock();
                if queue.len() > MOST_PENDING {
                    return;
                }
                queue.front().map(|actual| actual.due)
            };
            match first {
                None => self.changed.notified().await,
                Some(due) => tokio::select! {
                    () = tokio::time::sleep_until(due) => return,
                    () = self.changed.notified() => {}
                },
            }
        }
    }

    /// The prices that are due, at most so many at a time.
    fn take(&self, all: bool) -> Vec<Actual> {
        let mut queue = self.lock();
        let now = Instant::now();
        let too_many = queue.len().saturating_sub(MOST_PENDING);
        let due = queue
            .iter()
            .take(AT_A_TIME)
            .enumerate()
            .take_while(|(index, actual)| all || *index < too_many || actual.due <= now)
            .count();
        queue.drain(..due).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Actual>> {
        // A panic while holding the lock leaves a whole queue: no change is made in two steps.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn prices_come_in_the_order_of_time_and_all_at_once_at_the_end() {
        let actuals = Actuals::new(Duration::from_millis(600));
        let started = Instant::now();
        actuals.add("a".into(), 1.0);
        tokio::time::sleep(Duration::from_millis(400)).await;
        actuals.add("b".into(), 2.0);
        assert!(actuals.take(false).is_empty());

        actuals.wait_for_due().await;
        assert!(started.elapsed() >= Duration::from_millis(600));
        let ids = |due: Vec<Actual>| due.into_iter().map(|actual| actual.id).collect::<Vec<_>>();
        assert_eq!(ids(actuals.take(false)), ["a"]);
        assert_eq!(ids(actuals.take(true)), ["b"]);
    }

    #[tokio::test]
    async fn of_too_many_the_oldest_are_told_before_their_time() {
        let actuals = Actuals::new(Duration::from_secs(3600));
        for number in 0..MOST_PENDING {
            actuals.add(number.to_string(), 1.0);
        }
        assert!(actuals.room().await);
        assert!(actuals.take(false).is_empty());
        actuals.add("last".into(), 1.0);
        actuals.add("very last".into(), 1.0);

        let waited = tokio::time::timeout(Duration::from_millis(200), actuals.room()).await;
        assert!(waited.is_err(), "there is no room");
        actuals.wait_for_due().await;
        let due = actuals.take(false);
        assert_eq!(due.len(), 2);
        assert_eq!(due[0].id, "0");
        assert!(actuals.room().await);
    }
}
