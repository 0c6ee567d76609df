//! Versions of listings on their way to Kafka: marked as published once Kafka has confirmed them, so that
//! none is lost, and one is sent again only where a crash fell in between.

use std::time::Duration;

use backon::BackoffBuilder;
use common::kafka::Producer;
use common::{Fault, Health, Shutdown};
use rdkafka::error::KafkaError;
use rdkafka::producer::FutureRecord;

use crate::control::Control;
use crate::frontier::{Frontier, FrontierError, Unpublished};
use crate::metrics::{PUBLISH_RETRIES, PUBLISHED};

/// Versions on their way at a time.
const AT_A_TIME: i64 = 500;
/// Pause between two looks at the table when nothing is there.
const LOOK: Duration = Duration::from_millis(500);
/// Longest wait for Kafka's word on a message, before it is sent again.
const DELIVERY: Duration = Duration::from_secs(60);
/// The part of the health report.
const PART: &str = "publishing";

/// What publishing needs.
pub(crate) struct Publisher<'a> {
    pub frontier: &'a Frontier,
    pub producer: Producer,
    pub topic: String,
    pub control: &'a Control,
    pub health: Health,
    /// After so many failures in a row the service is not ready.
    pub unready_after: u32,
}

impl Publisher<'_> {
    /// Publishes what is not published until `leave`.
    ///
    /// # Errors
    /// When the database refuses, or Kafka does for good.
    pub async fn run(&self, leave: &Shutdown) -> anyhow::Result<()> {
        let mut failures = 0;
        let mut waits = common::database::forever().build();
        while !leave.is_cancelled() {
            let waiting = match self.frontier.unpublished(AT_A_TIME).await {
                Err(FrontierError::Left) => return Ok(()),
                waiting => waiting?,
            };
            let pause = if waiting.is_empty() {
                LOOK
            } else {
                let sent = match self.publish(waiting).await {
                    // What was not marked is sent again after the next start.
                    Err(error) if matches!(error.downcast_ref(), Some(FrontierError::Left)) => {
                        return Ok(());
                    }
                    sent => sent?,
                };
                match sent {
                    None => {
                        (failures, waits) = (0, common::database::forever().build());
                        self.health.ready(PART);
                        continue;
                    }
                    Some(why) => {
                        failures += 1;
                        metrics::counter!(PUBLISH_RETRIES.name()).increment(1);
                        tracing::warn!(
                            error = why,
                            failures,
                            "cannot publish listings yet; retrying"
                        );
                        if failures >= self.unready_after {
                            self.health.waiting(PART, why);
                        }
                        waits.next().unwrap_or(Duration::from_secs(5))
                    }
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = leave.cancelled() => {}
            }
        }
        Ok(())
    }

    /// Sends these; why some of them have to be sent again.
    async fn publish(&self, versions: Vec<Unpublished>) -> anyhow::Result<Option<String>> {
        let mut on_their_way = Vec::with_capacity(versions.len());
        let mut why = None;
        for version in &versions {
            let record = FutureRecord::to(&self.topic)
                .key(&version.id)
                .payload(version.record.as_bytes());
            match self.producer.send_result(record) {
                Ok(delivery) => on_their_way.push((version, delivery)),
                Err((error, _)) => why = self.failed(version, &error).await?.or(why),
            }
        }
        let mut confirmed = Vec::with_capacity(on_their_way.len());
        for (version, delivery) in on_their_way {
            match tokio::time::timeout(DELIVERY, delivery).await {
                Ok(Ok(Ok(_))) => confirmed.push(version.seq),
                Ok(Ok(Err((error, _)))) => why = self.failed(version, &error).await?.or(why),
                Ok(Err(cancelled)) => why = Some(cancelled.to_string()),
                Err(_) => {
                    why = Some(format!(
                        "Kafka did not answer within {} s",
                        DELIVERY.as_secs()
                    ))
                }
            }
        }
        if !confirmed.is_empty() {
            self.frontier.published(&confirmed).await?;
            self.control.published(confirmed.len() as u64);
            metrics::counter!(PUBLISHED.name()).increment(confirmed.len() as u64);
        }
        Ok(why)
    }

    /// Why a version has to be sent again; `None` where it never will be.
    async fn failed(
        &self,
        version: &Unpublished,
        error: &KafkaError,
    ) -> anyhow::Result<Option<String>> {
        match Fault::of_kafka(error) {
            Fault::Passing => Ok(Some(error.to_string())),
            Fault::Row => {
                tracing::warn!(id = version.id, %error, "Kafka refuses a listing");
                self.frontier
                    .unpublishable(version.seq, &error.to_string())
                    .await?;
                Ok(None)
            }
            Fault::Setup => anyhow::bail!(
                "Kafka refuses listings on {}: {error}; check the permissions of this user",
                self.topic
            ),
        }
    }
}
