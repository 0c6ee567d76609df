//! A CSV or Parquet file, or a folder of Parquet files, sent through the schema as if its records had just been produced.

mod account;
mod batches;
mod fields;
mod folder;
mod job;
mod pace;
mod part;
pub mod progress;
mod size;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, bail};
use arrow_array::cast::AsArray;
use common::kafka::{self, KafkaConfig};
use common::{Health, Shutdown};
use rdkafka::error::KafkaError;
use records::file::{FileBatch, FileReader};
use records::{Purpose, Schema, encode};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::in_flight::InFlight;
use batches::Turns;
use pace::Pace;

pub use account::{Account, End, Summary};
pub use batches::Batches;
pub use job::Job;
pub use part::Part;

/// Records read at a time; fewer where the pace is slow, so that it can be stopped anywhere.
const AT_A_TIME: u64 = 1000;
/// How long to wait for a broker that does not answer.
const BROKER: Duration = Duration::from_secs(30);
/// Pause before a replay that is held looks again.
const HELD: Duration = Duration::from_millis(20);
/// How long to wait for messages on their way when stopped.
const LEAVING: Duration = Duration::from_secs(5);

/// Section `[schema]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaConfig {
    source: String,
}

/// What a replay needs of the settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// Decides which records are good, which of their fields are sent, and how they are written.
    pub schema: Schema,
    /// Section `[kafka]`.
    pub kafka: KafkaConfig,
}

impl Config {
    /// Takes the sections `[schema]` and `[kafka]` out of the layers.
    ///
    /// # Errors
    /// When a setting or the schema is not valid.
    pub fn new(layered: &common::Layered) -> anyhow::Result<Config> {
        let source: SchemaConfig = layered.section("schema")?;
        Ok(Config {
            schema: Schema::load(&source.source)?,
            kafka: layered.section("kafka")?,
        })
    }
}

/// What is sent of a record.
#[derive(Clone, Copy)]
enum Sends {
    /// All of it.
    Listing,
    /// All but the target.
    Request,
    /// Its key and its target, as a price that has become known.
    Actual,
}

impl Sends {
    fn purpose(self) -> Purpose {
        match self {
            Sends::Request => Purpose::Request,
            Sends::Listing | Sends::Actual => Purpose::Listing,
        }
    }

    fn payload(self, schema: &Schema, mut record: Map<String, Value>) -> Vec<u8> {
        if let Sends::Actual = self {
            let target = schema.target.as_deref().unwrap_or_default();
            let mut take = |name: &str| record.remove(name).unwrap_or_default();
            let (id, price) = (take(&schema.key), take(target));
            record = Map::from_iter([
                ("id".to_owned(), id),
                (target.to_owned(), price),
                (
                    "observed_at".to_owned(),
                    chrono::Utc::now().to_rfc3339().into(),
                ),
            ]);
        }
        Value::Object(record).to_string().into_bytes()
    }
}

impl Job {
    /// The topic's name and what goes there of a record.
    fn topic(&self, kafka: &KafkaConfig) -> (String, Sends) {
        let topics = &kafka.topics;
        match self.topic.as_str() {
            "requests" => (topics.requests.clone(), Sends::Request),
            name if name == topics.requests => (topics.requests.clone(), Sends::Request),
            "actuals" => (topics.actuals.clone(), Sends::Actual),
            name if name == topics.actuals => (topics.actuals.clone(), Sends::Actual),
            "new_data" => (topics.new_data.clone(), Sends::Listing),
            name => (name.to_owned(), Sends::Listing),
        }
    }
}

