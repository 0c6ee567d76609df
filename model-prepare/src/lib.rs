//! Fits the price model on stored listings or on a file, and saves a version of it.

mod config;
mod control;
mod evaluate;
mod export;
mod html;
mod infer;
mod listings;
mod progress;
mod refused;
mod service;
mod table;

use std::path::Path;

use anyhow::Context;
use sqlx::PgPool;
use valuation::{FitOptions, Report};

use crate::listings::{Listings, Parts};
use crate::progress::Stage;

pub use config::{Config, PrepareConfig};
pub use evaluate::{Evaluated, Evaluation, Speed, evaluate, summary};
pub use export::{Export, ExportFormat, export};
pub use infer::infer;
pub use refused::Refused;
pub use service::{check_schedule, run};
pub use table::table;

/// Parts of the table's export that may wait to be read: bounds memory.
const PARTS: usize = 16;

/// A version that was fitted and saved.
#[derive(Debug)]
pub struct Trained {
    /// Its number and place.
    pub version: registry::Version,
    /// How good it is.
    pub report: Report,
    /// Rows that the schema refused.
    pub rows_rejected: usize,
    /// The same by what is wrong with them, the most frequent first.
    pub refused: Vec<Refused>,
}

/// Fits on the stored listings of the last `window_days` and saves a version.
///
/// # Errors
/// When the table cannot be read, or what it holds cannot be learned from; nothing is written.
pub async fn train_on_database(config: &Config, pool: &PgPool) -> anyhow::Result<Trained> {
    config::check_registry(&config.registry.path)?;
    let schema = config.schema.clone();
    let (sender, parts) = tokio::sync::mpsc::channel(PARTS);
    let reading = tokio::task::spawn_blocking(move || {
        let name = format!("the table {}", schema.table);
        listings::of_text(&name, &schema, Parts::new(parts))
    });
    let days = config.prepare.window_days;
    let exported = listings::export(pool, &config.schema, days, sender).await;
    let read = reading.await.context("the reading broke off")?;
    // An export that broke off looks to its reader like one that is over.
    exported?;
    let listings = read.with_context(|| match config.schema.time {
        Some(_) => format!("cannot learn from the last {days} days (prepare.window_days)"),
        None => "cannot learn from the table".to_owned(),
    })?;
    let config = config.clone();
    tokio::task::spawn_blocking(move || train(&config, &listings))
        .await
        .context("the training broke off")?
}

/// Fits on a CSV or Parquet file and saves a version.
///
/// # Errors
/// When the file cannot be read or learned from; nothing is written.
pub fn train_on_file(config: &Config, file: &Path) -> anyhow::Result<Trained> {
    config::check_registry(&config.registry.path)?;
    train(config, &listings::of_file(file, &config.schema)?)
}

/// What the settings say of a fit.
fn options(config: &Config) -> FitOptions {
    let prepare = &config.prepare;
    FitOptions {
        min_rows: prepare.min_rows,
        holdout_fraction: prepare.holdout_fraction,
        interval: prepare.interval,
        effort: prepare.effort,
        members: prepare.members.clone(),
        folds: prepare.folds,
        threads: prepare.threads,
        seed: prepare.seed,
        ..FitOptions::default()
    }
}

fn train(config: &Config, listings: &Listings) -> anyhow::Result<Trained> {
    let rows = listings.batch.num_rows();
    let stage = Stage::start(format!("fitting on {rows} listings"));
    let options = options(config);
    let (model, report) = valuation::fit(
        &config.schema,
        &listings.batch,
        &options,
        env!("CARGO_PKG_VERSION"),
        records::timestamp::now_us(),
    )?;
    drop(stage);
    let registry = registry::Directory::new(&config.registry.path);
    let version = registry.publish(|path| model.save(path))?;
    Ok(Trained {
        version,
        report,
        rows_rejected: listings.rejected.len(),
        refused: listings.refused.clone(),
    })
}
