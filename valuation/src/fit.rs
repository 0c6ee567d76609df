//! Fitting: clean, split, fit, judge, refit on everything.

mod effort;
mod error;

use std::collections::BTreeMap;
use std::time::Instant;

use arrow_array::RecordBatch;
use records::{Schema, Task};

pub use self::effort::Effort;
pub use self::error::FitError;
use crate::artifact::FORMAT;
use crate::baseline::{GroupMedian, group_field};
use crate::cells::Cells;
use crate::clean::OutlierRule;
use crate::conformal::{self, Share};
use crate::estimator::{Estimate, Fitted, Wanted};
use crate::member::NamedMember;
use crate::metrics::{JudgedRow, MemberReport, Metrics, Report};
use crate::model::{Golden, Head, Model};
use crate::ratio_study::RatioStudy;
use crate::segment;
use crate::split::{Split, split, split_randomly};

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
    /// How much work the defaults may be; says which members there are where none are given.
    pub effort: Effort,
    /// The members by name; empty takes those of `effort`.
    pub members: Vec<NamedMember>,
    /// Folds of the out-of-fold predictions, 2 to 20.
    pub folds: usize,
    /// How many neighbours their mean prices are over, rising; empty for none.
    pub neighbours: Vec<usize>,
    /// Seed of folds and trees: the same gives the same model.
    pub seed: u64,
    /// How the rows to judge on are chosen.
    pub split: SplitBy,
    /// Whether the model kept has learned from the hold-out too.
    pub refit: bool,
}

/// How the rows to judge on are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SplitBy {
    /// The newest; without a time field, every so-manieth row.
    Time,
    /// Drawn by the seed.
    Random,
}

