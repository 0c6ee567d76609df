//! Prices that became known, from the topic `actuals` to the table of the same name: whichever comes
//! first, the answer or the price, late or twice.

use std::sync::Arc;
use std::time::Duration;

use common::arrival::Arrivals;
use common::kafka::{Anchor, Anchored, Follow, Limits, Opened, Pipeline, Values};
use common::liveness::Watchdog;
use common::reject_publisher::RejectPublisher;
use common::{Health, Shutdown};
use ledger::offsets::{AdvanceError, Stretch};
use ledger::rejects::Reject;
use rdkafka::Message;
use records::limits::{KEY_BYTES, MESSAGE_BYTES};
use records::{Schema, timestamp};
use serde_json::{Map, Value};
use tokio::runtime::Handle;

use super::batch::{Actual, BAD_ACTUAL, Batch};
use super::label;
use super::labels::Labels;
use crate::answer::Namespace;
use crate::config::Config;
use crate::levels::Levels;
use crate::metrics::ACTUALS;
use crate::serving::Serving;
use crate::source::Sources;

/// A batch is written when it has so many, or so many bytes, or is so old.
const LIMITS: Limits = Limits {
    rows: 10_000,
    bytes: 4 << 20,
    linger: Duration::from_millis(200),
    not_before: None,
};

/// An observation that is later than our clock by more than this would win over every true later one. A
/// day covers clocks and time zones that are off.
const AHEAD_US: i64 = 24 * 3600 * 1_000_000;

/// The reject's reason for a message that deletes a record of the labels' source: a label stays.
const DELETED: &str = "the message says that a record was deleted; expected a label: let the connector skip \
                       deletions (skipped.operations = \"d\", tombstones.on.delete = false)";

/// Reads the topic.
pub(crate) struct Learner {
    pipeline: Pipeline<Batch, Vec<Reject>>,
    follower: Follower,
    schema: Arc<Schema>,
    values: Values,
    /// Judges when labels arrived.
    arrivals: Arrivals,
    labels: Arc<Labels>,
    /// States which levels the model that answers has.
    serving: Arc<Serving>,
    shutdown: Shutdown,
}

impl Learner {
    pub fn new(
        config: &Config,
        runtime: &Handle,
        anchor: &Anchor,
        health: &Health,
        serving: Arc<Serving>,
        shutdown: Shutdown,
    ) -> anyhow::Result<Learner> {
        let anchor = Anchor {
            consumer: format!("{}-actuals", anchor.consumer),
            ..anchor.clone()
        };
        let topics = &config.kafka.topics;
        let consumer = Anchored::subscribe(
            &config.kafka,
            &[&topics.actuals],
            config.applier.fetch_wait_ms,
            anchor.clone(),
            // Requests are answered without it.
            Health::default(),
            Watchdog::new(health, "labels", &config.liveness),
            shutdown.clone(),
        )?;
        let producer = config.kafka.producer()?;
        Ok(Learner {
            pipeline: Pipeline::new(consumer, runtime, shutdown.clone()),
            follower: Follower {
                publisher: RejectPublisher::start(runtime, producer, topics.rejects.clone()),
            },
            schema: Arc::clone(&config.schema),
            values: Values::new(
                &config.kafka.schema_registry,
                config.kafka.formats.actuals,
                config.kafka.envelopes.actuals,
                MESSAGE_BYTES,
            )?,
            arrivals: Arrivals::default(),
            labels: Arc::new(Labels::new(anchor, health, config)),
            serving,
            shutdown,
        })
    }

    pub fn run(mut self, runtime: &Handle) -> anyhow::Result<()> {
        while !self.shutdown.is_cancelled() {
            let gathered = self.gather();
            self.values.check()?;
            if !self.pipeline.settle_done(&mut self.follower)? {
                continue;
            }
            let Some(batch) = gathered else {
                continue;
            };
            let labels = Arc::clone(&self.labels);
            let write = async move |batch: &Batch| labels.write(batch).await;
            self.pipeline.write(batch, &mut self.follower, write)?;
        }
        self.pipeline.settle(&mut self.follower)?;
        runtime.block_on(self.follower.publisher.finish());
        Ok(())
    }

