//! The applier's settings.

use std::sync::Arc;

use common::database::DatabaseConfig;
use common::kafka::KafkaConfig;
use records::Schema;
use registry::RegistryConfig;
use serde::Deserialize;

/// Section `[schema]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaConfig {
    /// A built-in schema's name or a file's path.
    source: String,
}

/// Section `[applier]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplierConfig {
    /// Address of the HTTP interface.
    pub http: String,
    /// Consumer group, and the name under which offsets are kept.
    pub group: String,
    /// Most requests of a micro-batch.
    pub batch_rows: usize,
    /// How long the broker may hold a fetch without data.
    pub fetch_wait_ms: u64,
    /// Pause between two looks for a newer version.
    pub model_poll_ms: u64,
    /// Largest body of `POST /predict`.
    pub max_body_bytes: usize,
    /// Most records in one body.
    pub max_records: usize,
    /// Answers over HTTP that may wait to be stored.
    pub store_queue: usize,
}

/// Everything the applier needs to run.
#[derive(Debug, Clone)]
pub struct Config {
    /// What a record is.
    pub schema: Arc<Schema>,
    /// Section `[kafka]`.
    pub kafka: KafkaConfig,
    /// Section `[database]`.
    pub database: DatabaseConfig,
    /// Section `[registry]`.
    pub registry: RegistryConfig,
    /// Section `[applier]`.
    pub applier: ApplierConfig,
}

impl Config {
    /// Takes the applier's sections out of the layers.
    ///
    /// # Errors
    /// When a setting or the schema is not valid.
    pub fn new(layered: &common::Layered) -> anyhow::Result<Config> {
        let schema: SchemaConfig = layered.section("schema")?;
        Ok(Config {
            schema: Arc::new(Schema::load(&schema.source)?),
            kafka: layered.section("kafka")?,
            database: layered.section("database")?,
            registry: layered.section("registry")?,
            applier: layered.section("applier")?,
        })
    }
}
