//! Kafka: whether the brokers answer, and whether the topics are there and can be read.

use std::time::{Duration, Instant};

use rdkafka::metadata::{Metadata, MetadataTopic};

use super::finding::{Finding, broken_off};
use crate::kafka::KafkaConfig;
use crate::kafka::inquiry::{Inquiry, NO_ID};

/// librdkafka takes a wait of nothing for one without end.
const LEAST: Duration = Duration::from_millis(1);

/// Brokers that a program needs, with its topics.
pub(super) struct Brokers {
    pub config: KafkaConfig,
    pub topics: Vec<String>,
}

impl Brokers {
    pub fn and(mut self, other: Brokers) -> Brokers {
        for topic in other.topics {
            if !self.topics.contains(&topic) {
                self.topics.push(topic);
            }
        }
        self
    }

    pub async fn check(self, limit: Duration) -> Vec<Finding> {
        let asking = tokio::task::spawn_blocking(move || self.query(limit));
        asking
            .await
            .unwrap_or_else(|error| vec![broken_off("broker", &error)])
    }

    fn query(&self, limit: Duration) -> Vec<Finding> {
        let brokers = &self.config.brokers;
        let inquiry = match Inquiry::new(&self.config) {
            Ok(inquiry) => inquiry,
            Err(error) => {
                return self.away(Finding::failed(
                    "broker",
                    format!("{error:#}"),
                    "correct [kafka] and [kafka.properties] in the settings",
                ));
            }
        };
        let began = Instant::now();
        // All topics: a question after one that is not there may make it.
        let answer = inquiry.run(|client| {
            let metadata = client
                .fetch_metadata(None, limit)
                .map_err(|error| error.to_string())?;
            let id = client.fetch_cluster_id(rest(began, limit));
            Ok((metadata, id.ok_or_else(|| NO_ID.to_owned())?))
        });
        let (metadata, cluster) = match answer {
            Ok(answer) => answer,
            Err(why) => {
                return self.away(Finding::failed(
                    "broker",
                    format!("Kafka at {brokers} does not answer: {why}"),
                    "start it, or name another broker with --kafka or kafka.brokers; \
                     [kafka.properties] has the client's TLS and SASL settings",
                ));
            }
        };
        let mut findings = vec![Finding::passed(
            "broker",
            format!(
                "Kafka at {brokers} answers, cluster {cluster}, brokers: {}",
                metadata.brokers().len()
            ),
        )];
        let began = Instant::now();
        for topic in &self.topics {
            findings.push(self.topic(topic, &metadata, &inquiry, began, limit));
        }
        findings
    }

    /// What is left to say when the brokers cannot be asked.
    fn away(&self, failed: Finding) -> Vec<Finding> {
        let topics = self.topics.iter();
        let skipped = topics
            .map(|topic| Finding::skipped(format!("topic {topic}"), "not checked: see broker"));
        std::iter::once(failed).chain(skipped).collect()
    }

    fn topic(
        &self,
        name: &str,
        metadata: &Metadata,
        inquiry: &Inquiry,
        began: Instant,
        limit: Duration,
    ) -> Finding {
        let check = format!("topic {name}");
        let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else {
            let partitions = self.config.partitions;
            return Finding::warning(
                check,
                format!(
                    "does not exist, or this user may not see it; the service creates it at its \
                     start with {partitions} partitions (kafka.partitions)"
                ),
                format!(
                    "nothing, if the service may create topics; else: kafka-topics.sh \
                     --bootstrap-server {} --create --topic {name} --partitions {partitions}",
                    self.config.brokers
                ),
            );
        };
        if let Some(finding) = trouble(&check, topic) {
            return finding;
        }
        // One partition of each leader states whether that leader can be reached from here.
        let mut leaders: Vec<i32> = Vec::new();
        for partition in topic.partitions() {
            if leaders.contains(&partition.leader()) {
                continue;
            }
            leaders.push(partition.leader());
            let asked = inquiry.run(|client| {
                client
                    .fetch_watermarks(name, partition.id(), rest(began, limit))
                    .map_err(|error| error.to_string())
            });
            if let Err(why) = asked {
                let leader = address(metadata, partition.leader());
                return Finding::failed(
                    check,
                    format!(
                        "cannot read partition {} from its leader {leader}: {why}",
                        partition.id()
                    ),
                    "make the brokers' advertised.listeners reachable from here, and give this \
                     user the permissions Describe and Read",
                );
            }
        }
        let partitions = topic.partitions();
        let behind: Vec<String> = partitions
            .iter()
            .filter(|partition| partition.isr().len() < partition.replicas().len())
            .map(|partition| partition.id().to_string())
            .collect();
        let found = format!("partitions: {}", partitions.len());
        if behind.is_empty() {
            return Finding::passed(check, found);
        }
        Finding::warning(
            check,
            format!(
                "{found}; partitions with replicas that are not in sync: {}",
                behind.join(", ")
            ),
            "find the broker that is away, and start it",
        )
    }
}

/// What the brokers themselves say is wrong with a topic.
fn trouble(check: &str, topic: &MetadataTopic) -> Option<Finding> {
    let mend = "see the brokers' log; kafka-topics.sh --describe shows which broker is away";
    if let Some(error) = topic.error() {
        let why = rdkafka::types::RDKafkaErrorCode::from(error);
        return Some(Finding::failed(
            check,
            format!("Kafka reports: {why}"),
            mend,
        ));
    }
    let headless: Vec<String> = topic
        .partitions()
        .iter()
        .filter(|partition| partition.leader() < 0)
        .map(|partition| partition.id().to_string())
        .collect();
    if headless.is_empty() {
        return None;
    }
    let found = format!("partitions without a leader: {}", headless.join(", "));
    Some(Finding::failed(check, found, mend))
}

fn address(metadata: &Metadata, broker: i32) -> String {
    let mut brokers = metadata.brokers().iter();
    match brokers.find(|node| node.id() == broker) {
        Some(broker) => format!("{}:{}", broker.host(), broker.port()),
        None => format!("{broker}"),
    }
}

/// What is left of the wait for an answer.
fn rest(began: Instant, limit: Duration) -> Duration {
    limit.saturating_sub(began.elapsed()).max(LEAST)
}
