//! The settings: section `[loader]`, and those of other sections that the loader needs.

use std::sync::Arc;

use common::liveness::LivenessConfig;
use common::retention::RetentionConfig;
use common::{database, http, kafka};
use records::Schema;
use serde::Deserialize;

/// Everything the loader needs to run.
#[derive(Debug, Clone)]
pub struct Config {
    /// What a record is.
    pub schema: Arc<Schema>,
    /// Section `[kafka]`.
    pub kafka: kafka::KafkaConfig,
    /// Section `[database]`.
    pub database: database::DatabaseConfig,
    /// Section `[http]`.
    pub http: http::HttpConfig,
    /// Section `[loader]`.
    pub loader: LoaderConfig,
    /// Section `[liveness]`.
    pub liveness: LivenessConfig,
    /// Section `[retention]`.
    pub retention: RetentionConfig,
}

impl Config {
    /// Takes the loader's sections out of the layers.
    ///
    /// # Errors
    /// When a setting or the schema is not valid.
    pub fn new(layered: &common::Layered) -> anyhow::Result<Config> {
        let source: SchemaConfig = layered.section("schema")?;
        Ok(Config {
            schema: Arc::new(Schema::load(&source.source)?),
            kafka: layered.section("kafka")?,
            database: layered.section("database")?,
            http: layered.section("http")?,
            loader: layered.section("loader")?,
            liveness: layered.section("liveness")?,
            retention: layered.section("retention")?,
        })
    }
}

/// Section `[schema]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaConfig {
    /// A built-in schema's name or a file's path.
    source: String,
}

/// How the loader loads.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoaderConfig {
    /// Address of the HTTP interface.
    pub http: String,
    /// Whether loading starts without `POST /start`.
    pub autostart: bool,
    /// Consumer group, and the name under which offsets are kept.
    pub group: String,
    /// Most messages of a micro-batch.
    pub batch_rows: usize,
    /// Most bytes of a micro-batch.
    pub batch_bytes: usize,
    /// Longest a message waits for others to share its transaction.
    pub batch_ms: u64,
    /// Longest that one try to write a micro-batch may take: a connection that has gone silent ends so.
    pub write_timeout_ms: u64,
    /// How long the broker may hold a fetch without data.
    pub fetch_wait_ms: u64,
}
