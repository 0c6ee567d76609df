//! `--report` of a clustering: find clusters in a file, and write every measure down.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use serde::Serialize;
use valuation::ClusterReport;

use super::summary;
use crate::evaluate::Evaluation;
use crate::listings::{self, Listings};
use crate::table::rejected;
use crate::{Config, Refused, html};

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
    refused: &'a [Refused],
    /// Columns of the file that the schema does not name.
    columns_ignored: &'a [String],
    /// Seconds of the search.
    fit_seconds: f64,
    /// Every measure.
    #[serde(flatten)]
    report: &'a ClusterReport,
}

/// Finds clusters in a file, writes what is wanted of them, and gives a summary for people. There is
/// nothing to be held out: split and share of the rows to judge on have no meaning here. A version is
/// saved only where a registry is given.
///
/// # Errors
/// When the file cannot be read or clustered, or something cannot be written.
pub fn evaluate(config: &Config, file: &Path, wanted: &Evaluation) -> anyhow::Result<String> {
    let began = Instant::now();
    let listings = listings::of_file(file, &config.schema)?;
    let (report, told) = match &wanted.registry {
        None => (super::fit(config, &listings)?.1, None),
        Some(registry) => {
            let mut config = config.clone();
            config.registry.path.clone_from(registry);
            let source = file.display().to_string();
            let trained = crate::train(&config, &listings, &source, None, began)?;
            let told = trained.told();
            (trained.found.into_clusters()?, Some(told))
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
    write(wanted.report.as_ref(), || json)?;
    write(wanted.html.as_ref(), || {
        html::clusters(schema, &listings, &report)
    })?;
    write(wanted.predictions.as_ref(), || {
        predictions(&listings, &report)
    })?;
    let mut text = summary(&report) + &rejected(listings.rejected.len(), &listings.refused);
    text.push_str(&told.unwrap_or_default());
    Ok(text.trim_end().to_owned())
}

fn write(path: Option<&PathBuf>, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    let Some(path) = path else {
        return Ok(());
    };
    std::fs::write(path, text()).with_context(|| format!("cannot write {}", path.display()))
}

/// A line for each row of the file that the schema took: where it stands, and its cluster.
fn predictions(listings: &Listings, report: &ClusterReport) -> String {
    let mut text = "line,prediction\n".to_owned();
    for (line, cluster) in listings.lines.iter().zip(&report.members) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{line},{cluster}");
    }
    text
}
