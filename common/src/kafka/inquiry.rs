//! Questions to the brokers, and why one was not answered.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};

use super::{KafkaConfig, properties};

/// What a broker that leaves the cluster's id out is told to lack.
pub(crate) const NO_ID: &str = "it does not report its cluster id";
/// Most events looked through for the reason of a failure.
const EVENTS: u32 = 20;

/// Remembers the last log line of librdkafka: it gives the reason of a failure only in its log.
#[derive(Clone, Default)]
pub(crate) struct LastError(Arc<Mutex<Option<String>>>);

impl LastError {
    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for LastError {
    fn stats_raw(&self, _: &[u8]) {}

    fn error(&self, _error: KafkaError, reason: &str) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // That all brokers are down comes last, and says less than why each is.
        if last.is_none() || !reason.contains("brokers are down") {
            *last = Some(reason.to_owned());
        }
    }
}

impl ProducerContext for LastError {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &rdkafka::producer::DeliveryResult<'_>, _: Self::DeliveryOpaque) {}
}

/// A client that only asks: it sends nothing and joins no group.
pub(crate) struct Inquiry {
    producer: BaseProducer<LastError>,
    last_error: LastError,
}

impl Inquiry {
    /// # Errors
    /// When a property is wrong; the message names it.
    pub fn new(config: &KafkaConfig) -> anyhow::Result<Inquiry> {
        let last_error = LastError::default();
        let producer = config
            .client()
            .create_with_context(last_error.clone())
            .map_err(properties::explain)?;
        Ok(Inquiry {
            producer,
            last_error,
        })
    }

    /// Asks, and blocks until there is an answer.
    ///
    /// # Errors
    /// When there is none: the reason from librdkafka's log, else the question's own.
    pub fn run<T>(
        &self,
        question: impl FnOnce(&Client<LastError>) -> Result<T, String>,
    ) -> Result<T, String> {
        let answer = question(self.producer.client());
        // Calls back with what went wrong, one event a call.
        for _ in 0..EVENTS {
            self.producer.poll(Duration::ZERO);
        }
        answer.map_err(|error| self.last_error.take().unwrap_or(error))
    }
}
