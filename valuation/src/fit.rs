//! Fitting: clean, split, fit, judge, refit on everything.

mod data;
mod effort;
mod judge;
mod options;
mod selection;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Instant;

use arrow_array::{RecordBatch, UInt64Array};
use arrow_select::take::take_record_batch;
use records::{Schema, Task};

use self::data::Data;
pub(crate) use self::data::{check_columns, no_features};
pub use self::effort::Effort;
use self::judge::judge;
pub use self::options::FitOptions;
use self::selection::{Selection, select};
use crate::artifact::{FORMAT, Golden, sampled};
use crate::cells::Cells;
use crate::clean::Listings;
use crate::clustering::segments::{SEGMENT, Segments};
use crate::ensemble::{FitJob, Part};
use crate::estimator::Estimator;
use crate::fit_error::FitError;
use crate::link::Link;
use crate::members::NamedMember;
use crate::metrics::{JudgedRow, Metrics};
use crate::model::{Head, Model};
use crate::profile::Profile;
use crate::progress::{FitStage, Measure, PlannedFit, Tracker};
use crate::ratio_study::RatioStudy;
use crate::report::Report;
use crate::segment;
use crate::uninformative;

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
    options.check()?;
    options.check_members(Task::Regression)?;
    options.check_monotone(schema)?;
    on_pool(options.threads, || {
        fit_on_this_pool(schema, batch, options, code_version, trained_at_us)
    })
}

/// Fits on so many threads; 0 for all cores.
///
/// # Errors
/// What the fit says, and where there are no such threads.
pub(crate) fn on_pool<T: Send>(
    threads: usize,
    fit: impl FnOnce() -> Result<T, FitError> + Send,
) -> Result<T, FitError> {
    match threads {
        0 => fit(),
        threads => rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|error| FitError::Threads {
                threads,
                detail: error.to_string(),
            })?
            .install(fit),
    }
}

fn fit_on_this_pool(
    schema: &Schema,
    batch: &RecordBatch,
    options: &FitOptions,
    code_version: &str,
    trained_at_us: i64,
) -> Result<(Model, Report), FitError> {
    let started = Instant::now();
    let squared = |predicted: f64, target: f64| (predicted - target) * (predicted - target);
    let tracker = Tracker::new(&options.observer, Measure::RmseLog, squared);
    let target = check_columns(schema, batch, Task::Regression)?;
    let link = Link::of(schema);
    let prices = data::prices(batch, target);
    let priced: Vec<usize> = (0..batch.num_rows())
        .filter(|row| link.takes(prices[*row]))
        .collect();
    let dropped = uninformative::find(schema, batch, &priced);
    // What is learned from; what records are, the whole schema says.
    let telling = uninformative::without(schema, dropped.iter());
    let data = Data::of(schema, batch, prices, &dropped);
    let listings = Listings {
        schema: &telling,
        batch,
        logs: &data.logs,
        group: data.group,
        levels: options.level_limits(),
        seed: options.seed,
    };
    let Selection {
        sides,
        mut everything,
        holdout_outliers,
        holdout_copies,
        removed,
        usable,
    } = select(listings, &data, target, options)?;

    // A category like any other from here on: fitted on training rows, known of every row.
    if options.segments > 0 && schema.field(SEGMENT).is_some() {
        return Err(FitError::Segments {
            detail: format!("the schema has a field {SEGMENT:?} of its own"),
        });
    }
    let segments = market(options, &telling, batch, &sides.train)?;
    let telling = segments
        .as_ref()
        .map_or_else(|| telling.clone(), |segments| segments.schema(&telling));
    let batch_read = segments
        .as_ref()
        .map_or(Cow::Borrowed(batch), |segments| segments.extend(batch));
    let mut members = options.members_for(Task::Regression, sides.train.len());
    // Given ones were refused.
    if telling.features().any(|field| field.monotone.is_some()) {
        members.retain(|member| !member.options.compares_sales());
    }
    tracker.plan(|| PlannedFit {
        rows: sides.train.len(),
        refit_rows: usize::from(options.refit) * everything.len(),
        fields: telling.features().count(),
        folds: options.folds,
        members: members.iter().map(NamedMember::planned).collect(),
        has_spread: true,
        has_best: true,
    });
    let job = |rows| FitJob {
        tracker: &tracker,
        schema: &telling,
        batch: &batch_read,
        rows,
        targets: &data.logs,
        task: Task::Regression,
        group: data.group,
        options,
        members: &members,
        part: Part::WHOLE,
    };
    let mut fitted = job(sides.train.as_slice()).fit_prices()?;
    if fitted.columns == 0 {
        return Err(no_features(schema));
    }
    tracker.enter(FitStage::Judging);
    let judged = judge(&data, &batch_read, &sides, &mut fitted).ok_or(FitError::EmptyHoldout {
        rows: usable,
        fraction: options.holdout_fraction,
    })?;

    let folds = std::mem::take(&mut fitted.folds);
    let equity = fitted.equity;
    let mut kept = fitted;
    if options.refit {
        kept = job(everything.as_slice()).refit_prices(&kept)?;
    } else {
        everything = sides.train.clone();
        everything.sort_unstable();
    }
    tracker.enter(FitStage::Explaining);
    kept.prune();
    if kept.estimator.comparables.is_none() {
        let (estimator, rows) = (&kept.estimator, &everything);
        let found = estimator.comparables_by_line(&telling, &batch_read, rows, &data.prices);
        kept.estimator.comparables = found;
    }
    kept.estimator.plan.quantile *= judged.widened;
    kept.estimator.plan.segments = segments;
    estimate_past(&mut kept.estimator, schema, batch, &everything);
    kept.estimator.keep_values_read(schema);
    let report = Report {
        link,
        rows: batch.num_rows(),
        removed,
        train_rows: sides.train.len(),
        holdout_rows: sides.holdout.len(),
        holdout_outliers,
        holdout_copies: holdout_copies.len(),
        without_copies: without(&judged.rows, &holdout_copies, link),
        ratios: RatioStudy::on(link, &judged.actual, &judged.valued),
        segments: segment::of(schema, link, &batch_read, data.group, &judged.rows),
        judged: judged.rows,
        members: judged.members,
        folds,
        equity,
        stack: judged.stack,
        stacked: judged.stacked,
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
        calibration: judged.calibration,
        fit_seconds: 0.0,
        features: kept.columns,
        dropped,
    };
    // That a field which carried no information begins to carry some is drift, too.
    let identifiers = report.dropped.iter().filter(|field| field.is_identifier());
    let watched = uninformative::without(schema, identifiers);
    let profile = Profile::of(
        &watched,
        link,
        batch,
        &everything,
        &report.judged,
        judged.widened,
    );
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
            profile: Some(profile),
        },
        estimator: kept.estimator,
        golden: Vec::new(),
    };
    model.golden = golden(&model, batch, &everything);
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
    tracker.done();
    Ok((model, report))
}

