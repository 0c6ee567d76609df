//! Fits the price model on stored listings or on a file, and saves a version of it.

mod check;
mod clusters;
mod commands;
mod config;
mod control;
mod evaluate;
mod export;
mod features;
mod follow;
mod found;
mod html;
mod infer;
mod listings;
mod live;
mod outcome;
mod price;
mod promotion;
mod refused;
mod service;
mod setback;
mod sweep;
mod table;
mod trained;
mod training;
mod turn;
mod watch;

use std::path::Path;
use std::pin::Pin;
use std::time::Instant;

use anyhow::Context;
use common::progress::Stage;
use records::Task;
use registry::{Registry, Run};
use sqlx::PgPool;
use valuation::FitOptions;

use crate::listings::{Listings, Selection};
use crate::training::Workplace;
use crate::turn::Turn;

pub use clusters::evaluate_clusters;
pub use commands::{Shown, compare, gc, history, promote, rollback, runs, show, sync, versions};
pub use config::{Config, FeaturesConfig, PrepareConfig};
pub use evaluate::{Evaluated, Evaluation, Speed, evaluate, summary};
pub use export::{Export, ExportFormat, export};
pub use features::{Materialise, Materialised, features};
pub use follow::{Base, Follow, FollowConfig, Screen, follow};
pub use found::Found;
pub use infer::{Account, Asked, Guess, Proposal, infer};
pub use outcome::Outcome;
pub use price::price;
pub use promotion::{Check, Contest, PromotionConfig, PromotionMode, Side, Verdict};
pub use refused::Refused;
pub use service::{check_schedule, run, watch};
pub use sweep::{Parameter, SamplerKind, Sweep, SweepConfig, sweep};
pub use table::table;
pub use trained::Trained;
pub use watch::WatchConfig;

/// Fits on the stored listings of the last `window_days` and saves a version. One training at a time:
/// PostgreSQL says whose turn it is.
///
/// # Errors
/// When another training runs, the table cannot be read, or what it holds cannot be learned from; nothing is written.
pub fn train_on_database<'a>(config: &'a Config, pool: &'a PgPool) -> Training<'a> {
    Box::pin(async move {
        config::check_registry(&config.registry.path)?;
        let turn = Turn::take(pool, &config.schema.table).await?;
        let trained = train_in_turn(config, pool).await;
        turn.give_back().await;
        trained
    })
}

/// A training at work; boxed, as [`common::Service`].
pub type Training<'a> = Pin<Box<dyn Future<Output = anyhow::Result<Trained>> + Send + 'a>>;

async fn train_in_turn(config: &Config, pool: &PgPool) -> anyhow::Result<Trained> {
    let began = Instant::now();
    // Before the rows are read: what comes meanwhile may be among them, and counts as new.
    let arrived = watch::arrived(pool, &config.schema.table).await.ok();
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
    tokio::task::spawn_blocking(move || train(&config, &listings, &source, arrived, began))
        .await
        .context("the training broke off")?
}

/// The stored listings of the last `window_days`, out of the datamart where `prepare.features` names
/// one.
async fn listings_of_table(config: &Config, pool: &PgPool) -> anyhow::Result<Listings> {
    let (schema, prepare) = (&config.schema, &config.prepare);
    let days = prepare.window_days;
    let selection = match prepare.features.as_str() {
        "" => Selection::window(schema, &schema.table, days),
        table => features::selection(pool, table, schema, days).await?,
    };
    let read = listings::stored(pool, schema, &selection).await;
    let name = format!("the table {}", selection.table);
    read.and_then(|listings| listings.some(&name))
        .with_context(|| match schema.time {
            Some(_) => format!("cannot learn from the last {days} days (prepare.window_days)"),
            None => "cannot learn from the table".to_owned(),
        })
}

/// Fits on a CSV or Parquet file and saves a version.
///
/// # Errors
/// When the file cannot be read or learned from; nothing is written.
pub fn train_on_file(config: &Config, file: &Path) -> anyhow::Result<Trained> {
    config::check_registry(&config.registry.path)?;
    let began = Instant::now();
    let listings = listings::of_file(file, &config.schema)?;
    train(config, &listings, &file.display().to_string(), None, began)
}