    fn gather(&mut self) -> Option<Batch> {
        let (mut actuals, mut rejects) = (Vec::new(), Vec::new());
        let mut sources = Sources::default();
        let (schema, arrivals) = (&*self.schema, &mut self.arrivals);
        let values = &mut self.values;
        let answering = self.serving.current();
        let levels = answering.as_ref().and_then(|loaded| loaded.levels.as_ref());
        let gathered = self.pipeline.gather(&LIMITS, |message, _| {
            let payload = message.payload().unwrap_or_default();
            let arrival_us = arrivals.of(message).us;
            let mut buffer = Vec::new();
            let label = match values.open(payload, &mut buffer) {
                Ok(Opened::Record(record)) => read(schema, levels, record, arrival_us),
                Ok(Opened::Deleted(_)) => Err(DELETED.to_owned()),
                Err(error) => Err(error.to_string()),
            };
            match label {
                Ok(actual) => {
                    actuals.push(actual);
                    sources.push(message);
                }
                Err(reason) => rejects.push(Reject {
                    topic: message.topic().to_owned(),
                    partition: message.partition(),
                    offset: message.offset(),
                    code: BAD_ACTUAL,
                    reason,
                    key: message.key().map(<[u8]>::to_vec),
                    payload: payload.to_vec(),
                }),
            }
        });
        Some(Batch {
            actuals,
            sources,
            rejects,
            stretches: gathered?,
        })
    }
}

/// Reports the labels that are in the database.
struct Follower {
    publisher: RejectPublisher,
}

impl Follow<Batch, Vec<Reject>> for Follower {
    fn stretches(batch: &Batch) -> &[Stretch] {
        &batch.stretches
    }

    /// `late` of the prices became rejects when they were stored.
    fn written(&mut self, mut batch: Batch, late: Vec<Reject>, _: &Anchored) {
        let stored = batch.actuals.len() - late.len();
        metrics::counter!(ACTUALS.name()).increment(stored as u64);
        batch.rejects.extend(late);
        self.publisher.publish(batch.rejects);
    }

    fn fenced(&mut self, _: &AdvanceError) {}
}

/// Reads `{"id": …, "price": …, "observed_at": …}`; the price is called as the schema's target.
///
/// # Errors
/// What is wrong, and what was expected.
fn read(
    schema: &Schema,
    levels: Option<&Levels>,
    payload: &[u8],
    arrival_us: i64,
) -> Result<Actual, String> {
    let expected = || {
        let target = schema.target.as_deref().unwrap_or("price");
        format!("expected {{\"id\": …, \"{target}\": …, \"observed_at\": …}}")
    };
    if payload.len() > MESSAGE_BYTES {
        let found = payload.len();
        return Err(format!(
            "{}, at most {MESSAGE_BYTES} bytes; found {found}",
            expected()
        ));
    }
    let record: Map<String, Value> =
        serde_json::from_slice(payload).map_err(|error| format!("{}: {error}", expected()))?;
    let request_id = match record.get("id").or_else(|| record.get(&schema.key)) {
        // Without the spaces around it, as requests are read.
        Some(Value::String(id)) if !id.trim().is_empty() && !id.contains('\0') => {
            id.trim().to_owned()
        }
        Some(Value::Number(id)) => id.to_string(),
        _ => return Err(format!("{}: the id of a request is missing", expected())),
    };
    let most = KEY_BYTES + Namespace::LONGEST;
    if request_id.len() > most {
        let found = request_id.len();
        return Err(format!(
            "the id of a request has at most {most} bytes; found {found}"
        ));
    }
    let target = schema.target.as_deref().unwrap_or("price");
    let label = label::read(schema, levels, record.get(target))
        .map_err(|error| format!("{}: {error}", expected()))?;
    let observed_us = match record.get("observed_at") {
        None | Some(Value::Null) => Some(arrival_us),
        Some(Value::String(text)) => timestamp::parse(text),
        Some(number) => number.as_f64().and_then(timestamp::from_number),
    };
    let observed_us =
        observed_us.ok_or_else(|| format!("{}: observed_at is not a time", expected()))?;
    let now_us = timestamp::now_us();
    if observed_us > now_us.saturating_add(AHEAD_US) {
        let found = timestamp::format(observed_us);
        return Err(format!(
            "observed_at: expected a time not later than a day after now ({}), found {found}",
            timestamp::format(now_us)
        ));
    }
    Ok(Actual {
        request_id,
        label,
        observed_us,
    })
}

