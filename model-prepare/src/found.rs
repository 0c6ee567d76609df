//! What a fit found out, by the task of the schema.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use records::Task;
use serde::Serialize;
use valuation::{ClassReport, Dropped, FitOptions, JudgedRow, NamedMember, Report, TrainedModel};

use crate::Config;
use crate::table::amount;

/// What a fit found out.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Found {
    /// Of prices.
    Price(Box<Report>),
    /// Of a class.
    Class(Box<ClassReport>),
}

/// Fits what the schema's task asks for.
///
/// # Errors
/// When the records cannot be learned from.
pub(crate) fn fit(
    config: &Config,
    batch: &RecordBatch,
    options: &FitOptions,
) -> anyhow::Result<(TrainedModel, Found)> {
    let (schema, version) = (&config.schema, env!("CARGO_PKG_VERSION"));
    let now_us = records::timestamp::now_us();
    match schema.task {
        Task::Classification => {
            let (model, report) = valuation::classify(schema, batch, options, version, now_us)?;
            Ok((
                TrainedModel::Class(model.into()),
                Found::Class(report.into()),
            ))
        }
        Task::Regression | Task::Clustering => {
            let (model, report) = valuation::fit(schema, batch, options, version, now_us)?;
            if let Some(why) = beyond_belief(&report) {
                tracing::warn!(
                    r2 = report.model.r2,
                    mdape = report.model.mdape,
                    "{why}: does a field tell {}? `model-prepare schema infer` names those that do; learn = false \
                     leaves one out",
                    schema.target.as_deref().unwrap_or("the target")
                );
            }
            Ok((
                TrainedModel::Price(model.into()),
                Found::Price(report.into()),
            ))
        }
    }
}

/// Says that the hold-out was met better than prices can be; `None` where it was not. Half of the prices
/// within a thousandth, or all but a thousandth of their variance, means that a field has the price in it.
fn beyond_belief(report: &Report) -> Option<String> {
    const LEAST_MDAPE: f64 = 1e-3;
    const MOST_R2: f64 = 0.999;
    let (mdape, r2) = (report.model.mdape, report.model.r2);
    (mdape < LEAST_MDAPE || r2 > MOST_R2).then(|| {
        format!(
            "the hold-out is met beyond belief (median error {:.3} %, R² {r2:.4})",
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

impl Found {
    /// What was found of prices.
    pub fn price(&self) -> Option<&Report> {
        match self {
            Found::Price(report) => Some(report),
            Found::Class(_) => None,
        }
    }

    /// What was found of a class.
    pub fn class(&self) -> Option<&ClassReport> {
        match self {
            Found::Class(report) => Some(report),
            Found::Price(_) => None,
        }
    }

    /// Records given.
    pub fn rows(&self) -> usize {
        match self {
            Found::Price(report) => report.rows,
            Found::Class(report) => report.rows,
        }
    }

    /// Records that the judged model was fitted on.
    pub fn train_rows(&self) -> usize {
        match self {
            Found::Price(report) => report.train_rows,
            Found::Class(report) => report.train_rows,
        }
    }

    /// Records that it was judged on.
    pub fn holdout_rows(&self) -> usize {
        match self {
            Found::Price(report) => report.holdout_rows,
            Found::Class(report) => report.holdout_rows,
        }
    }

    /// Records not learned from, by rule.
    pub fn removed(&self) -> &BTreeMap<String, usize> {
        match self {
            Found::Price(report) => &report.removed,
            Found::Class(report) => &report.removed,
        }
    }

    /// Fields not learned from.
    pub fn dropped(&self) -> &[Dropped] {
        match self {
            Found::Price(report) => &report.dropped,
            Found::Class(report) => &report.dropped,
        }
    }

    /// Records judged on that stand among those learned from too.
    pub fn holdout_copies(&self) -> usize {
        match self {
            Found::Price(report) => report.holdout_copies,
            Found::Class(report) => report.holdout_copies,
        }
    }

    /// What was said of the hold-out.
    pub fn judged(&self) -> &[JudgedRow] {
        match self {
            Found::Price(report) => &report.judged,
            Found::Class(report) => &report.judged,
        }
    }

    /// How much wider the kept model's ranges are than those that were judged.
    pub(crate) fn widened(&self) -> f64 {
        self.price().map_or(1.0, |report| report.widened)
    }

    /// How long the fit took.
    pub fn fit_seconds(&self) -> f64 {
        match self {
            Found::Price(report) => report.fit_seconds,
            Found::Class(report) => report.fit_seconds,
        }
    }

    /// How good it is, in a sentence beside what it has to beat.
    pub fn told(&self) -> String {
        match self {
            Found::Price(report) => format!(
                "half of the held-out prices are met within {:.1} % ({}: {:.1} %)",
                report.model.mdape * 100.0,
                report.baseline_name,
                report.baseline.mdape * 100.0
            ),
            Found::Class(report) => format!(
                "held-out records are told with AUC {:.4} and log loss {} (always saying {:.0} %: {})",
                report.model.auc.value,
                amount(report.model.log_loss),
                report.base_rate * 100.0,
                amount(report.baseline.log_loss)
            ),
        }
    }
}
