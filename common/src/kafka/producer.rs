//! A producer whose client is made again where it cannot continue.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::ToBytes;
use rdkafka::metadata::Metadata;
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, ClientContext, Statistics};

use super::properties;
use crate::metrics::KAFKA_CLIENTS_RENEWED;

/// Statistics without a broker to talk to, one a second, before the client is abandoned: librdkafka
/// drops all of them for good when a broker that has just started answers that the cluster has none
/// (librdkafka#5301).
const WITHOUT_BROKERS: u32 = 5;

/// What a client's callbacks leave behind.
#[derive(Clone, Default)]
struct Pulse {
    without_brokers: Arc<AtomicU32>,
}

impl ClientContext for Pulse {
    fn stats(&self, statistics: Statistics) {
        let mut brokers = statistics.brokers.values();
        match brokers.any(|broker| broker.source == "learned" || broker.source == "configured") {
            true => self.without_brokers.store(0, Ordering::Relaxed),
            false => {
                self.without_brokers.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!("Kafka producer: {error}: {reason}");
    }
}

/// A client, and what is known of it.
struct Client {
    producer: FutureProducer<Pulse>,
    pulse: Pulse,
}

impl Client {
    fn new(settings: &ClientConfig) -> KafkaResult<Client> {
        let pulse = Pulse::default();
        let producer = settings.create_with_context(pulse.clone())?;
        Ok(Client { producer, pulse })
    }

    /// Why it cannot continue.
    fn end(&self) -> Option<(&'static str, String)> {
        use rdkafka::producer::Producer as _;
        if let Some((_, reason)) = self.producer.client().fatal_error() {
            return Some(("fatal error", reason));
        }
        let is_lost = self.pulse.without_brokers.load(Ordering::Relaxed) >= WITHOUT_BROKERS;
        is_lost.then(|| {
            let why = "the client has no brokers left";
            ("no brokers", why.to_owned())
        })
    }
}

/// A producer whose messages arrive once and in order. After an error that is fatal to the idempotent
/// producer, or when librdkafka has lost its brokers, the next message goes to a new client; what the
/// old one had not delivered fails, and anyone who sent it sends it again. Cheap to clone.
#[derive(Clone)]
pub struct Producer {
    settings: Arc<ClientConfig>,
    client: Arc<Mutex<Client>>,
}

impl Producer {
    /// # Errors
    /// When a property is wrong; the message names it.
    pub(super) fn new(settings: ClientConfig) -> anyhow::Result<Producer> {
        let client = Client::new(&settings).map_err(properties::explain)?;
        Ok(Producer {
            settings: Arc::new(settings),
            client: Arc::new(Mutex::new(client)),
        })
    }

    /// Hands a message over; what becomes of it is known later.
    ///
    /// # Errors
    /// When the client does not take it, such as when its queue is full, with the message.
    #[allow(
        clippy::result_large_err,
        reason = "as the function of rdkafka that it stands for"
    )]
    pub fn send_result<'a, K, P>(
        &self,
        record: FutureRecord<'a, K, P>,
    ) -> Result<DeliveryFuture, (KafkaError, FutureRecord<'a, K, P>)>
    where
        K: ToBytes + ?Sized,
        P: ToBytes + ?Sized,
    {
        self.client().send_result(record)
    }

    /// Sends what was handed over, without waiting for more, and waits until it is delivered or has failed, or
    /// for `timeout`: true when nothing is left. Blocks the thread. Of rdkafka's own flush the first half asks
    /// for that and takes it back at once: its brokers' threads mostly miss it, and `linger.ms` holds.
    #[allow(unsafe_code)]
    pub fn flush(&self, timeout: Duration) -> bool {
        use rdkafka::producer::Producer as _;
        let producer = self.client();
        let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the pointer is that of the client that `producer` keeps alive; the function may be called
        // from any thread. Delivery reports are events, which the client's own thread takes.
        let flushed = unsafe {
            rdkafka::bindings::rd_kafka_flush(producer.client().native_ptr(), timeout_ms)
        };
        flushed == rdkafka::bindings::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
    }

    /// Asks what the cluster knows of a topic; blocks until the answer or the end of `timeout`.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn fetch_metadata(&self, topic: &str, timeout: Duration) -> KafkaResult<Metadata> {
        use rdkafka::producer::Producer as _;
        self.client().client().fetch_metadata(Some(topic), timeout)
    }

    /// The client of the moment: a living one.
    fn client(&self) -> FutureProducer<Pulse> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((kind, why)) = client.end() else {
            return client.producer.clone();
        };
        tracing::warn!("replacing the Kafka producer: {why}");
        metrics::counter!(
            KAFKA_CLIENTS_RENEWED.name(), "client" => "producer", "why" => kind
        )
        .increment(1);
        match Client::new(&self.settings) {
            Ok(made) => {
                let old = std::mem::replace(&mut *client, made);
                // What waits in it fails now; closing it may block.
                std::thread::spawn(move || drop(old));
            }
            // The next message tries again.
            Err(error) => tracing::error!(%error, "cannot replace the Kafka producer"),
        }
        client.producer.clone()
    }
}

#[cfg(test)]
mod tests {
    // librdkafka's hook for tests of fatal errors is a C function.
    #![allow(unsafe_code)]

    use std::time::Duration;

    use rdkafka::bindings as native;
    use rdkafka::producer::Producer as _;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    /// With librdkafka's mock cluster within the client.
    fn producer() -> Producer {
        let mut settings = ClientConfig::new();
        settings.set("test.mock.num.brokers", "1");
        settings.set("enable.idempotence", "true");
        settings.set("statistics.interval.ms", "100");
        Producer::new(settings).expect("a producer")
    }

    async fn is_delivered(producer: &Producer) -> bool {
        let Ok(delivery) = producer.send_result(FutureRecord::to("t").key("k").payload("p")) else {
            return false;
        };
        let delivered = tokio::time::timeout(LIMIT, delivery).await;
        delivered.is_ok_and(|delivered| delivered.is_ok_and(|delivered| delivered.is_ok()))
    }

    async fn delivers_again(producer: &Producer) {
        let until = std::time::Instant::now() + LIMIT;
        while !is_delivered(producer).await {
            assert!(
                std::time::Instant::now() < until,
                "nothing is delivered any more"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn after_a_fatal_error_another_client_delivers() {
        let producer = producer();
        assert!(is_delivered(&producer).await);
        let first = producer.client();
        let raised = unsafe {
            native::rd_kafka_test_fatal_error(
                first.client().native_ptr(),
                native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
                c"a test".as_ptr(),
            )
        };
        assert_eq!(
            raised,
            native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
        );
        delivers_again(&producer).await;
        assert!(first.client().fatal_error().is_some());
        assert!(producer.client().client().fatal_error().is_none());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_client_that_has_lost_its_brokers_is_replaced() {
        let producer = producer();
        let first = producer.client().client().native_ptr() as usize;
        let pulse = producer.client.lock().expect("no panic").pulse.clone();
        for _ in 0..WITHOUT_BROKERS {
            pulse.stats(Statistics::default());
        }
        delivers_again(&producer).await;
        assert_ne!(producer.client().client().native_ptr() as usize, first);
    }
}