impl Default for FitOptions {
    fn default() -> FitOptions {
        FitOptions {
            min_rows: 200,
            holdout_fraction: 0.2,
            max_levels: 200,
            min_level_rows: 5,
            interval: 0.9,
            effort: Effort::Standard,
            members: Vec::new(),
            folds: 5,
            neighbours: vec![5, 15],
            seed: 42,
            split: SplitBy::Time,
            refit: true,
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
        if !(2..=20).contains(&self.folds) {
            return Err(FitError::Option {
                option: "folds",
                expected: "between 2 and 20",
                found: self.folds as f64,
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
    let mut sides = match options.split {
        SplitBy::Time => split(&usable, by_time, options.holdout_fraction),
        SplitBy::Random => split_randomly(&usable, options.holdout_fraction, options.seed),
    };
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

    let members = match options.members.is_empty() {
        true => options.effort.members(sides.train.len()),
        false => options.members.clone(),
    };
    let learn = |rows: &[usize], members: &[NamedMember]| {
        let wanted = Wanted {
            schema,
            batch,
            rows,
            logs: &data.logs,
            group: data.group,
            options,
            members,
        };
        let fitted = wanted.fit()?;
        match fitted.columns {
            0 => Err(no_features(schema)),
            _ => Ok(fitted),
        }
    };
    let mut fitted = learn(&sides.train, &members)?;
    let judged = judge(&data, batch, &sides, &mut fitted).ok_or_else(no_holdout)?;

    let mut everything = [sides.train.as_slice(), like_training.as_slice()].concat();
    everything.sort_unstable();
    let mut kept = fitted;
    if options.refit {
        // What was judged is what is kept: the same members, the same weights.
        let (names, weights) = kept.weights_by_name();
        let wanted: Vec<NamedMember> = members
            .iter()
            .filter(|member| names.contains(&member.name))
            .cloned()
            .collect();
        kept = learn(&everything, &wanted)?;
        kept.weigh_by_name(&names, &weights);
    } else {
        everything = sides.train.clone();
        everything.sort_unstable();
    }
    kept.prune();
    kept.estimator.plan.quantile *= judged.widened;
    let report = Report {
        rows: given,
        removed,
        train_rows: sides.train.len(),
        holdout_rows: sides.holdout.len(),
        holdout_outliers: sides.holdout.len() - like_training.len(),
        ratios: RatioStudy::of(&judged.actual, &judged.valued),
        segments: segment::of(schema, batch, data.group, &judged.rows),
        judged: judged.rows,
        members: judged.members,
        stack: judged.stack,
        widened: judged.widened,
        model: judged.model,
        baseline: judged.baseline,
        baseline_name: match data.group {
            Some(group) => format!("median {target} by {group}"),
            None => format!("median {target}"),
        },
        coverage: judged.coverage.value,
        coverage_low: judged.coverage.low,
        coverage_high: judged.coverage.high,
        fit_seconds: 0.0,
        features: kept.columns,
    };
    let newest = everything.iter().filter_map(|row| data.times.time_us(*row));
    let mut model = Model {
        head: Head {
            format: FORMAT,
            code_version: code_version.to_owned(),
            trained_at_us,
            data_until_us: newest.max(),
            schema: schema.clone(),
            plan: kept.estimator.plan.clone(),
            confidence: options.interval,
            report,
        },
        estimator: kept.estimator,
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
    let judged = std::mem::take(&mut model.head.report.judged);
    model.head.report.fit_seconds = started.elapsed().as_secs_f64();
    let report = Report {
        judged,
        ..model.head.report.clone()
    };
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
            areas: column(schema.area()),
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
    actual: Vec<f64>,
    valued: Vec<f64>,
    rows: Vec<JudgedRow>,
    members: Vec<MemberReport>,
    /// Whether the weighted members were better than the best alone.
    stack: bool,
    coverage: Share,
    /// Above 1 where the hold-out is further off than the folds said.
    widened: f64,
}

/// Judges on the hold-out, and leaves the best member alone where the stack does not beat it.
/// `None` for an empty hold-out.
fn judge(data: &Data, batch: &RecordBatch, sides: &Split, fitted: &mut Fitted) -> Option<Judged> {
    let count = sides.holdout.len();
    let rows = arrow_select::take::take_record_batch(batch, &positions(&sides.holdout)).ok()?;
    let logs: Vec<f64> = sides.holdout.iter().map(|row| data.logs[*row]).collect();
    let actual: Vec<f64> = sides.holdout.iter().map(|row| data.prices[*row]).collect();
    let off = |found: &[Estimate]| {
        let squares = found
            .iter()
            .zip(&logs)
            .map(|(own, log)| (own.log - log) * (own.log - log));
        (squares.sum::<f64>() / count as f64).sqrt()
    };
    let weights = fitted.weights.clone();
    let mut found = fitted.estimator.batch(&rows);
    let stack_error = off(&found);
    let mut members = Vec::new();
    let mut best = None;
    for index in 0..weights.len() {
        fitted.weigh(
            (0..weights.len())
                .map(|other| f64::from(u8::from(other == index)))
                .collect(),
        );
        let alone = fitted.estimator.batch(&rows);
        members.push(MemberReport {
            name: fitted.all[index].0.clone(),
            weight: weights[index],
            trees: fitted.all[index].1.trees(),
            fold_error: fitted.member_errors[index],
            holdout_error: off(&alone),
        });
        if index == fitted.best {
            best = Some(alone);
        }
    }
    let alone = off(best.as_deref()?);
    let is_stack = weights.iter().filter(|weight| **weight > 0.0).count() > 1;
    let stack = is_stack && stack_error <= alone;
    if stack || !is_stack {
        fitted.weigh(weights);
    } else {
        let only = (0..weights.len()).map(|other| f64::from(u8::from(other == fitted.best)));
        fitted.weigh(only.collect());
        found = best?;
        for (member, weight) in members.iter_mut().zip(&fitted.weights) {
            member.weight = *weight;
        }
    }
    let medians = GroupMedian::fit(data.groups, &data.prices, &sides.train);
    let guesses = sides
        .holdout
        .iter()
        .map(|row| medians.of(data.groups.text(*row)));
    let guessed: Vec<f64> = guesses.collect();
    let valued: Vec<f64> = found.iter().map(|own| own.log.exp()).collect();
    let quantile = fitted.estimator.plan.quantile;
    let scores: Vec<f64> = found
        .iter()
        .zip(&logs)
        .map(|(own, log)| (log - own.log).abs() / own.spread)
        .collect();
    let hits = scores.iter().filter(|score| **score <= quantile).count();
    let coverage = Share::of(hits, count);
    // What comes after training is further off than the folds said: the range is to hold then too.
    let widened = match coverage.high < fitted.confidence {
        true => conformal::half_width(&scores, fitted.confidence) / quantile,
        false => 1.0,
    };
    let judged = |(row, own): (&usize, &Estimate)| JudgedRow {
        row: *row,
        actual: data.prices[*row],
        value: own.log.exp(),
        low: (own.log - quantile * own.spread).exp(),
        high: (own.log + quantile * own.spread).exp(),
    };
    let rows = sides.holdout.iter().zip(&found).map(judged).collect();
    Some(Judged {
        rows,
        model: Metrics::of(&actual, &valued)?,
        baseline: Metrics::of(&actual, &guessed)?,
        actual,
        valued,
        members,
        stack,
        coverage,
        widened,
    })
}

fn positions(rows: &[usize]) -> arrow_array::UInt64Array {
    rows.iter().map(|row| *row as u64).collect()
}
