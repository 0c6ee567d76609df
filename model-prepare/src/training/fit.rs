//! The fit, with its progress and the provenance of this program.

use anyhow::Context;
use arrow_array::RecordBatch;
use records::Task;
use valuation::{FitOptions, FitReport, Provenance, TrainedModel, train};

use super::shown::shown;
use crate::config::Config;

/// Fits a model of the schema's task and judges it, and shows how far it is.
///
/// # Errors
/// When the records cannot be used for training.
pub(crate) fn fit(
    config: &Config,
    batch: &RecordBatch,
    options: &FitOptions,
) -> anyhow::Result<(TrainedModel, FitReport)> {
    let rows = batch.num_rows();
    let what = match config.schema.task {
        Task::Clustering => format!("clustering {rows} records"),
        Task::Regression | Task::Classification => format!("fitting on {rows} records"),
    };
    let (_stage, observer) = shown(what, options.effort, options.observer.clone());
    let options = FitOptions {
        observer,
        ..options.clone()
    };
    fit_unshown(config, batch, &options)
}

/// The same, and tells the options' observer alone: one fit of many.
///
/// # Errors
/// When the records cannot be learned from.
pub(crate) fn fit_unshown(
    config: &Config,
    batch: &RecordBatch,
    options: &FitOptions,
) -> anyhow::Result<(TrainedModel, FitReport)> {
    let schema = &config.schema;
    let provenance = Provenance {
        code_version: env!("CARGO_PKG_VERSION").to_owned(),
        trained_at_us: records::timestamp::now_us(),
    };
    let fitted = train(schema, batch, options, provenance);
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
