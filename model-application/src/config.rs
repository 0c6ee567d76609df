//! The applier's settings.

use std::sync::Arc;

use common::Secret;
use common::database::DatabaseConfig;
use common::http::HttpConfig;
use common::kafka::KafkaConfig;
use common::liveness::LivenessConfig;
use records::Schema;
use records::file::Formulas;
use registry::RegistryConfig;
use serde::Deserialize;

use crate::quality::Window;

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
    /// Whether answers are stored, and requests are read from Kafka; else it answers over HTTP from the
    /// registry alone.
    pub store: bool,
    /// Consumer group, and the name under which offsets are kept.
    pub group: String,
    /// Most requests of a micro-batch.
    pub batch_rows: usize,
    /// Least time between two micro-batches of a steady stream, in milliseconds.
    pub batch_ms: u64,
    /// Requests that are older when they are read are reported so instead of answered; 0 for none.
    pub expire_after_s: u64,
    /// How long the broker may hold a fetch without data.
    pub fetch_wait_ms: u64,
    /// Pause between two looks for a newer version.
    pub model_poll_ms: u64,
    /// The greatest change of prices, as a factor in the median over recent requests, with which a
    /// new champion is loaded by itself; 0 for any.
    pub max_swap_change: f64,
    /// Threads that serve HTTP; 0 for as many as there are cores.
    pub http_workers: usize,
    /// What `Authorization: Bearer` must state where prices or models are requested; empty for nothing.
    pub token: Secret,
    /// Requests over HTTP worked on at once: more are asked to come again.
    pub max_concurrent: usize,
    /// Largest body of `POST /predict`.
    pub max_body_bytes: usize,
    /// Most records in one body.
    pub max_records: usize,
    /// Answers over HTTP that may wait to be stored.
    pub store_queue: usize,
    /// Whether the fields of a request are stored beside its answer.
    pub store_requests: bool,
    /// Whether the width of prediction intervals follows the labels of earlier answers.
    pub adaptive_intervals: bool,
}

/// Section `[quality]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualityConfig {
    /// Stretches of time that are reported.
    pub windows: Vec<Window>,
    /// Pause between two rounds.
    pub every_s: u64,
    /// Fewer known prices show nothing yet.
    pub min_count: usize,
    /// Most answers with a known price that a round looks at: bounds its memory.
    pub max_rows: usize,
}

/// Section `[features]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeaturesConfig {
    /// The table of the datamart, whose rows `GET /features/{id}` returns.
    pub table: String,
}

/// Section `[dashboard]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DashboardConfig {
    /// Address of the loader's HTTP interface, whose state the web app shows; empty for none.
    pub loader: String,
    /// Address of the training's HTTP interface: its state is shown, and a training asked for there.
    pub training: String,
    /// What both ask for: `http.token`, where this service may have a token of its own.
    #[serde(skip)]
    pub token: Secret,
}

/// Section `[score]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreConfig {
    /// What is done with texts in a CSV that a spreadsheet would take for formulas.
    pub csv_formulas: Formulas,
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
    /// Section `[liveness]`.
    pub liveness: LivenessConfig,
    /// Section `[registry]`.
    pub registry: RegistryConfig,
    /// Section `[applier]`.
    pub applier: ApplierConfig,
    /// Section `[quality]`.
    pub quality: QualityConfig,
    /// Section `[features]`.
    pub features: FeaturesConfig,
    /// Section `[dashboard]`.
    pub dashboard: DashboardConfig,
    /// Section `[retention]`.
    pub retention: common::retention::RetentionConfig,
    /// Section `[score]`.
    pub score: ScoreConfig,
    /// Section `[http]`, with `applier.token` where that is set.
    pub http: HttpConfig,
}

impl Config {
    /// Takes the applier's sections out of the layers.
    ///
    /// # Errors
    /// When a setting or the schema is not valid.
    pub fn new(layered: &common::Layered) -> anyhow::Result<Config> {
        let schema: SchemaConfig = layered.section("schema")?;
        let applier: ApplierConfig = layered.section("applier")?;
        let http: HttpConfig = layered.section("http")?;
        let mut dashboard: DashboardConfig = layered.section("dashboard")?;
        dashboard.token = http.token.clone();
        Ok(Config {
            schema: Arc::new(Schema::load(&schema.source)?),
            kafka: layered.section("kafka")?,
            database: layered.section("database")?,
            liveness: layered.section("liveness")?,
            registry: layered.section("registry")?,
            http: http.with_token(&applier.token),
            applier,
            quality: layered.section("quality")?,
            features: layered.section("features")?,
            dashboard,
            retention: layered.section("retention")?,
            score: layered.section("score")?,
        })
    }
}