/// Sends the good records of a file; the others are counted in `account`, which can be checked
/// meanwhile. A message counts as sent once Kafka has confirmed it. `shutdown` stops it between
/// two records.
///
/// # Errors
/// When the file cannot be used with the schema or fails, when no broker answers within
/// 30 s, when there are more batches than records, or when a message is not delivered; the error
/// states how to continue from there.
pub async fn replay(
    config: &Config,
    job: &Job,
    account: &Account,
    shutdown: &Shutdown,
) -> anyhow::Result<Summary> {
    let (topic, sends) = job.topic(&config.kafka);
    if let (Sends::Actual, None) = (sends, &config.schema.target) {
        bail!(
            "{topic}: expected a schema with a target, which is the label; the schema {} has none, \
             or --fields omits it",
            config.schema.name
        );
    }
    let mut source = Source::open(job, &config.schema, sends.purpose(), account).await?;
    let records = match job.batches {
        None => {
            size::count(folder::files(&job.file)?, account.total());
            None
        }
        Some(batches) => {
            let counting = size::exactly(job, &config.schema, sends.purpose(), shutdown);
            let Some(records) = counting.await? else {
                return Ok(account.summary(&topic, End::Stopped, job.skip));
            };
            account.counted(records, batches.count);
            // Before a broker is asked: it may be more parts than records.
            Turns::new(batches, records, source.position, Instant::now())?;
            Some((batches, records))
        }
    };
    let needed = [topic.as_str()];
    let health = Health::default();
    let opening = kafka::open(&config.kafka, &needed, &health, shutdown);
    let Ok(opened) = tokio::time::timeout(BROKER, opening).await else {
        let why = health.report().into_values().next().unwrap_or_default();
        bail!("no broker answered within {} s: {why}", BROKER.as_secs());
    };
    if opened?.is_none() {
        return Ok(account.summary(&topic, End::Stopped, job.skip));
    }
    let producer = config.kafka.producer()?;
    account.start();

    let failed: OnceLock<(u64, KafkaError)> = OnceLock::new();
    // Each message carries where the records it was read with begin.
    let settle = |position: u64, result| match result {
        Ok(()) => {
            account.sent.fetch_add(1, Ordering::Relaxed);
        }
        Err(error) => {
            // An error means that another message failed before: that one is reported.
            let _ = failed.set((position, error));
        }
    };
    let mut in_flight = InFlight::new(&producer, &topic, settle);
    let work = async {
        let start = Instant::now();
        let mut pace = Pace::new(job.rate, start);
        let turns = records
            .map(|(batches, records)| Turns::new(batches, records, source.position, start))
            .transpose()?;
        let mut handed_over = 0;
        let end = loop {
            let left = job.limit.map_or(u64::MAX, |limit| limit - handed_over);
            if left == 0 {
                break Ok(End::Limit);
            }
            if failed.get().is_some() || shutdown.is_cancelled() {
                break Ok(End::Stopped);
            }
            let position = source.position;
            let turn = turns.as_ref().map(|turns| {
                let part = turns.of(position);
                (part, turns.begin(part), turns.end(part))
            });
            let begin = turn.map(|(_, begin, _)| begin);
            let begin = begin.filter(|begin| *begin > Instant::now());
            if let Some(due) = begin.or_else(|| pace.next(Instant::now())) {
                tokio::select! {
                    biased;
                    () = shutdown.cancelled() => break Ok(End::Stopped),
                    () = in_flight.settle_until(due) => {}
                }
            }
            if let Some((part, ..)) = turn {
                account.batch.store(part + 1, Ordering::Relaxed);
            }
            // At the end of the last part, one more look finds the end of the file.
            let in_part = turn.map_or(u64::MAX, |(.., end)| end.saturating_sub(position).max(1));
            let most = pace.at_a_time(AT_A_TIME).min(left).min(in_part);
            let read = match source.read(most, account).await {
                Ok(Some(read)) => read,
                Ok(None) => break Ok(End::File),
                Err(error) => break Err(error),
            };
            for (row, position_of_row) in part::positions(&read, position).into_iter().enumerate() {
                if !job.part.takes(position_of_row) {
                    account.left_out.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                if let Some(due) = pace.next(Instant::now()) {
                    in_flight.settle_until(due).await;
                }
                let key = read.batch[config.schema.key.as_str()].as_string::<i32>();
                let record = encode::to_json(&read.batch, row);
                let payload = sends.payload(&config.schema, record);
                while account.is_held() && !shutdown.is_cancelled() && failed.get().is_none() {
                    in_flight.settle_until(Instant::now() + HELD).await;
                }
                account.hand_over(payload.len());
                in_flight.send(key.value(row), &payload, position).await;
                pace.sent();
                handed_over += 1;
            }
        };
        in_flight.settle_all().await;
        end
    };
    let end = tokio::select! {
        end = work => Some(end?),
        () = long_after(shutdown) => None,
    };
    let unsettled = in_flight.oldest().copied();
    drop(in_flight);
    if let Some((position, error)) = failed.into_inner() {
        let sent = account.sent.load(Ordering::Relaxed);
        return Err(error).with_context(|| {
            format!(
                "a message was not delivered to {topic} after {sent} were delivered; continue with \
                 --skip {position} (a few messages may be sent twice)"
            )
        });
    }
    Ok(match end {
        Some(end) => account.summary(&topic, end, source.position),
        None => account.summary(&topic, End::Stopped, unsettled.unwrap_or(source.position)),
    })
}

/// Stopped at last: the messages on their way have had their time since the shutdown.
async fn long_after(shutdown: &Shutdown) {
    shutdown.cancelled().await;
    tokio::time::sleep(LEAVING).await;
}

/// The file, read beside the runtime.
struct Source {
    /// Away while it is being read.
    reader: Option<FileReader>,
    /// Files that follow.
    rest: VecDeque<PathBuf>,
    schema: Schema,
    purpose: Purpose,
    /// Records read, good or not.
    position: u64,
}

impl Source {
    /// Opens the file and passes over the records to be skipped.
    async fn open(
        job: &Job,
        schema: &Schema,
        purpose: Purpose,
        account: &Account,
    ) -> anyhow::Result<Source> {
        let mut rest = VecDeque::from(folder::files(&job.file)?);
        let first = rest.pop_front().context("no file to replay")?;
        let name = &schema.name;
        let reader = open(first, schema.clone(), purpose).await?;
        if !reader.unknown_columns().is_empty() {
            let columns = reader.unknown_columns().join(", ");
            tracing::info!(
                "columns that are not fields of the schema {name}, or not selected, are omitted: \
                 {columns}"
            );
        }
        account.counts_rows(matches!(reader, FileReader::Parquet(_)));
        let mut source = Source {
            reader: Some(reader),
            rest,
            schema: schema.clone(),
            purpose,
            position: 0,
        };
        while source.position < job.skip {
            let most = (job.skip - source.position).min(AT_A_TIME);
            if source.next(most).await?.is_none() {
                bail!(
                    "--skip {}: {} has only {} records",
                    job.skip,
                    job.file.display(),
                    source.position
                );
            }
        }
        account.passed.store(source.position, Ordering::Relaxed);
        Ok(source)
    }

    /// The next records, with the rejects counted.
    async fn read(&mut self, most: u64, account: &Account) -> anyhow::Result<Option<FileBatch>> {
        let read = self.next(most).await?;
        if let Some(read) = &read {
            account.passed.store(self.position, Ordering::Relaxed);
            account.reject(&read.rejects);
        }
        Ok(read)
    }

    /// The next records of this file, or of the next one.
    async fn next(&mut self, most: u64) -> anyhow::Result<Option<FileBatch>> {
        loop {
            let read = self.next_of_file(most).await?;
            if read.is_some() {
                return Ok(read);
            }
            let Some(file) = self.rest.pop_front() else {
                return Ok(None);
            };
            self.reader = Some(open(file, self.schema.clone(), self.purpose).await?);
        }
    }

    async fn next_of_file(&mut self, most: u64) -> anyhow::Result<Option<FileBatch>> {
        let mut reader = self
            .reader
            .take()
            .context("an earlier read of the file failed")?;
        let reading = tokio::task::spawn_blocking(move || {
            let read = reader.next_batch(most as usize);
            (reader, read)
        });
        let (reader, read) = reading.await?;
        self.reader = Some(reader);
        let read = read.with_context(|| format!("after {} records", self.position))?;
        if let Some(read) = &read {
            self.position += (read.batch.num_rows() + read.rejects.len()) as u64;
        }
        Ok(read)
    }
}

async fn open(file: PathBuf, schema: Schema, purpose: Purpose) -> anyhow::Result<FileReader> {
    let name = schema.name.clone();
    let opening = tokio::task::spawn_blocking(move || FileReader::open(&file, &schema, purpose));
    opening
        .await?
        .with_context(|| format!("the file does not match the schema {name}"))
}
