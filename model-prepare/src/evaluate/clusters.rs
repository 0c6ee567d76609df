//! `evaluate` of a clustering: finds clusters in a file, and writes every measure.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use report::RejectKind;
use report::html::clusters_page;
use report::text;
use serde::Serialize;
use valuation::ClusterReport;

use super::Evaluation;
use crate::config::Config;
use crate::listings;
use crate::training::clustering::fit_clusters;
use crate::training::train::train;

/// What is written.
#[derive(Serialize)]
struct Evaluated<'a> {
    /// Name of the schema.
    schema: &'a str,
    /// The program's version.
    version: &'static str,
    /// Rows that the schema refused.
    rows_rejected: usize,
    /// The same by what is wrong with them, the most frequent first.
    refused: &'a [RejectKind],
    /// Columns of the file that the schema does not name.
    columns_ignored: &'a [String],
    /// Seconds of the search.
    fit_seconds: f64,
    /// Every measure.
    #[serde(flatten)]
    report: &'a ClusterReport,
}

/// Finds clusters in a file, writes the files that are requested, and returns a summary. Nothing is held
/// out: the options of the split do not apply. A version is saved only where a registry is given.
///
/// # Errors
/// When the file cannot be read or clustered, or something cannot be written.
pub fn evaluate_clusters(
    config: &Config,
    file: &Path,
    evaluation: &Evaluation,
) -> anyhow::Result<String> {
    let began = Instant::now();
    let listings = listings::of_file(file, &config.schema)?;
    let (report, saved) = match &evaluation.registry {
        None => (fit_clusters(config, &listings)?.1, None),
        Some(registry) => {
            let mut config = config.clone();
            config.registry.path.clone_from(registry);
            let source = file.display().to_string();
            let trained = train(&config, &listings, &source, None, began)?;
            let saved = trained.message();
            let report = trained.report.clusters().cloned();
            let report = report.context("expected a schema of task clustering")?;
            (report, Some(saved))
        }
    };
    let schema = &config.schema;
    let evaluated = Evaluated {
        schema: &schema.name,
        version: env!("CARGO_PKG_VERSION"),
        rows_rejected: listings.rejected.len(),
        refused: &listings.refused,
        columns_ignored: &listings.ignored,
        fit_seconds: report.fit_seconds,
        report: &report,
    };
    let json = serde_json::to_string_pretty(&evaluated)?;
    write(evaluation.report.as_ref(), || json)?;
    write(evaluation.html.as_ref(), || {
        clusters_page(
            schema,
            &listings.batch,
            &listings.refused,
            &listings.ignored,
            &report,
        )
    })?;
    write(evaluation.predictions.as_ref(), || {
        text::cluster_predictions(&listings.lines, &report)
    })?;
    let mut summary = text::clusters(&report);
    summary.push_str(&text::rejected(listings.rejected.len(), &listings.refused));
    summary.push_str(&saved.unwrap_or_default());
    Ok(summary.trim_end().to_owned())
}

fn write(path: Option<&PathBuf>, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    let Some(path) = path else {
        return Ok(());
    };
    std::fs::write(path, text()).with_context(|| format!("cannot write {}", path.display()))
}
