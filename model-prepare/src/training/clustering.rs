//! Trainings of schemas of `task = "clustering"`: groups of records that are alike.

mod evaluate;
mod judge;
mod log;
mod summary;

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use common::progress::Stage;
use registry::{Registry, Run, Version};
use valuation::{ClusterReport, Clustering, Clusters};

pub use self::evaluate::evaluate as evaluate_clusters;
pub(crate) use self::judge::judge;
use self::log::log;
pub(crate) use self::summary::summary;
use crate::listings::Listings;
use crate::training::{self, Workplace};
use crate::{Config, Outcome};

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
    let mut place = Workplace::new(path)?;
    let found = (&clusters, &report);
    log(
        &mut run, &mut place, config, listings, source, arrived, found,
    )?;
    run.measure("seconds.total", 0, began.elapsed().as_secs_f64());
    let save = |to: &Path| clusters.save(to);
    let version = training::keep_or_publish(registry, path, &run, &place, &save)?;
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
    let told = |tried: &valuation::clustering::Tried| {
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
        &told,
    );
    fitted.context("no clusters were found")
}
