//! Fitting: clean, split, fit, judge, refit on everything.

use std::collections::BTreeMap;
use std::time::Instant;

use arrow_array::RecordBatch;
use records::{Schema, Task};

use crate::artifact::FORMAT;
use crate::baseline::{GroupMedian, group_field};
use crate::cells::Cells;
use crate::clean::OutlierRule;
use crate::conformal;
use crate::features::Features;
use crate::linear::Linear;
use crate::metrics::{Metrics, Report};
use crate::model::{Golden, Head, Model};
use crate::split::split;

/// Sample rows kept with a model.
const GOLDEN_ROWS: usize = 20;

/// How a model is fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct FitOptions {
    /// Fewer usable listings are refused: estimates would be noise.
    pub min_rows: usize,
    /// Share held out to judge on, 0.01 to 0.5.
    pub holdout_fraction: f64,
    /// Most levels of a one-hot category; the rest are "other".
    pub max_levels: usize,
    /// Levels with fewer rows are "other".
    pub min_level_rows: usize,
    /// Share of prices the intervals are to hold.
    pub interval: f64,
}

impl Default for FitOptions {
    fn default() -> FitOptions {
        FitOptions {
            min_rows: 200,
            holdout_fraction: 0.2,
            max_levels: 200,
            min_level_rows: 5,
            interval: 0.9,
        }
    }
}

/// Why no model was fitted.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// Too little to learn from.
    #[error(
        "found {found} usable listings, need at least {needed}: store more or widen the training window"
    )]
    TooFewRows {
        /// Listings left after cleaning.
        found: usize,
        /// The least there must be.
        needed: usize,
    },
    /// Every target is the same.
    #[error("every target has the same value, so there is nothing to learn: check the source")]
    ConstantTarget,
    /// The batch lacks a column.
    #[error("expected a column {column} of the schema's type: read the table the schema describes")]
    MissingColumn {
        /// Its name.
        column: String,
    },
    /// Not a regression.
    #[error("expected a schema with task regression: other tasks cannot be fitted")]
    UnsupportedTask,
    /// No column carries information.
    #[error("no feature varies between listings: give the schema fields that do")]
    NoFeatures,
    /// The least-squares solver failed.
    #[error("the least-squares solver failed: {detail}; check the numbers for extreme values")]
    Solver {
        /// What it met.
        detail: String,
    },
}

