//! The settings of a training.

mod prepare;
mod promotion;
mod sweep;
mod watch;

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use common::database::DatabaseConfig;
use common::http::HttpConfig;
use common::liveness::LivenessConfig;
use records::Schema;
use registry::RegistryConfig;
use serde::Deserialize;
use valuation::Effort;

pub use prepare::PrepareConfig;
pub use promotion::{PromotionConfig, PromotionMode};
pub use sweep::SweepConfig;
pub use watch::WatchConfig;

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
    let existing = path.ancestors().find(|part| part.exists());
    match existing {
        Some(existing) if !existing.is_dir() => bail!(
            "expected a directory to keep model versions in, found the file {}: \
             give another with --registry or registry.path",
            existing.display()
        ),
        _ => Ok(()),
    }
}
