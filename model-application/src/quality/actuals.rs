//! Prices that became known, from the topic `actuals` to the table of the same name: whichever comes
//! first, the answer or the price, late or twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use backon::Retryable;
use common::database::forever;
use common::kafka::{Anchor, Anchored, Follow, Limits, Pipeline};
use common::liveness::Watchdog;
use common::reject_publisher::RejectPublisher;
use common::{Health, Metric, Shutdown};
use ledger::offsets::{self, AdvanceError, Stretch, Stretches};
use ledger::rejects::{self, Reject};
use rdkafka::Message;
use records::measure::Reading;
use records::{Schema, timestamp};
use serde_json::{Map, Value};
use sqlx::Connection;
use tokio::runtime::Handle;
use valuation::Link;

use crate::config::Config;

/// A batch is written when it has so many, or so many bytes, or is so old.
const LIMITS: Limits = Limits {
    rows: 10_000,
    bytes: 4 << 20,
    linger: Duration::from_millis(200),
};

/// A price that became known.
#[derive(Debug, Clone, PartialEq)]
struct Actual {
    request_id: String,
    actual: f64,
    /// Microseconds since 1970.
    observed_us: i64,
}

struct Batch {
    actuals: Vec<Actual>,
    rejects: Vec<Reject>,
    stretches: Stretches,
}

/// Reads the topic.
pub(crate) struct Learner {
    pipeline: Pipeline<Batch, ()>,
    follower: Follower,
    schema: Arc<Schema>,
    anchor: Anchor,
    shutdown: Shutdown,
}

impl Learner {
    pub fn new(
        config: &Config,
        runtime: &Handle,
        anchor: &Anchor,
        health: &Health,
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
            anchor,
            shutdown,
        })
    }

    pub fn run(mut self, runtime: &Handle) -> anyhow::Result<()> {
        while !self.shutdown.is_cancelled() {
            let gathered = self.gather();
            if !self.pipeline.settle_done(&mut self.follower)? {
                continue;
            }
            let Some(batch) = gathered else {
                continue;
            };
            let anchor = self.anchor.clone();
            let write = async move |batch: &Batch| write(&anchor, batch).await;
            self.pipeline.write(batch, &mut self.follower, write)?;
        }
        self.pipeline.settle(&mut self.follower)?;
        runtime.block_on(self.follower.publisher.finish());
        Ok(())
    }

    fn gather(&mut self) -> Option<Batch> {
        let (mut actuals, mut rejects) = (Vec::new(), Vec::new());
        let schema = &*self.schema;
        let gathered = self.pipeline.gather(&LIMITS, |message| {
            let payload = message.payload().unwrap_or_default();
            let arrival_us = message
                .timestamp()
                .to_millis()
                .map_or_else(timestamp::now_us, |ms| ms * 1000);
            match read(schema, payload, arrival_us) {
                Ok(actual) => actuals.push(actual),
                Err(reason) => rejects.push(Reject {
                    topic: message.topic().to_owned(),
                    partition: message.partition(),
                    offset: message.offset(),
                    code: "bad_actual",
                    reason,
                    key: message.key().map(<[u8]>::to_vec),
                    payload: payload.to_vec(),
                }),
            }
        });
        Some(Batch {
            actuals,
            rejects,
            stretches: gathered?,
        })
    }
}

/// What is told of prices that are in the database.
struct Follower {
    publisher: RejectPublisher,
}

impl Follow<Batch, ()> for Follower {
    fn stretches(batch: &Batch) -> &[Stretch] {
        &batch.stretches
    }

    fn written(&mut self, batch: Batch, (): (), _: &Anchored) {
        metrics::counter!(Metric::ApplierActuals.name()).increment(batch.actuals.len() as u64);
        self.publisher.publish(batch.rejects);
    }

    fn fenced(&mut self, _: &AdvanceError) {}
}

