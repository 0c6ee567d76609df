//! Trainings on the database and on files.

use std::path::Path;
use std::pin::Pin;
use std::time::Instant;

use anyhow::Context;
use records::Task;
use sqlx::PgPool;

use super::clustering;
use super::decide::{decide_and_log, is_away};
use super::stored::listings_of_table;
use super::supervised::fit_and_publish;
use super::trained::Trained;
use crate::arrivals::stored;
use crate::config::{Config, check_registry};
use crate::listings::{Listings, of_file};
use crate::training_lock::TrainingLock;

/// Fits on the stored listings of the last `window_days` and saves a version. One training runs at a time:
/// it holds a lock of PostgreSQL.
///
/// # Errors
/// When another training runs, the table cannot be read, or what it holds cannot be used for training; nothing is written.
pub fn train_on_database<'a>(config: &'a Config, pool: &'a PgPool) -> Training<'a> {
    Box::pin(async move {
        check_registry(&config.registry.path)?;
        let lock = TrainingLock::take(pool, &config.schema.table).await?;
        let trained = train_locked(config, pool).await;
        lock.release().await;
        trained
    })
}

/// A running training; boxed, as [`common::Service`].
pub type Training<'a> = Pin<Box<dyn Future<Output = anyhow::Result<Trained>> + Send + 'a>>;

async fn train_locked(config: &Config, pool: &PgPool) -> anyhow::Result<Trained> {
    let began = Instant::now();
    // Before the rows are read: what comes meanwhile may be among them, and counts as new.
    let arrived_before = stored(pool, &config.schema.table).await.ok();
    let listings = listings_of_table(config, pool).await?;
    let days = config.prepare.window_days;
    let table = match config.prepare.features.as_str() {
        "" => config.schema.table.as_str(),
        features => features,
    };
    let source = match config.schema.time {
        Some(_) => format!("table {table}, last {days} days"),
        None => format!("table {table}"),
    };
    let config = config.clone();
    tokio::task::spawn_blocking(move || train(&config, &listings, &source, arrived_before, began))
        .await
        .context("the training thread stopped")?
}

/// Fits on a CSV or Parquet file and saves a version.
///
/// # Errors
/// When the file cannot be read or learned from; nothing is written.
pub fn train_on_file(config: &Config, file: &Path) -> anyhow::Result<Trained> {
    check_registry(&config.registry.path)?;
    let began = Instant::now();
    let listings = of_file(file, &config.schema)?;
    train(config, &listings, &file.display().to_string(), None, began)
}

/// Fits, publishes, judges and promotes. `arrived` is the number of listings that data-loader had stored
/// before the rows were read.
pub(crate) fn train(
    config: &Config,
    listings: &Listings,
    source: &str,
    arrived: Option<u64>,
    began: Instant,
) -> anyhow::Result<Trained> {
    let registry = registry::open(&config.registry)?;
    let registry = &*registry;
    let (version, mut run, report) = match config.schema.task {
        Task::Clustering => {
            clustering::fit_and_publish(config, listings, source, arrived, began, registry)?
        }
        Task::Regression | Task::Classification => {
            let published =
                fit_and_publish(config, listings, source, arrived, began, None, registry)?;
            (published.version, published.run, published.report)
        }
    };
    let decision = match &version {
        Some(version) => match decide_and_log(registry, config, version, &mut run) {
            Err(error) if is_away(&error) => {
                tracing::error!("{error:#}");
                None
            }
            decided => Some(decided?),
        },
        None => None,
    };
    Ok(Trained {
        saved: version,
        run: run.id,
        decision,
        report,
        rows_rejected: listings.rejected.len(),
        refused: listings.refused.clone(),
    })
}
