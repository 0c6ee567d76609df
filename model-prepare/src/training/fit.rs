//! The fit by the task of the schema.

use arrow_array::RecordBatch;
use records::Task;
use report::FitReport;
use valuation::{FitOptions, NamedMember, Report, TrainedModel};

use crate::config::Config;

/// Fits what the schema's task asks for.
///
/// # Errors
/// When the records cannot be learned from.
pub(crate) fn fit(
    config: &Config,
    batch: &RecordBatch,
    options: &FitOptions,
) -> anyhow::Result<(TrainedModel, FitReport)> {
    let (schema, version) = (&config.schema, env!("CARGO_PKG_VERSION"));
    let now_us = records::timestamp::now_us();
    match schema.task {
        Task::Classification => {
            let (model, report) = valuation::classify(schema, batch, options, version, now_us)?;
            Ok((
                TrainedModel::Class(model.into()),
                FitReport::Class(report.into()),
            ))
        }
        Task::Regression | Task::Clustering => {
            let (model, report) = valuation::fit(schema, batch, options, version, now_us)?;
            if let Some(why) = implausible(&report) {
                tracing::warn!(
                    r2 = report.model.r2,
                    mdape = report.model.mdape,
                    "{why}: does a field leak {}? `model-prepare schema infer` names such fields; learn = false \
                     leaves one out",
                    schema.target.as_deref().unwrap_or("the target")
                );
            }
            Ok((
                TrainedModel::Price(model.into()),
                FitReport::Price(report.into()),
            ))
        }
    }
}

/// A warning where the hold-out errors are smaller than prices allow. A median error below 0.1 %, or an
/// R² above 0.999, means that a field contains the price.
fn implausible(report: &Report) -> Option<String> {
    const LEAST_MDAPE: f64 = 1e-3;
    const MOST_R2: f64 = 0.999;
    let (mdape, r2) = (report.model.mdape, report.model.r2);
    (mdape < LEAST_MDAPE || r2 > MOST_R2).then(|| {
        format!(
            "the hold-out error is implausibly small (median error {:.3} %, R² {r2:.4})",
            mdape * 100.0
        )
    })
}

/// The members that a fit on so many training rows takes.
pub(crate) fn members(config: &Config, train_rows: usize) -> Vec<NamedMember> {
    let prepare = &config.prepare;
    match (prepare.members.is_empty(), config.schema.task) {
        (false, _) => prepare.members.clone(),
        (true, Task::Classification) => prepare.effort.class_members(train_rows),
        (true, _) => prepare.effort.members(train_rows),
    }
}