/// Fits a model on listings and judges it out of time.
///
/// The reported metrics are those of a model fitted on the older listings alone; the model
/// returned is refitted on all, with the judged model's intervals. `code_version` and
/// `trained_at_us` (microseconds since 1970) are only written down.
///
/// # Errors
/// See [`FitError`].
pub fn fit(
    schema: &Schema,
    batch: &RecordBatch,
    options: &FitOptions,
    code_version: &str,
    trained_at_us: i64,
) -> Result<(Model, Report), FitError> {
    let started = Instant::now();
    let Some(target) = schema
        .target
        .as_deref()
        .filter(|_| schema.task == Task::Regression)
    else {
        return Err(FitError::UnsupportedTask);
    };
    for name in schema
        .features()
        .map(|field| &field.name)
        .chain(&schema.time)
        .chain(&schema.target)
    {
        let expected = schema.field(name).map(|field| field.kind.data_type());
        let found = batch
            .column_by_name(name)
            .map(|column| column.data_type().clone());
        if found != expected {
            return Err(FitError::MissingColumn {
                column: name.clone(),
            });
        }
    }
    if schema.features().next().is_none() {
        return Err(FitError::NoFeatures);
    }

    let targets = Cells::of(batch, target);
    let prices: Vec<f64> = (0..batch.num_rows())
        .map(|row| targets.number(row).unwrap_or(f64::NAN))
        .collect();
    let logs: Vec<f64> = prices.iter().map(|price| price.ln()).collect();
    let usable: Vec<usize> = (0..prices.len())
        .filter(|row| logs[*row].is_finite())
        .collect();
    let needed = options.min_rows.max(10);
    let enough = |found: usize| match found < needed {
        true => Err(FitError::TooFewRows { found, needed }),
        false => Ok(()),
    };
    enough(usable.len())?;
    let mut removed = BTreeMap::from([("target".to_owned(), prices.len() - usable.len())]);

    let times = schema.time.as_deref().map(|name| Cells::of(batch, name));
    let time_of = |row: usize| {
        times
            .and_then(|cells| cells.time_us(row))
            .unwrap_or(i64::MIN)
    };
    let by_time: Option<&dyn Fn(usize) -> i64> = times.is_some().then_some(&time_of);
    let mut sides = split(&usable, by_time, options.holdout_fraction);

    let group = group_field(schema);
    let groups = group.map_or(Cells::Absent, |name| Cells::of(batch, name));
    let areas = Cells::of(batch, "area");
    let per_area: Vec<f64> = logs
        .iter()
        .enumerate()
        .map(|(row, log)| log - areas.number(row).map_or(f64::NAN, f64::ln))
        .collect();
    for (rule, values) in [
        ("target_outlier", &logs),
        ("target_per_area_outlier", &per_area),
    ] {
        let before = sides.train.len() + sides.holdout.len();
        let fitted = OutlierRule::fit(groups, values, &sides.train);
        let keeps = |row: &usize| fitted.keeps(groups.text(*row), values[*row]);
        sides.train.retain(keeps);
        sides.holdout.retain(keeps);
        let after = sides.train.len() + sides.holdout.len();
        removed.insert(rule.to_owned(), before - after);
    }
    enough(sides.train.len() + sides.holdout.len())?;
    let first = sides.train.first().map(|row| prices[*row]);
    if sides.train.iter().all(|row| Some(prices[*row]) == first) {
        return Err(FitError::ConstantTarget);
    }

    let solve = |rows: &[usize]| {
        let targets: Vec<f64> = rows.iter().map(|row| logs[*row]).collect();
        let (features, design) = Features::fit(schema, batch, rows, &targets, group, options);
        let linear = Linear::fit(&design, &targets, features.width())
            .map_err(|detail| FitError::Solver { detail })?;
        match linear.active {
            0 => Err(FitError::NoFeatures),
            _ => Ok((features, linear)),
        }
    };
    let (features, linear) = solve(&sides.train)?;
    let bound = features.bind(batch);
    let mut buffer = Vec::new();
    let mut estimates = Vec::with_capacity(sides.holdout.len());
    for row in &sides.holdout {
        bound.write(*row, &mut buffer);
        estimates.push(linear.predict(&buffer));
    }
    let residuals: Vec<f64> = sides
        .holdout
        .iter()
        .zip(&estimates)
        .map(|(row, estimate)| logs[*row] - estimate)
        .collect();
    let actual: Vec<f64> = sides.holdout.iter().map(|row| prices[*row]).collect();
    let valued: Vec<f64> = estimates.iter().map(|log| log.exp()).collect();
    let medians = GroupMedian::fit(groups, &prices, &sides.train);
    let guessed: Vec<f64> = sides
        .holdout
        .iter()
        .map(|row| medians.of(groups.text(*row)))
        .collect();
    let judged = |estimates: &[f64]| {
        // Cleaning can take the whole hold-out when prices have moved altogether.
        Metrics::of(&actual, estimates).ok_or(FitError::TooFewRows {
            found: sides.train.len(),
            needed,
        })
    };

    let mut everything = [sides.train.as_slice(), sides.holdout.as_slice()].concat();
    everything.sort_unstable();
    let (features, refitted) = solve(&everything)?;
    let mut report = Report {
        rows: batch.num_rows(),
        removed,
        train_rows: sides.train.len(),
        holdout_rows: sides.holdout.len(),
        model: judged(&valued)?,
        baseline: judged(&guessed)?,
        baseline_name: match group {
            Some(group) => format!("median {target} by {group}"),
            None => format!("median {target}"),
        },
        coverage: conformal::coverage(&residuals, options.interval),
        fit_seconds: 0.0,
        features: refitted.active,
    };
    let newest = everything
        .iter()
        .filter_map(|row| times.and_then(|cells| cells.time_us(*row)));
    let mut model = Model {
        head: Head {
            format: FORMAT,
            code_version: code_version.to_owned(),
            trained_at_us,
            data_until_us: newest.max(),
            schema: schema.clone(),
            features,
            half_width: conformal::half_width(&residuals, options.interval),
            confidence: options.interval,
            report: report.clone(),
        },
        linear: refitted,
        golden: Vec::new(),
    };
    let stride = everything.len().div_ceil(GOLDEN_ROWS);
    model.golden = everything
        .iter()
        .step_by(stride)
        .filter_map(|row| {
            let record = records::encode::to_json(batch, *row);
            let prediction = model.predict_json(&record)?;
            Some(Golden { record, prediction })
        })
        .collect();
    report.fit_seconds = started.elapsed().as_secs_f64();
    model.head.report.fit_seconds = report.fit_seconds;
    Ok((model, report))
}