#[cfg(test)]
mod tests {
    use super::super::label::Label;
    use super::*;

    fn read(schema: &Schema, payload: &[u8], arrival_us: i64) -> Result<Actual, String> {
        super::read(schema, None, payload, arrival_us)
    }

    #[test]
    fn a_count_may_be_0() {
        let text = "name = \"x\"\nversion = 1\ntask = \"regression\"\ntable = \"x\"\nkey = \"id\"\n\
            target = \"clicks\"\n[[field]]\nname = \"id\"\nkind = \"text\"\n\
            [[field]]\nname = \"clicks\"\nkind = \"integer\"\nmin = 0";
        let schema = Schema::parse(text, "x").expect("a schema");
        let found = read(&schema, br#"{"id":1,"clicks":0}"#, 9).expect("a count");
        assert_eq!(found.label, Label::Number(0.0));
        let error = read(&schema, br#"{"id":1,"clicks":-1}"#, 9).expect_err("below 0");
        assert!(
            error.contains("clicks must be a number not below 0"),
            "{error}"
        );
    }

    #[test]
    fn prices_are_read_and_what_is_none_is_told() {
        let schema = Schema::real_estate();
        let found = read(
            &schema,
            br#"{"id":7,"price":5e6,"observed_at":"2026-01-02T03:04:05Z"}"#,
            9,
        );
        let found = found.expect("a price");
        assert_eq!(found.request_id, "7");
        assert_eq!(found.label, Label::Number(5e6));
        assert_eq!(
            timestamp::format(found.observed_us),
            "2026-01-02T03:04:05.000000Z"
        );
        let found = read(&schema, br#"{"id":"a","price":1,"x":[]}"#, 9).expect("a price");
        assert_eq!(found.observed_us, 9, "the time of the message stands in");
        let found = read(
            &schema,
            "{\"id\":1,\"price\":\"5,400,000 ₽\"}".as_bytes(),
            9,
        );
        assert_eq!(found.expect("a price").label, Label::Number(5.4e6));
        for (payload, expected) in [
            ("", "expected {"),
            ("{}", "the id of a request"),
            (r#"{"id":"","price":1}"#, "the id of a request"),
            (r#"{"id":1}"#, "price must be a number above 0"),
            (
                r#"{"id":1,"price":"5 $"}"#,
                "price must be a number above 0",
            ),
            (
                r#"{"id":1,"price":"dear"}"#,
                "price must be a number above 0",
            ),
            (r#"{"id":1,"price":-5}"#, "price must be a number above 0"),
            (r#"{"id":1,"price":1e13}"#, "found 10000000000000"),
            (
                r#"{"id":1,"price":5,"observed_at":"soon"}"#,
                "is not a time",
            ),
            (
                r#"{"id":1,"price":5,"observed_at":"2126-11-01T00:00:00Z"}"#,
                "not later than a day after now",
            ),
        ] {
            let error = read(&schema, payload.as_bytes(), 9).expect_err(payload);
            assert!(error.contains(expected), "{payload}: {error}");
        }
    }
}
