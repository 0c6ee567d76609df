//! The run of a clustering: what it was given, what it came to, and its files.

use registry::{Run, RunStatus};
use report::html::clusters_page;
use valuation::{ClusterReport, Clusters};

use crate::config::Config;
use crate::listings::Listings;
use crate::run_files::holdout::write_records;
use crate::run_files::names::{ARRIVED, PAGE, REPORT, TRAINING_SET, schema_digest};
use crate::run_files::staging::Staging;

/// Notes a clustering in its run and puts its files into the staging directory. The run is over then, except for
/// what judging adds.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn log(
    run: &mut Run,
    staging: &mut Staging,
    config: &Config,
    listings: &Listings,
    source: &str,
    arrived: Option<u64>,
    (clusters, report): (&Clusters, &ClusterReport),
) -> anyhow::Result<()> {
    let (schema, prepare) = (&config.schema, &config.prepare);
    run.param("data.source", source);
    run.param("data.rows", report.rows);
    if let Some(arrived) = arrived {
        run.param(ARRIVED, arrived);
    }
    run.param("data.rows_rejected", listings.rejected.len());
    if let Some(until_us) = clusters.data_until_us() {
        run.param("data.until", records::timestamp::format(until_us));
    }
    run.param("schema.name", &schema.name);
    run.param("schema.version", schema.version);
    run.param("schema.sha256", schema_digest(schema));
    run.param("code.version", env!("CARGO_PKG_VERSION"));
    run.param("clustering.clusters", prepare.clustering.clusters);
    run.param("clustering.least", prepare.clustering.least);
    run.param("clustering.most", prepare.clustering.most);
    run.param("clustering.starts", prepare.clustering.starts);
    run.param("fit.seed", prepare.seed);
    run.tags.insert("schema".to_owned(), schema.name.clone());
    run.measure("clusters", 0, report.clusters as f64);
    run.measure("silhouette", 0, report.silhouette);
    run.measure("inertia", 0, report.inertia);
    run.measure("features", 0, report.features.len() as f64);
    for tried in &report.tried {
        run.measure("tried.silhouette", tried.clusters, tried.silhouette);
        run.measure("tried.inertia", tried.clusters, tried.inertia);
    }
    for (cluster, found) in report.found.iter().enumerate() {
        run.measure("cluster.rows", cluster, found.size as f64);
        run.measure("cluster.silhouette", cluster, found.silhouette);
    }
    staging.add(REPORT, |path| {
        Ok(std::fs::write(path, serde_json::to_vec_pretty(report)?)?)
    })?;
    if prepare.keep_report {
        staging.add(PAGE, |path| {
            let page = clusters_page(
                schema,
                &listings.batch,
                &listings.refused,
                &listings.ignored,
                report,
            );
            Ok(std::fs::write(path, page)?)
        })?;
    }
    if prepare.keep_training_set {
        staging.add(TRAINING_SET, |path| {
            write_records(path, schema, &listings.batch)
        })?;
    }
    run.measure("seconds.train", 0, report.fit_seconds);
    run.end(RunStatus::Finished);
    Ok(())
}
