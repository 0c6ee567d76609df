//! Fitting: clean, split, fit, judge, refit on everything.

mod error;

use std::collections::BTreeMap;
use std::time::Instant;

use arrow_array::RecordBatch;
use records::{Schema, Task};

pub use self::error::FitError;
use crate::artifact::FORMAT;
use crate::baseline::{GroupMedian, group_field};
use crate::cells::Cells;
use crate::clean::OutlierRule;
use crate::conformal;
use crate::features::Features;
use crate::linear::Linear;
use crate::metrics::{Metrics, Report};
use crate::model::{Golden, Head, Model};
use crate::split::{Split, split};

/// Sample rows kept with a model.
const GOLDEN_ROWS: usize = 20;
/// Fewest listings that are ever fitted on, whatever `min_rows` says.
const LEAST_ROWS: usize = 10;

/// How a model is fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct FitOptions {
    /// Fewer usable listings are refused: estimates would be noise. Never below 10.
    pub min_rows: usize,
    /// Share held out to judge on, 0.01 to 0.5.
    pub holdout_fraction: f64,
    /// Most levels of a one-hot category; the rest are "other".
    pub max_levels: usize,
    /// Levels with fewer rows are "other".
    pub min_level_rows: usize,
    /// Share of prices the intervals are to hold, 0.01 to 0.999.
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

impl FitOptions {
    fn check(&self) -> Result<(), FitError> {
        if !(0.01..=0.5).contains(&self.holdout_fraction) {
            return Err(FitError::Option {
                option: "holdout_fraction",
                expected: "between 0.01 and 0.5",
                found: self.holdout_fraction,
            });
        }
        if !(0.01..=0.999).contains(&self.interval) {
            return Err(FitError::Option {
                option: "interval",
                expected: "between 0.01 and 0.999",
                found: self.interval,
            });
        }
        Ok(())
    }
}

/// Fits a model on listings and judges it out of time.
///
/// The reported metrics are those of a model fitted on the older listings alone, on every newer
/// listing: only the training rows are cleaned by rules that look at the price. The model returned
/// is refitted on all but the outliers, with the judged model's intervals. `code_version` and
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
    options.check()?;
    let target = check_columns(schema, batch)?;
    let data = Data::of(schema, batch, target);
    let given = batch.num_rows();

    let usable: Vec<usize> = (0..given)
        .filter(|row| data.logs[*row].is_finite())
        .collect();
    let mut removed = BTreeMap::from([("target_not_positive".to_owned(), given - usable.len())]);
    if usable.is_empty() && given > 0 {
        return Err(FitError::NothingLeft {
            target: target.to_owned(),
            given,
        });
    }
    let needed = options.min_rows.max(LEAST_ROWS);
    let enough = |found: usize, removed: &BTreeMap<String, usize>| {
        if found >= needed {
            return Ok(());
        }
        let rules = removed.iter().filter(|(_, count)| **count > 0);
        let rules: Vec<String> = rules
            .map(|(rule, count)| format!("{rule} {count}"))
            .collect();
        Err(FitError::TooFewRows {
            found,
            needed,
            given,
            removed: match rules.is_empty() {
                true => "none".to_owned(),
                false => rules.join(", "),
            },
        })
    };
    enough(usable.len(), &removed)?;

    let time_of = |row: usize| data.times.time_us(row).unwrap_or(i64::MIN);
    let by_time: Option<&dyn Fn(usize) -> i64> = schema.time.is_some().then_some(&time_of);
    let mut sides = split(&usable, by_time, options.holdout_fraction);
    let no_holdout = || FitError::EmptyHoldout {
        rows: usable.len(),
        fraction: options.holdout_fraction,
    };
    if sides.holdout.is_empty() {
        return Err(no_holdout());
    }
    let like_training = clean(&data, &mut sides, &mut removed);
    enough(sides.train.len() + sides.holdout.len(), &removed)?;
    let first = sides
        .train
        .first()
        .map_or(f64::NAN, |row| data.prices[*row]);
    if sides.train.iter().all(|row| data.prices[*row] == first) {
        return Err(FitError::ConstantTarget {
            target: target.to_owned(),
            value: first,
            rows: sides.train.len(),
        });
    }

    let solve = |rows: &[usize]| {
        let targets: Vec<f64> = rows.iter().map(|row| data.logs[*row]).collect();
        let (features, design) = Features::fit(schema, batch, rows, &targets, data.group, options);
        let linear = Linear::fit(&design, &targets, features.width())
            .map_err(|detail| FitError::Solver { detail })?;
        match linear.active {
            0 => Err(no_features(schema)),
            _ => Ok((features, linear)),
        }
    };
    let (features, linear) = solve(&sides.train)?;
    let judged = judge(&data, batch, &sides, &features, &linear).ok_or_else(no_holdout)?;

    let mut everything = [sides.train.as_slice(), like_training.as_slice()].concat();
    everything.sort_unstable();
    let (features, refitted) = solve(&everything)?;
    let report = Report {
        rows: given,
        removed,
        train_rows: sides.train.len(),
        holdout_rows: sides.holdout.len(),
        holdout_outliers: sides.holdout.len() - like_training.len(),
        model: judged.model,
        baseline: judged.baseline,
        baseline_name: match data.group {
            Some(group) => format!("median {target} by {group}"),
            None => format!("median {target}"),
        },
        coverage: conformal::coverage(&judged.residuals, options.interval),
        fit_seconds: 0.0,
        features: refitted.active,
    };
    let newest = everything.iter().filter_map(|row| data.times.time_us(*row));
    let mut model = Model {
        head: Head {
            format: FORMAT,
            code_version: code_version.to_owned(),
            trained_at_us,
            data_until_us: newest.max(),
            schema: schema.clone(),
            features,
            half_width: conformal::half_width(&judged.residuals, options.interval),
            confidence: options.interval,
            report,
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
    if model.golden.is_empty() {
        return Err(FitError::NotRecords {
            schema: schema.name.clone(),
        });
    }
    model.head.report.fit_seconds = started.elapsed().as_secs_f64();
    let report = model.head.report.clone();
    Ok((model, report))
}

/// Checks that the batch has what the schema says; gives the target's name.
fn check_columns<'a>(schema: &'a Schema, batch: &RecordBatch) -> Result<&'a str, FitError> {
    let target = schema.target.as_deref();
    let Some(target) = target.filter(|_| schema.task == Task::Regression) else {
        return Err(FitError::UnsupportedTask {
            schema: schema.name.clone(),
            task: format!("{:?}", schema.task).to_lowercase(),
        });
    };
    let roles = schema.time.iter().chain(&schema.target);
    for field in schema
        .features()
        .chain(roles.filter_map(|name| schema.field(name)))
    {
        let expected = field.kind.data_type();
        let found = batch
            .column_by_name(&field.name)
            .map(|column| column.data_type().clone());
        if found.as_ref() != Some(&expected) {
            let names: Vec<String> = batch
                .schema_ref()
                .fields()
                .iter()
                .map(|field| field.name().clone())
                .collect();
            return Err(FitError::MissingColumn {
                column: field.name.clone(),
                expected: expected.to_string(),
                found: found.map_or("none".to_owned(), |found| found.to_string()),
                columns: names.join(", "),
            });
        }
    }
    if schema.features().next().is_none() {
        return Err(no_features(schema));
    }
    Ok(target)
}

