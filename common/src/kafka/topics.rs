//! Making topics that are not there.

use std::time::Duration;

use anyhow::Context;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

use super::{KafkaConfig, properties};

/// Makes the topics that the cluster does not have, with the configured number of partitions.
/// A cluster that cannot (the embedded broker) or may not is only warned about: it may make
/// topics by itself at the first message.
///
/// # Errors
/// When the cluster does not answer.
pub async fn ensure_topics(config: &KafkaConfig, topics: &[&str]) -> anyhow::Result<()> {
    let timeout = Duration::from_millis(config.timeout_ms);
    let admin: AdminClient<DefaultClientContext> =
        config.client().create().map_err(properties::explain)?;
    let admin = std::sync::Arc::new(admin);
    let asking = std::sync::Arc::clone(&admin);
    let present: Vec<String> = tokio::task::spawn_blocking(move || {
        asking
            .inner()
            .fetch_metadata(None, timeout)
            .map(|metadata| {
                metadata
                    .topics()
                    .iter()
                    .map(|topic| topic.name().to_owned())
                    .collect()
            })
    })
    .await?
    .context("Kafka did not list its topics")?;
    let missing: Vec<NewTopic> = topics
        .iter()
        .filter(|topic| !present.iter().any(|name| name == *topic))
        .map(|topic| NewTopic::new(topic, config.partitions, TopicReplication::Fixed(-1)))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let options = AdminOptions::new().operation_timeout(Some(timeout));
    match admin.create_topics(&missing, &options).await {
        Ok(results) => {
            for result in results {
                match result {
                    Ok(topic) => tracing::info!(topic, "created topic {topic}"),
                    Err((_, rdkafka::types::RDKafkaErrorCode::TopicAlreadyExists)) => {}
                    Err((topic, code)) => {
                        tracing::warn!(topic, "cannot create topic {topic}: {code}");
                    }
                }
            }
        }
        Err(error) => tracing::warn!(%error, "cannot create topics"),
    }
    Ok(())
}
