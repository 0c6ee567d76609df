//! Trainings of schemas of `task = "clustering"`: groups of records that are alike.

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use common::progress::Stage;
use registry::{Registry, Run, Version};
use report::Outcome;
use valuation::{ClusterReport, Clustering, Clusters};

use super::clustering_log::log;
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
) -> anyhow::Result<(Option<Version>, Run, Outcome)> {
    let mut run = Run::start(format!("{} on {source}", config.schema.name));
    let (clusters, report) = fit(config, listings)?;
    let _stage = Stage::start(format!("saving in {}", registry.place()));
    let path = &config.registry.path;
    let mut staging = Staging::new(path)?;
    let found = (&clusters, &report);
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
    let save = |to: &Path| clusters.save(to);
    let version = keep_or_publish(registry, path, &run, &staging, &save)?;
    Ok((version, run, Outcome::Clusters(Box::new(report))))
}

/// Finds the clusters of the listings, and says how far it is.
///
/// # Errors
/// When the listings cannot be clustered.
pub(crate) fn fit(
    config: &Config,
    listings: &Listings,
) -> anyhow::Result<(Clusters, ClusterReport)> {
    let prepare = &config.prepare;
    let clustering = Clustering {
        schema: &config.schema,
        batch: &listings.batch,
        options: prepare.clustering,
        min_rows: prepare.min_rows,
        seed: prepare.seed,
        threads: prepare.threads,
    };
    let rows = listings.batch.num_rows();
    let stage = Stage::start(format!("clustering {rows} records"));
    let on_tried = |tried: &valuation::clustering::Tried| {
        tracing::debug!(
            "{} clusters: silhouette {:.4}, inertia {:.1}",
            tried.clusters,
            tried.silhouette,
            tried.inertia
        );
        // As many rows as have been looked at, over all numbers of clusters.
        stage.add(rows as u64);
    };
    let fitted = clustering.fit(
        env!("CARGO_PKG_VERSION"),
        records::timestamp::now_us(),
        &on_tried,
    );
    fitted.context("no clusters were found")
}
