//! Trainings of schemas of `task = "clustering"`: groups of records that are alike.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail};
use common::progress::Stage;
use registry::{Registry, Run, Version};
use valuation::{ClusterReport, FitReport, TrainedModel};

use super::clustering_log::log;
use super::fit::fit;
use super::publish::keep_or_publish;
use crate::config::Config;
use crate::listings::Listings;
use crate::run_files::staging::Staging;

/// Finds the clusters, and publishes the version with its run.
///
/// # Errors
/// When the listings cannot be clustered, or nothing can be written.
pub(crate) fn fit_and_publish(
    config: &Config,
    listings: &Listings,
    source: &str,
    arrived: Option<u64>,
    began: Instant,
    registry: &dyn Registry,
) -> anyhow::Result<(Option<Version>, Run, FitReport)> {
    let mut run = Run::start(format!("{} on {source}", config.schema.name));
    let (model, report) = fit_clusters(config, listings)?;
    let _stage = Stage::start(format!("saving in {}", registry.place()));
    let path = &config.registry.path;
    let mut staging = Staging::new(path)?;
    let clusters = model
        .clusters()
        .context("expected a schema of task clustering")?;
    let found = (clusters, &report);
    log(
        &mut run,
        &mut staging,
        config,
        listings,
        source,
        arrived,
        found,
    )?;
    run.measure("seconds.total", 0, began.elapsed().as_secs_f64());
    let save = |to: &Path| model.save(to);
    let version = keep_or_publish(registry, path, &run, &staging, &save)?;
    Ok((version, run, FitReport::Clusters(Box::new(report))))
}

/// Finds the clusters of the listings.
///
/// # Errors
/// When the listings cannot be clustered.
pub(crate) fn fit_clusters(
    config: &Config,
    listings: &Listings,
) -> anyhow::Result<(TrainedModel, ClusterReport)> {
    let (model, report) = fit(config, &listings.batch, &config.prepare.fit_options())?;
    match report {
        FitReport::Clusters(report) => Ok((model, *report)),
        FitReport::Price(_) | FitReport::Class(_) | FitReport::Multiclass(_) => {
            bail!("expected a schema of task clustering")
        }
    }
}
