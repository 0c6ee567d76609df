//! A training: fit, keep the run, publish, judge, promote.

mod holdout;
mod learned;
mod log;
mod page;
mod publish;
mod workplace;

pub(crate) use holdout::{Holdout, read_all as read_records, write as write_records};
pub(crate) use learned::Learned;
pub(crate) use log::{Fitted, log, measures, member_params, schema_digest};
pub(crate) use publish::{decide, keep_or_publish, log_or_keep};
pub(crate) use workplace::Workplace;

/// The rows a version was judged on and what it said of them, among its run's files.
pub(crate) const HOLDOUT: &str = "holdout.parquet";
/// The rows it was fitted on and judged on.
pub(crate) const TRAINING_SET: &str = "training_set.parquet";
/// Every measure.
pub(crate) const REPORT: &str = "report.json";
/// The same with plots.
pub(crate) const PAGE: &str = "report.html";
