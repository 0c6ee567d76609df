//! Whether Kafka is there: reported once when it goes and once when it comes back.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::Health;
use common::kafka::Producer;
use tokio::sync::watch;
use tokio::time::Instant;

/// The part of [`Health`] that this is about.
pub(crate) const KAFKA: &str = "kafka";

/// How long a trigger waits for a service that has only just started.
const STARTING: Duration = Duration::from_secs(2);
/// Pause between two looks.
const LOOK: Duration = Duration::from_secs(2);
/// Longest one look may take.
const ANSWER: Duration = Duration::from_secs(5);

/// The connection to Kafka: whether a broker answers.
pub(crate) struct KafkaConnection {
    /// Where the state is shown.
    health: Health,
    /// Whether messages can be sent: everything is there.
    up: watch::Sender<bool>,
    /// Triggers that come at once after it are patient for a moment.
    started: Instant,
    /// Why Kafka was away the last time.
    last_error: Mutex<Option<String>>,
}

impl KafkaConnection {
    /// A connection that is not established yet.
    pub fn new(health: Health) -> KafkaConnection {
        KafkaConnection {
            health,
            up: watch::Sender::new(false),
            started: Instant::now(),
            last_error: Mutex::new(None),
        }
    }

    pub fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    /// Kafka is there.
    pub fn is_there(&self) {
        self.health.ready(KAFKA);
        self.up.send_replace(true);
    }

    /// Kafka is away; a warning is given the first time.
    pub fn is_away(&self, why: &str) {
        if self.up.send_replace(false) {
            let why = format!("Kafka is away: {why}; sending continues when it is back");
            tracing::warn!("{why}");
            *self.error() = Some(why.clone());
            self.health.waiting(KAFKA, why);
        }
    }

    /// Why Kafka was away the last time.
    pub fn last_error(&self) -> Option<String> {
        self.error().clone()
    }

    fn error(&self) -> MutexGuard<'_, Option<String>> {
        // A whole value is put in: a panic leaves none half written.
        self.last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until Kafka goes away.
    pub async fn gone(&self) {
        // An error means that the sender is gone, which `self` holds.
        let _ = self.up.subscribe().wait_for(|up| !up).await;
    }

    /// Whether messages can be sent; a service that has only just started is given a moment.
    ///
    /// # Errors
    /// What is waited for.
    pub async fn wait(&self) -> Result<(), String> {
        let mut up = self.up.subscribe();
        let started = tokio::time::timeout_at(self.started + STARTING, up.wait_for(|up| *up));
        if started.await.is_ok() || self.is_up() {
            return Ok(());
        }
        Err(self.waiting_for())
    }

    /// What is waited for, on one line.
    pub fn waiting_for(&self) -> String {
        let parts = self.health.report().into_values();
        let waiting: Vec<String> = parts.filter(|state| state != "ready").collect();
        waiting.join("; ")
    }

    /// Looks after Kafka until shutdown, so that an outage is known before a message needs it.
    pub async fn watch(&self, producer: &Producer, topic: &str, timeout: Duration) {
        let timeout = timeout.min(ANSWER);
        loop {
            tokio::time::sleep(LOOK).await;
            let (asking, topic) = (producer.clone(), topic.to_owned());
            let looked =
                tokio::task::spawn_blocking(move || asking.fetch_metadata(&topic, timeout));
            match looked.await {
                Ok(Ok(_)) if self.is_up() => {}
                Ok(Ok(_)) => {
                    tracing::info!("Kafka answers again");
                    self.is_there();
                }
                Ok(Err(error)) => self.is_away(&error.to_string()),
                // The look itself failed: nothing is known.
                Err(_) => {}
            }
        }
    }
}
