//! Publishes rejects on the topic `rejects`. The table already has them, so a failure is counted and logged,
//! and never stops what comes after it.

use std::time::Duration;

use ledger::rejects::Reject;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryFuture, FutureRecord};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::kafka::Producer;
use crate::metrics::REJECTS_UNPUBLISHED;

/// Longest to wait for a batch's delivery.
const DELIVERY: Duration = Duration::from_secs(5);
/// Batches that may wait: beyond, the caller waits for Kafka.
const QUEUE: usize = 16;
/// Longest the caller waits for room in the queue.
const ROOM: Duration = Duration::from_secs(10);
/// Longest to wait at the end for what is still on its way.
const FINISH: Duration = Duration::from_secs(10);
/// Pause before the next try while librdkafka's own queue is full.
const FULL: Duration = Duration::from_millis(20);

/// Publishes rejects one batch after the other, while others are worked on.
pub struct RejectPublisher {
    queue: mpsc::Sender<Vec<Reject>>,
    task: JoinHandle<()>,
    runtime: Handle,
}

impl RejectPublisher {
    /// Starts the task.
    pub fn start(runtime: &Handle, producer: Producer, topic: String) -> RejectPublisher {
        let (queue, mut waiting) = mpsc::channel::<Vec<Reject>>(QUEUE);
        let task = runtime.spawn(async move {
            while let Some(rejects) = waiting.recv().await {
                publish(&producer, &topic, &rejects).await;
            }
        });
        RejectPublisher {
            queue,
            task,
            runtime: runtime.clone(),
        }
    }

    /// Takes a batch's rejects; call from a thread that may block. Where Kafka is so slow that there is no
    /// room for them in time, they stay in the table alone.
    pub fn publish(&self, rejects: Vec<Reject>) {
        if rejects.is_empty() {
            return;
        }
        let count = rejects.len();
        let sending = self.queue.send_timeout(rejects, ROOM);
        // Made within the runtime: a timeout needs its clock.
        if self.runtime.block_on(sending).is_err() {
            unpublished(count, "Kafka accepts them too slowly");
        }
    }

    /// Waits until all are published, within a bound.
    pub async fn finish(self) {
        drop(self.queue);
        let mut task = self.task;
        match tokio::time::timeout(FINISH, &mut task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "publishing rejects failed"),
            Err(_) => {
                task.abort();
                tracing::warn!(
                    "Kafka did not confirm all rejects in time: the others are only in the table"
                );
            }
        }
    }
}

/// Publishes what Kafka takes, within [`DELIVERY`].
async fn publish(producer: &Producer, topic: &str, rejects: &[Reject]) {
    let until = Instant::now() + DELIVERY;
    let mut deliveries = Vec::with_capacity(rejects.len());
    let (mut failed, mut why) = (0, String::new());
    for reject in rejects {
        match send(producer, topic, reject, until).await {
            Ok(delivery) => deliveries.push(delivery),
            // The others may well be taken.
            Err(error) => {
                failed += 1;
                why = error.to_string();
            }
        }
    }
    for delivery in deliveries {
        match tokio::time::timeout_at(until, delivery).await {
            Ok(Ok(Ok(_))) => {}
            Ok(Ok(Err((error, _)))) => {
                failed += 1;
                why = error.to_string();
            }
            Ok(Err(_)) => {
                failed += 1;
                why = "the producer was closed".to_owned();
            }
            Err(_) => {
                failed += 1;
                why = format!("Kafka did not confirm them within {} s", DELIVERY.as_secs());
            }
        }
    }
    if failed > 0 {
        unpublished(failed, &why);
    }
}

/// Hands a reject to librdkafka, waiting for room in its queue until the deadline.
async fn send(
    producer: &Producer,
    topic: &str,
    reject: &Reject,
    until: Instant,
) -> Result<DeliveryFuture, KafkaError> {
    let (payload, place) = (reject.to_json(), reject.place());
    loop {
        let record = FutureRecord::to(topic).key(&place).payload(&payload);
        let error = match producer.send_result(record) {
            Ok(delivery) => return Ok(delivery),
            Err((error, _)) => error,
        };
        let is_full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
        if !is_full || Instant::now() >= until {
            return Err(error);
        }
        tokio::time::sleep(FULL).await;
    }
}

fn unpublished(count: usize, why: &str) {
    metrics::counter!(REJECTS_UNPUBLISHED.name()).increment(count as u64);
    tracing::warn!(
        rejects = count,
        "rejects are in the table but not on their topic: {why}"
    );
}
