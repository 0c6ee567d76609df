//! Training of a model on a table.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3_arrow::input::AnyRecordBatch;
use records::{Schema, timestamp};
use serde::Deserialize;
use valuation::{Effort, FitOptions, NamedMember, Provenance, SplitBy};

use crate::error::value_error;
use crate::model::NativeModel;
use crate::predictions::listings;
use crate::thread_pool;

/// Rows that were not taken, of which so many are named.
const NAMED_REJECTS: usize = 100;

/// How a model is fitted: the names are those of section `[prepare]` of the settings.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    min_rows: usize,
    holdout_fraction: f64,
    interval: f64,
    threshold: f64,
    effort: Effort,
    folds: usize,
    seed: u64,
    threads: usize,
    segments: usize,
    members: Vec<NamedMember>,
    /// Whether the hold-out is drawn instead of being the newest rows.
    random_split: bool,
    max_levels: usize,
    min_level_rows: usize,
}

impl Default for Options {
    fn default() -> Options {
        let FitOptions {
            min_rows,
            holdout_fraction,
            max_levels,
            min_level_rows,
            interval,
            threshold,
            effort,
            members,
            folds,
            seed,
            threads,
            segments,
            ..
        } = FitOptions::default();
        Options {
            min_rows,
            holdout_fraction,
            interval,
            threshold,
            effort,
            folds,
            seed,
            threads,
            segments,
            members,
            random_split: false,
            max_levels,
            min_level_rows,
        }
    }
}

impl From<Options> for FitOptions {
    fn from(options: Options) -> FitOptions {
        FitOptions {
            min_rows: options.min_rows,
            holdout_fraction: options.holdout_fraction,
            max_levels: options.max_levels,
            min_level_rows: options.min_level_rows,
            interval: options.interval,
            threshold: options.threshold,
            effort: options.effort,
            members: options.members,
            folds: options.folds,
            seed: options.seed,
            threads: options.threads,
            segments: options.segments,
            split: match options.random_split {
                true => SplitBy::Random,
                false => SplitBy::Time,
            },
            ..FitOptions::default()
        }
    }
}

/// A model, its report as JSON, how many rows were not taken, and the first of them with their reasons.
type Trained = (NativeModel, String, usize, Vec<(usize, String)>);

/// Fits a model on a table of records of a schema (`text`, as TOML; `name` says in messages which one it is) by options
/// of JSON.
#[pyfunction]
#[pyo3(signature = (table, text, name, options))]
pub(crate) fn train(
    py: Python<'_>,
    table: AnyRecordBatch,
    text: Option<&str>,
    name: &str,
    options: &str,
) -> PyResult<Trained> {
    let schema = match text {
        Some(text) => Schema::parse(text, name),
        None => Schema::load(name),
    }
    .map_err(value_error)?;
    let options: Options = serde_json::from_str(options).map_err(value_error)?;
    let options = FitOptions::from(options);
    let table = table.into_reader()?;
    let pool = thread_pool::pool()?;
    py.detach(move || {
        let now_us = timestamp::now_us();
        let (mut rejected, mut named) = (0, Vec::new());
        let batch = listings(table, &schema, now_us, |row, reason| {
            rejected += 1;
            if named.len() < NAMED_REJECTS {
                named.push((row, reason));
            }
        })?;
        let provenance = Provenance {
            code_version: env!("CARGO_PKG_VERSION").to_owned(),
            trained_at_us: now_us,
        };
        let fitted = pool.install(|| valuation::train(&schema, &batch, &options, provenance));
        let (model, report) = fitted.map_err(value_error)?;
        let report = serde_json::to_string(&report).map_err(value_error)?;
        let model = NativeModel {
            model: Arc::new(model),
        };
        Ok((model, report, rejected, named))
    })
}
