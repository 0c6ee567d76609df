//! Messages on their way: bounded, and each one settled, delivered or not.

use std::collections::VecDeque;
use std::time::Duration;

use common::kafka::Producer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::FutureRecord;
use rdkafka::producer::future_producer::DeliveryFuture;
use tokio::time::Instant;

/// Most messages of one sender on their way at a time.
const MOST: usize = 1000;
/// Longest wait for what became of a message: librdkafka says it within `message.timeout.ms`, 5 minutes by
/// default. No sender waits forever for one that it has forgotten.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Pause before a full queue, which other senders share, is retried.
const QUEUE_FULL: Duration = Duration::from_millis(20);

/// Sends messages to one topic. `settle` gets each message once, in the order they were sent:
/// that it was delivered, or why not (librdkafka tries for `message.timeout.ms`, 5 minutes).
pub(crate) struct InFlight<'a, T, F> {
    producer: &'a Producer,
    topic: &'a str,
    /// What each message is to its sender, the oldest first.
    waiting: VecDeque<(DeliveryFuture, Instant, T)>,
    settle: F,
}

impl<'a, T, F: FnMut(T, Result<(), KafkaError>)> InFlight<'a, T, F> {
    pub fn new(producer: &'a Producer, topic: &'a str, settle: F) -> Self {
        InFlight {
            producer,
            topic,
            waiting: VecDeque::new(),
            settle,
        }
    }

    /// Hands a message over; waits for the oldest where too many are on their way.
    pub async fn send(&mut self, key: &str, payload: &[u8], what: T) {
        while self.waiting.len() >= MOST {
            self.settle_oldest().await;
        }
        let until = Instant::now() + LONGEST;
        loop {
            let record = FutureRecord::to(self.topic).key(key).payload(payload);
            match self.producer.send_result(record) {
                Ok(delivery) => {
                    let until = Instant::now() + LONGEST;
                    return self.waiting.push_back((delivery, until, what));
                }
                // The queue empties at the latest when its messages are abandoned.
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _))
                    if Instant::now() < until =>
                {
                    if self.waiting.is_empty() {
                        tokio::time::sleep(QUEUE_FULL).await;
                    }
                    self.settle_oldest().await;
                }
                Err((error, _)) => return (self.settle)(what, Err(error)),
            }
        }
    }

    /// What the oldest message on its way is to its sender.
    pub fn oldest(&self) -> Option<&T> {
        self.waiting.front().map(|(.., what)| what)
    }

    /// Settles what is delivered until `time`, then leaves the others on their way.
    pub async fn settle_until(&mut self, time: Instant) {
        while !self.waiting.is_empty() {
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(time) => return,
                () = self.settle_oldest() => {}
            }
        }
        tokio::time::sleep_until(time).await;
    }

    /// Waits until all are settled. May be interrupted: those left are then not heard of.
    pub async fn settle_all(&mut self) {
        while !self.waiting.is_empty() {
            self.settle_oldest().await;
        }
    }

    /// Loses nothing when interrupted: the message is taken out only once it is settled.
    async fn settle_oldest(&mut self) {
        let Some((delivery, until, _)) = self.waiting.front_mut() else {
            return;
        };
        let result = match tokio::time::timeout_at(*until, delivery).await {
            Ok(Ok(Ok(_))) => Ok(()),
            Ok(Ok(Err((error, _)))) => Err(error),
            Ok(Err(_)) => Err(KafkaError::Canceled),
            Err(_) => Err(KafkaError::MessageProduction(
                RDKafkaErrorCode::MessageTimedOut,
            )),
        };
        if let Some((.., what)) = self.waiting.pop_front() {
            (self.settle)(what, result);
        }
    }
}