fn no_features(schema: &Schema) -> FitError {
    let names: Vec<&str> = schema.features().map(|field| field.name.as_str()).collect();
    FitError::NoFeatures {
        features: match names.is_empty() {
            true => "none".to_owned(),
            false => names.join(", "),
        },
    }
}

/// What a fit reads beside the features, by row of the batch.
struct Data<'a> {
    /// Targets; NaN where there is none.
    prices: Vec<f64>,
    /// Their logarithms: not finite where a price is not above 0.
    logs: Vec<f64>,
    /// The field of the groups: outliers and the baseline go by group.
    group: Option<&'a str>,
    /// Its column.
    groups: Cells<'a>,
    /// The column of times.
    times: Cells<'a>,
    /// Areas, where the schema has any: a price per area shows slips that a price does not.
    areas: Cells<'a>,
}

impl<'a> Data<'a> {
    fn of(schema: &'a Schema, batch: &'a RecordBatch, target: &str) -> Data<'a> {
        let targets = Cells::of(batch, target);
        let prices: Vec<f64> = (0..batch.num_rows())
            .map(|row| targets.number(row).unwrap_or(f64::NAN))
            .collect();
        let column = |name: Option<&str>| name.map_or(Cells::Absent, |name| Cells::of(batch, name));
        let group = group_field(schema);
        Data {
            logs: prices.iter().map(|price| price.ln()).collect(),
            prices,
            group,
            groups: column(group),
            times: column(schema.time.as_deref()),
            areas: Cells::of(batch, "area"),
        }
    }
}

/// Takes the outliers out of the training rows; gives the rows of the hold-out that the same rules
/// would keep.
fn clean(data: &Data, sides: &mut Split, removed: &mut BTreeMap<String, usize>) -> Vec<usize> {
    let per_area: Vec<f64> = data
        .logs
        .iter()
        .enumerate()
        .map(|(row, log)| log - data.areas.number(row).map_or(f64::NAN, f64::ln))
        .collect();
    let mut like_training = sides.holdout.clone();
    for (rule, values) in [
        ("target_outlier", &data.logs),
        ("target_per_area_outlier", &per_area),
    ] {
        let before = sides.train.len();
        let fitted = OutlierRule::fit(data.groups, values, &sides.train);
        let keeps = |row: &usize| fitted.keeps(data.groups.text(*row), values[*row]);
        sides.train.retain(keeps);
        like_training.retain(keeps);
        removed.insert(rule.to_owned(), before - sides.train.len());
    }
    like_training
}

/// What the hold-out says.
struct Judged {
    model: Metrics,
    baseline: Metrics,
    /// Log price less log estimate, in the hold-out's order.
    residuals: Vec<f64>,
}

/// `None` for an empty hold-out.
fn judge(
    data: &Data,
    batch: &RecordBatch,
    sides: &Split,
    features: &Features,
    linear: &Linear,
) -> Option<Judged> {
    let bound = features.bind(batch);
    let medians = GroupMedian::fit(data.groups, &data.prices, &sides.train);
    let (mut residuals, mut actual) = (Vec::new(), Vec::new());
    let (mut valued, mut guessed) = (Vec::new(), Vec::new());
    let mut buffer = Vec::new();
    for row in &sides.holdout {
        bound.write(*row, &mut buffer);
        let estimate = linear.predict(&buffer);
        residuals.push(data.logs[*row] - estimate);
        actual.push(data.prices[*row]);
        valued.push(estimate.exp());
        guessed.push(medians.of(data.groups.text(*row)));
    }
    Some(Judged {
        model: Metrics::of(&actual, &valued)?,
        baseline: Metrics::of(&actual, &guessed)?,
        residuals,
    })
}
