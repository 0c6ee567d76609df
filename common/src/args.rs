//! The flags that all services share.

use std::path::PathBuf;

use crate::check::Format;
use crate::config::{ConfigError, Layered};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Probe {
    /// Whether the service is there.
    Live,
    /// Whether it has all it needs.
    Ready,
}

/// Flags of every service; they win over the environment, the file and the defaults.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct CommonArgs {
    /// Settings file (TOML); config/default.toml lists every setting
    #[arg(long, value_name = "FILE", env = "HEDONIC_CONFIG", global = true)]
    pub config: Option<PathBuf>,
    /// One setting, e.g. --set loader.batch_rows=1000 (repeatable)
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE", global = true)]
    pub set: Vec<String>,
    /// What a record is: a schema file, or a built-in schema's name (same as schema.source)
    #[arg(long, value_name = "SCHEMA.toml", global = true)]
    pub schema: Option<PathBuf>,
    /// Kafka brokers: host:port, separated by commas
    #[arg(long, value_name = "BROKERS", global = true)]
    pub kafka: Option<String>,
    /// PostgreSQL URL, postgres://user:password@host:port/database
    #[arg(
        long,
        value_name = "URL",
        env = "DATABASE_URL",
        hide_env_values = true,
        global = true
    )]
    pub database_url: Option<String>,
    /// Query the health of a running service of this kind and exit: 0 if it is live (or ready), else 1
    #[arg(
        long,
        value_name = "live|ready",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "live",
        global = true
    )]
    pub healthcheck: Option<Probe>,
    /// Check everything this service needs (broker, topics, database, tables, model, disk, clock), print
    /// remedies, and exit: 0 if nothing failed, else 1. Changes nothing; --check=json is for programs
    #[arg(
        long,
        value_name = "text|json",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "text",
        conflicts_with = "healthcheck",
        global = true
    )]
    pub check: Option<Format>,
    /// Log as JSON lines (RUST_LOG sets the level, e.g. RUST_LOG=debug)
    #[arg(long, global = true)]
    pub log_json: bool,
}

impl CommonArgs {
    /// The settings with these flags on top.
    ///
    /// # Errors
    /// When the file, a variable or a flag is not as it should be.
    pub fn layered(&self) -> Result<Layered, ConfigError> {
        let mut overrides = Vec::new();
        for setting in &self.set {
            let (key, value) = setting
                .split_once('=')
                .ok_or_else(|| ConfigError::Override {
                    setting: setting.clone(),
                })?;
            overrides.push((key.trim().to_owned(), value.trim().to_owned()));
        }
        if let Some(schema) = &self.schema {
            let source = schema.display().to_string();
            overrides.push(("schema.source".to_owned(), source));
        }
        if let Some(brokers) = &self.kafka {
            overrides.push(("kafka.brokers".to_owned(), brokers.clone()));
        }
        if let Some(url) = &self.database_url {
            overrides.push(("database.url".to_owned(), url.clone()));
        }
        Layered::load(self.config.as_deref(), &overrides)
    }
}
