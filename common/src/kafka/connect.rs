//! Waiting for a broker that is late.

use std::sync::Arc;
use std::time::Duration;

use backon::Retryable;

use super::inquiry::{Inquiry, NO_ID};
use super::{KafkaConfig, ensure_topics};
use crate::database::forever;
use crate::health::Health;
use crate::shutdown::Shutdown;

/// Longest one question to the broker may take: between two, the reason is reported.
const ATTEMPT: Duration = Duration::from_secs(5);

/// Waits until the broker answers and gives the cluster's id; `None` when shut down before.
///
/// # Errors
/// When a property is wrong: waiting would not help.
pub async fn connect(
    config: &KafkaConfig,
    health: &Health,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<String>> {
    let place = config.brokers.clone();
    health.waiting("kafka", format!("connecting to Kafka at {place}"));
    // A wrong property is an error now, not one to try again after.
    Inquiry::new(config)?;
    let config = Arc::new(config.clone());
    let timeout = Duration::from_millis(config.timeout_ms).min(ATTEMPT);
    let attempt = || async {
        let config = Arc::clone(&config);
        tokio::task::spawn_blocking(move || {
            // One of its own for each try: a client that has lost its brokers gets none back.
            let inquiry = Inquiry::new(&config).map_err(|error| format!("{error:#}"))?;
            inquiry.run(|client| {
                client
                    .fetch_metadata(None, timeout)
                    .map_err(|error| error.to_string())?;
                let id = client.fetch_cluster_id(timeout);
                id.ok_or_else(|| NO_ID.to_owned())
            })
        })
        .await
        .map_err(|error| error.to_string())?
    };
    let connecting = attempt.retry(forever()).notify(|error: &String, wait| {
        let why = format!("Kafka at {place} does not answer: {error}");
        tracing::warn!(retry_in_ms = wait.as_millis() as u64, "{why}");
        health.waiting("kafka", why);
    });
    tokio::select! {
        cluster = connecting => {
            health.ready("kafka");
            cluster.map(Some).map_err(|error| anyhow::anyhow!(error))
        }
        () = shutdown.cancelled() => Ok(None),
    }
}

/// Waits until the broker answers and has `topics`, and gives the cluster's id; `None` when shut
/// down before.
///
/// # Errors
/// When a property is wrong: waiting would not help.
pub async fn open(
    config: &KafkaConfig,
    topics: &[&str],
    health: &Health,
    shutdown: &Shutdown,
) -> anyhow::Result<Option<String>> {
    let Some(cluster) = connect(config, health, shutdown).await? else {
        return Ok(None);
    };
    let making = (|| ensure_topics(config, topics)).retry(forever()).notify(
        |error: &anyhow::Error, wait| {
            tracing::warn!(retry_in_ms = wait.as_millis() as u64, "{error:#}");
            health.waiting("kafka", format!("{error:#}"));
        },
    );
    tokio::select! {
        made = making => {
            health.ready("kafka");
            made.map(|()| Some(cluster))
        }
        () = shutdown.cancelled() => Ok(None),
    }
}