/// What the settings say of a fit.
fn options(config: &Config) -> FitOptions {
    let prepare = &config.prepare;
    FitOptions {
        min_rows: prepare.min_rows,
        holdout_fraction: prepare.holdout_fraction,
        interval: prepare.interval,
        threshold: prepare.threshold,
        effort: prepare.effort,
        members: prepare.members.clone(),
        folds: prepare.folds,
        fold_by: prepare.fold_by,
        threads: prepare.threads,
        seed: prepare.seed,
        segments: prepare.segments,
        ..FitOptions::default()
    }
}

fn train(
    config: &Config,
    listings: &Listings,
    source: &str,
    arrived: Option<u64>,
    began: Instant,
) -> anyhow::Result<Trained> {
    let registry = registry::open(&config.registry)?;
    let registry = &*registry;
    let (version, mut run, found) = match config.schema.task {
        Task::Clustering => {
            clusters::fit_and_publish(config, listings, source, arrived, began, registry)?
        }
        Task::Regression | Task::Classification => {
            let own = fit_and_publish(config, listings, source, arrived, began, None, registry)?;
            (own.version, own.run, Outcome::Judged(own.found))
        }
    };
    let decision = match &version {
        Some(version) => match decide(registry, config, version, &mut run) {
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
        found,
        rows_rejected: listings.rejected.len(),
        refused: listings.refused.clone(),
    })
}

/// A version before it is judged.
struct Published {
    /// `None` where the server is away: run and version are kept, to be sent.
    version: Option<registry::Version>,
    run: Run,
    found: Found,
}

/// Fits, and publishes the version with its run, which is a part of `parent`.
fn fit_and_publish(
    config: &Config,
    listings: &Listings,
    source: &str,
    arrived: Option<u64>,
    began: Instant,
    parent: Option<&str>,
    registry: &dyn Registry,
) -> anyhow::Result<Published> {
    let mut run = Run::start(format!("{} on {source}", config.schema.name));
    run.parent = parent.map(str::to_owned);
    let rows = listings.batch.num_rows();
    let stage = Stage::start(format!("fitting on {rows} listings"));
    let (model, found) = found::fit(config, &listings.batch, &options(config))?;
    drop(stage);
    let fitted = training::Fitted {
        config,
        listings,
        model: &model,
        found: &found,
        source,
        arrived,
        began,
    };
    let version = publish_fitted(&mut run, &fitted, registry)?;
    Ok(Published {
        version,
        run,
        found,
    })
}

/// Publishes a fitted version with its run.
fn publish_fitted(
    run: &mut Run,
    fitted: &training::Fitted,
    registry: &dyn Registry,
) -> anyhow::Result<Option<registry::Version>> {
    let _stage = Stage::start(format!("saving in {}", registry.place()));
    let path = &fitted.config.registry.path;
    let mut place = Workplace::new(path)?;
    training::log(run, &mut place, fitted)?;
    let save = |to: &Path| fitted.model.save(to);
    training::keep_or_publish(registry, path, run, &place, &save)
}

/// Publishes what `--report` has fitted as a training does: with a run, judged, promoted by rule.
fn publish_judged(fitted: &training::Fitted) -> anyhow::Result<()> {
    let config = fitted.config;
    let registry = registry::open(&config.registry)?;
    let registry = &*registry;
    let mut run = Run::start(format!("{} on {}", config.schema.name, fitted.source));
    let Some(version) = publish_fitted(&mut run, fitted, registry)? else {
        return Ok(());
    };
    let (verdict, promoted) = decide(registry, config, &version, &mut run)?;
    let became = match promoted {
        true => "promoted",
        false => "kept as challenger",
    };
    tracing::info!(
        "saved as {version} in {}, {became}: {}",
        registry.place(),
        verdict.said
    );
    Ok(())
}

/// Whether the registry's server is away: what waits for it is done later.
fn is_away(error: &anyhow::Error) -> bool {
    let own = error.chain().find_map(|own| own.downcast_ref());
    own.is_some_and(registry::RegistryError::may_pass)
}

/// Judges and promotes, and notes how long that took and what came of it in the run.
fn decide(
    registry: &dyn Registry,
    config: &Config,
    version: &registry::Version,
    run: &mut Run,
) -> anyhow::Result<(Verdict, bool)> {
    let judging = Instant::now();
    let decided = training::decide(registry, &config.prepare, version.number)
        .with_context(|| format!("{version} is saved, but could not be judged"))?;
    run.measure("seconds.validation", 0, judging.elapsed().as_secs_f64());
    run.tags.insert("version".to_owned(), version.to_string());
    run.tags
        .insert("promoted".to_owned(), decided.1.to_string());
    registry.log_run(run, &[])?;
    Ok(decided)
}
