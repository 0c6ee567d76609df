//! Rejects on their way to the topic `rejects`. The table already has them, so a failure is only
//! warned about.

use std::time::Duration;

use rdkafka::producer::FutureRecord;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::kafka::Producer;
use ledger::rejects::Reject;

/// Longest to wait for a batch's delivery.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Batches that may wait: beyond, whoever tells waits for Kafka.
const QUEUE: usize = 16;

/// Tells of rejects one batch after the other, while others are worked on.
pub struct Teller {
    queue: mpsc::Sender<Vec<Reject>>,
    task: JoinHandle<()>,
}

impl Teller {
    /// Starts the task.
    pub fn start(runtime: &Handle, producer: Producer, topic: String) -> Teller {
        let (queue, mut waiting) = mpsc::channel::<Vec<Reject>>(QUEUE);
        let task = runtime.spawn(async move {
            while let Some(rejects) = waiting.recv().await {
                tell(&producer, &topic, &rejects).await;
            }
        });
        Teller { queue, task }
    }

    /// Takes a batch's rejects.
    pub fn tell(&self, rejects: Vec<Reject>) {
        if !rejects.is_empty() && self.queue.blocking_send(rejects).is_err() {
            tracing::warn!(
                "rejects are in the table, but not on their topic: it is not told of any more"
            );
        }
    }

    /// Waits until all are told of.
    pub async fn finish(self) {
        drop(self.queue);
        if let Err(error) = self.task.await {
            tracing::error!("telling of rejects broke off: {error}");
        }
    }
}

async fn tell(producer: &Producer, topic: &str, rejects: &[Reject]) {
    let mut on_their_way = Vec::with_capacity(rejects.len());
    for reject in rejects {
        let payload = reject.to_json();
        let place = reject.place();
        let record = FutureRecord::to(topic).key(&place).payload(&payload);
        match producer.send_result(record) {
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
    match tokio::time::timeout(TIMEOUT, delivered).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!("rejects are in the table, but not all on their topic: {error}");
        }
        Err(_) => {
            tracing::warn!("rejects are in the table, but Kafka did not confirm them in time")
        }
    }
}
