//! Fits the price model on stored listings or on a file, and saves a version of it.

mod table;

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use common::database::DatabaseConfig;
use futures_util::StreamExt;
use records::file::{Delimited, FileReader};
use records::{Purpose, Schema};
use serde::Deserialize;
use sqlx::PgPool;
use sqlx::postgres::PgPoolCopyExt;
use valuation::{FitOptions, Report};

pub use table::table;

/// Section `[schema]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaConfig {
    /// A built-in schema's name or a file's path.
    source: String,
}

/// Section `[prepare]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrepareConfig {
    /// How far back listings are learned from.
    pub window_days: u32,
    /// Fewer are not worth learning from.
    pub min_rows: usize,
    /// Share of the newest kept to judge the model by.
    pub holdout_fraction: f64,
    /// Nominal coverage of the range.
    pub interval: f64,
}

/// Section `[registry]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryConfig {
    /// Where versions are kept.
    pub path: PathBuf,
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
        })
    }
}

/// A version that was fitted and saved.
#[derive(Debug)]
pub struct Trained {
    /// Its number and place.
    pub version: registry::Version,
    /// How good it is.
    pub report: Report,
    /// Rows that the schema refused.
    pub rows_rejected: usize,
}

/// Fits on the stored listings of the last `window_days` and saves a version.
///
/// # Errors
/// When the table cannot be read, or what it holds cannot be learned from; nothing is written.
pub async fn train_on_database(config: &Config, pool: &PgPool) -> anyhow::Result<Trained> {
    let schema = &config.schema;
    let since = match &schema.time {
        Some(time) => format!(
            "WHERE {time} >= now() - interval '{} days' ORDER BY {time}, {}",
            config.prepare.window_days, schema.key
        ),
        None => format!("ORDER BY {}", schema.key),
    };
    let copy = format!(
        "COPY (SELECT {} FROM {} {since}) TO STDOUT WITH (FORMAT csv, HEADER)",
        records::table::export_list(schema),
        schema.table
    );
    let mut csv = Vec::new();
    let mut parts = pool
        .copy_out_raw(&copy)
        .await
        .with_context(|| format!("cannot read the table {}", schema.table))?;
    while let Some(part) = parts.next().await {
        csv.extend_from_slice(&part?);
    }
    drop(parts);
    let config = config.clone();
    tokio::task::spawn_blocking(move || {
        let name = PathBuf::from(format!("table {}", config.schema.table));
        let reader = Delimited::new(Cursor::new(csv), &name, &config.schema, Purpose::Listing)?;
        train(&config, FileReader::Memory(Box::new(reader)))
    })
    .await
    .context("the training broke off")?
}

/// Fits on a CSV or Parquet file and saves a version.
///
/// # Errors
/// When the file cannot be read or learned from; nothing is written.
pub fn train_on_file(config: &Config, file: &Path) -> anyhow::Result<Trained> {
    let reader = FileReader::open(file, &config.schema, Purpose::Listing)?;
    train(config, reader)
}

fn train(config: &Config, mut reader: FileReader) -> anyhow::Result<Trained> {
    let Some(read) = reader.next_batch(usize::MAX)? else {
        bail!(
            "there is nothing to learn from: found no listing, need at least {}",
            config.prepare.min_rows
        );
    };
    if let Some(first) = read.rejects.first() {
        tracing::warn!(
            "{} rows were rejected, the first at line {}: {}",
            read.rejects.len(),
            first.line,
            first.reason
        );
    }
    let options = FitOptions {
        min_rows: config.prepare.min_rows,
        holdout_fraction: config.prepare.holdout_fraction,
        interval: config.prepare.interval,
        ..FitOptions::default()
    };
    let (model, report) = valuation::fit(
        &config.schema,
        &read.batch,
        &options,
        env!("CARGO_PKG_VERSION"),
        records::timestamp::now_us(),
    )?;
    let registry = registry::Directory::new(&config.registry.path);
    let version = registry.publish(|path| model.save(path))?;
    Ok(Trained {
        version,
        report,
        rows_rejected: read.rejects.len(),
    })
}