/// Reads `{"id": …, "price": …, "observed_at": …}`; the price is called as the schema's target.
///
/// # Errors
/// What is wrong, and what was expected.
fn read(schema: &Schema, payload: &[u8], arrival_us: i64) -> Result<Actual, String> {
    let expected = || {
        let target = schema.target.as_deref().unwrap_or("price");
        format!("expected {{\"id\": …, \"{target}\": …, \"observed_at\": …}}")
    };
    let record: Map<String, Value> =
        serde_json::from_slice(payload).map_err(|error| format!("{}: {error}", expected()))?;
    let request_id = match record.get("id").or_else(|| record.get(&schema.key)) {
        Some(Value::String(id)) if !id.trim().is_empty() && !id.contains('\0') => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        _ => return Err(format!("{}: the id of a request is missing", expected())),
    };
    let target = schema.target.as_deref().unwrap_or("price");
    let field = schema.field(target);
    let found = match (
        record.get(target),
        field.filter(|field| field.is_measured()),
    ) {
        (Some(Value::String(text)), Some(field)) => match field.read(text) {
            Reading::Value(value) => Some(value),
            Reading::OtherUnit(_) | Reading::NoNumber => None,
        },
        (found, _) => found.and_then(Value::as_f64),
    };
    let link = Link::of(schema);
    let actual = match found {
        Some(actual) if link.takes(actual) => actual,
        _ => {
            let bound = link.expected();
            return Err(format!("{}: {target} must be a number {bound}", expected()));
        }
    };
    let greatest = field.and_then(|field| field.max).unwrap_or(f64::MAX);
    let least = field.and_then(|field| field.min).unwrap_or(0.0);
    if !(least..=greatest).contains(&actual) {
        return Err(format!(
            "{target}: expected {least} to {greatest}, found {actual}"
        ));
    }
    let observed_us = match record.get("observed_at") {
        None | Some(Value::Null) => Some(arrival_us),
        Some(Value::String(text)) => timestamp::parse(text),
        Some(number) => number.as_f64().and_then(timestamp::from_number),
    };
    let observed_us =
        observed_us.ok_or_else(|| format!("{}: observed_at is no time", expected()))?;
    Ok(Actual {
        request_id,
        actual,
        observed_us,
    })
}

async fn write(anchor: &Anchor, batch: &Batch) -> Result<(), AdvanceError> {
    (|| write_once(anchor, batch))
        .retry(forever())
        .when(|error| matches!(error, AdvanceError::Database(_)))
        .notify(|error, wait| {
            let error = match error {
                AdvanceError::Database(source) => format!("{error}: {source}"),
                _ => error.to_string(),
            };
            tracing::warn!(retry_in_ms = wait.as_millis() as u64, "actuals: {error}");
        })
        .await
}

async fn write_once(anchor: &Anchor, batch: &Batch) -> Result<(), AdvanceError> {
    let mut connection = anchor.pool.acquire().await?;
    let written = async {
        let mut transaction = connection.begin().await?;
        // Of two observations the later one counts; in a batch the last of them.
        let mut newest: HashMap<&str, &Actual> = HashMap::new();
        for actual in &batch.actuals {
            let kept = newest.entry(&actual.request_id).or_insert(actual);
            if actual.observed_us >= kept.observed_us {
                *kept = actual;
            }
        }
        let newest: Vec<&Actual> = newest.into_values().collect();
        sqlx::query(
            "INSERT INTO actuals AS kept (request_id, actual, observed_at) \
             SELECT id, actual, to_timestamp(us / 1e6) \
             FROM unnest($1::text[], $2::float8[], $3::float8[]) AS new (id, actual, us) \
             ON CONFLICT (request_id) DO UPDATE SET actual = excluded.actual, \
             observed_at = excluded.observed_at WHERE excluded.observed_at >= kept.observed_at",
        )
        .bind(
            newest
                .iter()
                .map(|a| a.request_id.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(newest.iter().map(|a| a.actual).collect::<Vec<_>>())
        .bind(
            newest
                .iter()
                .map(|a| a.observed_us as f64)
                .collect::<Vec<_>>(),
        )
        .execute(&mut *transaction)
        .await?;
        let Anchor {
            cluster, consumer, ..
        } = anchor;
        rejects::store(&mut transaction, cluster, &batch.rejects).await?;
        offsets::advance(&mut transaction, cluster, consumer, &batch.stretches).await?;
        Ok(transaction.commit().await?)
    }
    .await;
    if let Err(AdvanceError::Database(_)) = written {
        connection.close_on_drop();
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_may_be_0() {
        let text = "name = \"x\"\nversion = 1\ntask = \"regression\"\ntable = \"x\"\nkey = \"id\"\n\
            target = \"clicks\"\n[[field]]\nname = \"id\"\nkind = \"text\"\n\
            [[field]]\nname = \"clicks\"\nkind = \"integer\"\nmin = 0";
        let schema = Schema::parse(text, "x").expect("a schema");
        let found = read(&schema, br#"{"id":1,"clicks":0}"#, 9).expect("a count");
        assert_eq!(found.actual, 0.0);
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
        assert_eq!((found.request_id.as_str(), found.actual), ("7", 5e6));
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
        assert_eq!(found.expect("a price").actual, 5.4e6);
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
            (r#"{"id":1,"price":5,"observed_at":"soon"}"#, "is no time"),
        ] {
            let error = read(&schema, payload.as_bytes(), 9).expect_err(payload);
            assert!(error.contains(expected), "{payload}: {error}");
        }
    }
}