/// What the model says of the past records that are shown: what others are adjusted by.
fn estimate_past(estimator: &mut Estimator, schema: &Schema, batch: &RecordBatch, rows: &[usize]) {
    let Some(comparables) = &estimator.comparables else {
        return;
    };
    // Those alone, of all that were learned from.
    let shown: HashSet<&str> = comparables.past.iter().map(|past| &*past.id).collect();
    let keys = Cells::of(batch, &schema.key);
    let is_shown = |row: &&usize| keys.text(**row).is_some_and(|key| shown.contains(key));
    let taken: UInt64Array = rows
        .iter()
        .filter(is_shown)
        .map(|row| *row as u64)
        .collect();
    let Ok(learned) = take_record_batch(batch, &taken) else {
        return;
    };
    let estimates = estimator.batch(&learned);
    let keys = Cells::of(&learned, &schema.key);
    let by_key: HashMap<&str, f64> = estimates
        .iter()
        .enumerate()
        .filter_map(|(row, estimate)| Some((keys.text(row)?, estimate.log)))
        .collect();
    for past in estimator
        .comparables
        .iter_mut()
        .flat_map(|comparables| &mut comparables.past)
    {
        past.estimate = by_key.get(past.id.as_str()).copied();
    }
}

/// The measures of the rows that are not copies; none where none or all of them are.
fn without(judged: &[JudgedRow], copies: &BTreeSet<usize>, link: Link) -> Option<Metrics> {
    if copies.is_empty() {
        return None;
    }
    let originals = judged.iter().filter(|row| !copies.contains(&row.row));
    let (actual, valued): (Vec<f64>, Vec<f64>) =
        originals.map(|row| (row.actual, row.value)).unzip();
    Metrics::on(link, &actual, &valued)
}

/// The segments that are requested, fitted on `rows`; none where they distinguish nothing.
///
/// # Errors
/// When they cannot be found.
fn market(
    options: &FitOptions,
    schema: &Schema,
    batch: &RecordBatch,
    rows: &[usize],
) -> Result<Option<Segments>, FitError> {
    if options.segments == 0 {
        return Ok(None);
    }
    let found = Segments::fit(schema, batch, rows, options.segments, options.seed);
    found.map_err(|error| FitError::Segments {
        detail: error.to_string(),
    })
}

/// Some of the `rows` learned from, and what the model predicts for them.
pub(crate) fn golden(model: &Model, batch: &RecordBatch, rows: &[usize]) -> Vec<Golden> {
    sampled(batch, rows, |record| model.predict_json(record))
}
