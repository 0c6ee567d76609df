//! The fit, with its progress and the provenance of this program.

use anyhow::Context;
use arrow_array::RecordBatch;
use common::progress::Stage;
use records::Task;
use valuation::clustering::Tried;
use valuation::{FitOptions, FitReport, Provenance, TrainedModel, train_with_progress};

use crate::config::Config;

/// Fits a model of the schema's task and judges it.
///
/// # Errors
/// When the records cannot be used for training.
pub(crate) fn fit(
    config: &Config,
    batch: &RecordBatch,
    options: &FitOptions,
) -> anyhow::Result<(TrainedModel, FitReport)> {
    let (schema, rows) = (&config.schema, batch.num_rows());
    let provenance = Provenance {
        code_version: env!("CARGO_PKG_VERSION").to_owned(),
        trained_at_us: records::timestamp::now_us(),
    };
    let stage = (schema.task == Task::Clustering)
        .then(|| Stage::start(format!("clustering {rows} records")));
    let on_clusters = |tried: &Tried| {
        tracing::debug!(
            "{} clusters: silhouette {:.4}, inertia {:.1}",
            tried.clusters,
            tried.silhouette,
            tried.inertia
        );
        // As many rows as have been looked at, over all numbers of clusters.
        if let Some(stage) = &stage {
            stage.add(rows as u64);
        }
    };
    let fitted = train_with_progress(schema, batch, options, provenance, &on_clusters);
    let (model, report) = match schema.task {
        Task::Clustering => fitted.context("no clusters were found")?,
        Task::Regression | Task::Classification => fitted?,
    };
    if report.is_too_good() {
        tracing::warn!(
            "the hold-out error is implausibly small ({}): does a field leak {}? `model-prepare schema infer` names \
             such fields; learn = false leaves one out",
            report::text::summary(&report),
            schema.target.as_deref().unwrap_or("the target")
        );
    }
    Ok((model, report))
}
