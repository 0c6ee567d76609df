//! The settings of a training.

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use common::database::DatabaseConfig;
use common::http::HttpConfig;
use common::liveness::LivenessConfig;
use records::Schema;
use registry::RegistryConfig;
use serde::Deserialize;
use valuation::{ClusteringOptions, Effort, FoldBy, NamedMember};

use crate::promotion::{PromotionConfig, PromotionMode};
use crate::sweep::SweepConfig;
use crate::watch::WatchConfig;

/// Section `[schema]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaConfig {
    /// A built-in schema's name or a file's path.
    source: String,
}

/// Section `[features]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeaturesConfig {
    /// The table of the datamart.
    pub table: String,
}

/// Section `[prepare]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrepareConfig {
    /// Where the HTTP interface is, when it serves by schedule or on demand.
    pub http: String,
    /// How far back listings are learned from.
    pub window_days: u32,
    /// The datamart whose cleaned fields are learned from; empty for the stored records themselves.
    pub features: String,
    /// Fewer are not worth learning from.
    pub min_rows: usize,
    /// Share of the newest kept to judge the model by.
    pub holdout_fraction: f64,
    /// Nominal coverage of the range.
    pub interval: f64,
    /// The probability from which on a record is said to be of the class.
    pub threshold: f64,
    /// How much work a fit may be.
    pub effort: Effort,
    /// Folds of the out-of-fold predictions.
    pub folds: usize,
    /// Whether folds are drawn or follow time.
    pub fold_by: FoldBy,
    /// Processor cores a fit may take; 0 for all.
    pub threads: usize,
    /// Seed of folds and trees.
    pub seed: u64,
    /// What becomes of a version when it has been judged.
    pub promote: PromotionMode,
    /// The bounds of the rule it is judged by.
    pub promotion: PromotionConfig,
    /// Segments of the market as one more thing that prices are told by; 0 for none.
    pub segments: usize,
    /// How clusters are found, of schemas of task clustering.
    pub clustering: ClusteringOptions,
    /// When the loop trains.
    pub watch: WatchConfig,
    /// What a sweep varies.
    pub sweep: SweepConfig,
    /// Whether a run keeps its report as a page.
    pub keep_report: bool,
    /// Whether a run keeps the rows it was fitted on: they say which rows a later version can be
    /// compared on, and let a fit be repeated.
    pub keep_training_set: bool,
    /// The members by name; empty takes the effort's.
    #[serde(default)]
    pub members: Vec<NamedMember>,
}

/// Everything a training needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// What a record is.
    pub schema: Arc<Schema>,
    /// Section `[database]`.
    pub database: DatabaseConfig,
    /// Section `[prepare]`.
    pub prepare: PrepareConfig,
    /// Section `[registry]`.
    pub registry: RegistryConfig,
    /// Section `[features]`.
    pub features: FeaturesConfig,
    /// Section `[http]`.
    pub http: HttpConfig,
    /// Section `[liveness]`.
    pub liveness: LivenessConfig,
}

impl Config {
    /// Takes the sections out of the layers.
    ///
    /// # Errors
    /// When a setting or the schema is not valid.
    pub fn new(layered: &common::Layered) -> anyhow::Result<Config> {
        let schema: SchemaConfig = layered.section("schema")?;
        Ok(Config {
            schema: Arc::new(Schema::load(&schema.source)?),
            database: layered.section("database")?,
            prepare: layered.section("prepare")?,
            registry: layered.section("registry")?,
            features: layered.section("features")?,
            http: layered.section("http")?,
            liveness: layered.section("liveness")?,
        })
    }

    /// The same with the least work: for a first model that somebody is waiting for.
    #[must_use]
    pub fn quick(mut self) -> Config {
        self.prepare.effort = Effort::Quick;
        self
    }
}

/// Says before the work, not after it, that a version could not be saved.
pub(crate) fn check_registry(path: &Path) -> anyhow::Result<()> {
    // The part of the path that is there: the rest is made with the first version.
    let there = path.ancestors().find(|part| part.exists());
    match there {
        Some(there) if !there.is_dir() => bail!(
            "expected a directory to keep model versions in, found the file {}: \
             give another with --registry or registry.path",
            there.display()
        ),
        _ => Ok(()),
    }
}
