//! The measures of an evaluation.

use serde::Serialize;
use valuation::FitReport;

use crate::reject_kind::RejectKind;

/// Every measure of an evaluation.
#[derive(Debug, Serialize)]
pub struct Evaluated {
    /// Name of the schema.
    pub schema: String,
    /// The program's version.
    pub version: &'static str,
    /// `random` or `time`.
    pub split: &'static str,
    /// Share of the rows judged on.
    pub test_fraction: f64,
    /// Seed of the split.
    pub seed: u64,
    /// Rows that the schema refused.
    pub rows_rejected: usize,
    /// The same by what is wrong with them, the most frequent first.
    pub refused: Vec<RejectKind>,
    /// Columns of the file that the schema does not name.
    pub columns_ignored: Vec<String>,
    /// Features that no row has a value for.
    pub fields_empty: Vec<String>,
    /// Nominal coverage of the ranges.
    pub interval: f64,
    /// Seconds of the fit: cleaning, features, folds, members, weights, and judging.
    pub fit_seconds: f64,
    /// Processor seconds of the same, of all threads; none where the system does not count them.
    pub fit_processor_seconds: Option<f64>,
    /// How quickly it answers.
    pub speed: Speed,
    /// What each field adds to or takes from a price, as a share of it: the mean of judged rows.
    pub effects: Vec<(String, f64)>,
    /// Share of what each value of a row takes from the error, the greatest first.
    pub importance: Vec<(String, f64)>,
    /// Every measure of quality.
    pub report: FitReport,
}

/// How quickly the model answers, through the whole pipeline.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Speed {
    /// Median of one record's way from its columns to its price and range, in microseconds.
    pub one_row_us: f64,
    /// Ninety-ninth percentile of the same.
    pub one_row_p99_us: f64,
    /// The same from the bytes of a JSON record, decoding included.
    pub one_json_us: f64,
    /// Rows per second in batches of 100,000 on all cores.
    pub rows_per_second: f64,
}
