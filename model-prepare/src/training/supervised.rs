//! Trainings of prices and classes: fit, keep the run, publish the version.

use std::path::Path;
use std::time::Instant;

use anyhow::ensure;
use common::progress::Stage;
use registry::{Registry, Run};
use valuation::FitReport;

use super::decide::decide_and_log;
use super::fit::fit;
use super::fitted::Fitted;
use super::publish::keep_or_publish;
use super::run_log::log;
use crate::config::Config;
use crate::listings::Listings;
use crate::run_files::staging::Staging;

/// A version before it is judged.
pub(crate) struct Published {
    /// `None` where the server is away: run and version are kept, to be sent.
    pub(crate) version: Option<registry::Version>,
    pub(crate) run: Run,
    pub(crate) report: FitReport,
}

/// Fits, and publishes the version with its run, which is a part of `parent`.
pub(crate) fn fit_and_publish(
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
    let options = config.prepare.fit_options();
    let (model, report) = fit(config, &listings.batch, &options)?;
    drop(stage);
    let fitted = Fitted {
        config,
        listings,
        model: &model,
        report: &report,
        source,
        arrived,
        began,
    };
    let version = publish_fitted(&mut run, &fitted, registry)?;
    Ok(Published {
        version,
        run,
        report,
    })
}

/// Publishes a fitted version with its run.
fn publish_fitted(
    run: &mut Run,
    fitted: &Fitted,
    registry: &dyn Registry,
) -> anyhow::Result<Option<registry::Version>> {
    if let Some(why) = fitted.report.loses_to_baseline() {
        ensure!(
            fitted.config.prepare.publishes_worse,
            "{why}: nothing is published. Expected a model that is better than its baseline; look at the fields \
             and the rows (`model-prepare evaluate --report`), or publish it all the same with --force"
        );
        tracing::warn!("{why}; it is published, as --force says");
    }
    let _stage = Stage::start(format!("saving in {}", registry.place()));
    let path = &fitted.config.registry.path;
    let mut staging = Staging::new(path)?;
    log(run, &mut staging, fitted)?;
    let save = |to: &Path| fitted.model.save(to);
    keep_or_publish(registry, path, run, &staging, &save)
}

/// Publishes what an evaluation has fitted as a training does: with a run, judged, promoted by rule.
pub(crate) fn publish_judged(fitted: &Fitted) -> anyhow::Result<()> {
    let config = fitted.config;
    let registry = registry::open(&config.registry)?;
    let registry = &*registry;
    let mut run = Run::start(format!("{} on {}", config.schema.name, fitted.source));
    let Some(version) = publish_fitted(&mut run, fitted, registry)? else {
        return Ok(());
    };
    let (verdict, promoted) = decide_and_log(registry, config, &version, &mut run)?;
    let became = match promoted {
        true => "promoted",
        false => "kept as challenger",
    };
    tracing::info!(
        "saved as {version} in {}, {became}: {}",
        registry.place(),
        verdict.message
    );
    Ok(())
}
