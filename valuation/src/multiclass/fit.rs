//! Fitting: split once, fit each level against the rest, judge, refit on everything.

use std::collections::BTreeSet;
use std::time::Instant;

use arrow_array::RecordBatch;
use records::{Schema, Task};

use super::errors::ScoredRow;
use super::judge::Holdout;
use super::levels::Levels;
use super::metrics::MulticlassMetrics;
use super::model::{MulticlassHead, MulticlassModel};
use super::normalised::{exponent, normalised};
use super::report::{LevelMember, LevelReport, MulticlassReport};
use crate::artifact::{FORMAT, sampled};
use crate::classification::{log_loss_of, times};
use crate::clean::Records;
use crate::ensemble::{FitJob, FittedClasses, Part};
use crate::fit::{FitOptions, check_columns, no_features, on_pool};
use crate::fit_error::FitError;
use crate::members::NamedMember;
use crate::progress::{FitStage, Measure, Planned, PlannedFit, Tracker};
use crate::uninformative;

/// Fits a model of the levels of the schema's target and judges it as [`crate::classify`] does: every level against
/// the rest, all on the same rows. The model returned is refitted on all of them, with the judged model's weights and
/// calibrations.
///
/// # Errors
/// See [`FitError`].
pub fn classify_levels(
    schema: &Schema,
    batch: &RecordBatch,
    options: &FitOptions,
    code_version: &str,
    trained_at_us: i64,
) -> Result<(MulticlassModel, MulticlassReport), FitError> {
    options.check()?;
    options.check_members(Task::Classification)?;
    on_pool(options.threads, || {
        classify_on_this_pool(schema, batch, options, code_version, trained_at_us)
    })
}

fn classify_on_this_pool(
    schema: &Schema,
    batch: &RecordBatch,
    options: &FitOptions,
    code_version: &str,
    trained_at_us: i64,
) -> Result<(MulticlassModel, MulticlassReport), FitError> {
    let started = Instant::now();
    let loss = |log_odds: f64, class: f64| log_loss_of(log_odds, class > 0.0);
    let tracker = Tracker::new(&options.observer, Measure::LogLoss, loss);
    let target = check_columns(schema, batch, Task::Classification)?;
    let Levels {
        names,
        of_row,
        usable,
        sides,
        removed,
    } = Levels::of(schema, batch, target, options)?;
    let dropped = uninformative::find(schema, batch, &usable);
    let telling = uninformative::without(schema, dropped.iter());
    let numbers: Vec<f64> = of_row.iter().map(|level| *level as f64).collect();
    let holdout_copies = Records::of(&telling, batch, &numbers).met(&sides.train, &sides.holdout);

    let members = options.members_of_levels(names.len(), sides.train.len());
    tracker.plan(|| PlannedFit {
        rows: sides.train.len(),
        refit_rows: usize::from(options.refit) * usable.len(),
        fields: telling.features().count(),
        folds: options.folds,
        members: planned(&names, &members),
        has_spread: false,
        has_best: false,
    });
    let by_level: Vec<Vec<f64>> = (0..names.len())
        .map(|level| against_rest(&of_row, level))
        .collect();
    let job = |level: usize, rows| FitJob {
        tracker: &tracker,
        schema: &telling,
        batch,
        rows,
        targets: &by_level[level],
        task: Task::Classification,
        group: None,
        options,
        members: &members,
        part: Part {
            first: level * members.len(),
            is_last: level + 1 == names.len(),
        },
    };
    // One after the other: each takes all cores, and the columns of one at a time are enough.
    let fitted = (0..names.len())
        .map(|level| job(level, sides.train.as_slice()).fit_classes())
        .collect::<Result<Vec<_>, FitError>>()?;
    let columns = fitted.iter().map(|fitted| fitted.columns).max();
    if columns.unwrap_or(0) == 0 {
        return Err(no_features(schema));
    }
    let level_of = |rows: &[usize]| -> Vec<usize> { rows.iter().map(|row| of_row[*row]).collect() };
    let (trained, held) = (level_of(&sides.train), level_of(&sides.holdout));
    let train_rows = |level: usize| trained.iter().filter(|own| **own == level).count();
    let shares: Vec<f64> = (0..names.len())
        .map(|level| train_rows(level) as f64 / trained.len() as f64)
        .collect();
    let (out_of_fold, are_seen) = out_of_fold(&fitted, &trained);
    let exponent = if are_seen {
        exponent(&out_of_fold)
    } else {
        1.0
    };
    tracker.enter(FitStage::Judging);
    let holdout = Holdout {
        schema: &telling,
        batch,
        rows: &sides.holdout,
        levels: &held,
        shares: &shares,
        exponent,
        seed: options.seed,
    };
    let judged = holdout.judge(&fitted).ok_or(FitError::EmptyHoldout {
        rows: usable.len(),
        fraction: options.holdout_fraction,
    })?;

    let mut everything = sides.train.clone();
    let mut kept: Vec<_> = fitted
        .iter()
        .map(|fitted| fitted.estimator.clone())
        .collect();
    if options.refit {
        everything.extend(&sides.holdout);
        everything.sort_unstable();
        for (level, fitted) in fitted.iter().enumerate() {
            kept[level] = job(level, everything.as_slice()).refit_classes(fitted)?;
        }
    }
    tracker.enter(FitStage::Explaining);
    for estimator in &mut kept {
        estimator.prune();
    }
    let levels = names.iter().zip(&fitted).zip(&judged.levels).enumerate();
    let levels = levels.map(|(level, ((name, fitted), metrics))| LevelReport {
        level: name.clone(),
        train_rows: train_rows(level),
        metrics: *metrics,
        members: level_members(fitted),
        calibration_slope: fitted.estimator.plan.equity.slope,
    });
    let report = MulticlassReport {
        target: target.to_owned(),
        rows: batch.num_rows(),
        removed,
        train_rows: sides.train.len(),
        holdout_rows: sides.holdout.len(),
        holdout_copies: holdout_copies.len(),
        without_copies: without(&holdout, &judged.probabilities, &holdout_copies),
        levels: levels.collect(),
        model: judged.model,
        baseline: judged.baseline,
        exponent,
        fold_log_loss: log_loss(&out_of_fold, exponent),
        calibration: judged.calibration,
        calibration_error: judged.calibration_error,
        importance: judged.importance,
        judged: Vec::new(),
        fit_seconds: 0.0,
        features: columns.unwrap_or(0),
        dropped,
    };
    let times = times(schema, batch);
    let newest = everything.iter().filter_map(|row| times.time_us(*row));
    let head = MulticlassHead {
        format: FORMAT,
        code_version: code_version.to_owned(),
        trained_at_us,
        data_until_us: newest.max(),
        schema: schema.clone(),
        levels: names,
        exponent,
        plans: kept
            .iter()
            .map(|estimator| estimator.plan.clone())
            .collect(),
        report: report.clone(),
    };
    let mut model = MulticlassModel::new(head, kept, Vec::new());
    model.golden = sampled(batch, &everything, |record| model.predict_json(record));
    if model.golden.is_empty() {
        return Err(FitError::NotRecords {
            schema: schema.name.clone(),
        });
    }
    let report = MulticlassReport {
        judged: judged.rows,
        fit_seconds: started.elapsed().as_secs_f64(),
        ..report
    };
    tracker.done();
    Ok((model, report))
}

/// Every member of every level.
fn planned(levels: &[String], members: &[NamedMember]) -> Vec<Planned> {
    let of_level = |level: &String| {
        let members = members.iter().map(NamedMember::planned);
        let named = members.map(move |member| Planned {
            name: format!("{} of {level}", member.name),
            ..member
        });
        named.collect::<Vec<_>>()
    };
    levels.iter().flat_map(of_level).collect()
}

/// By row: 1 where it has the level, else 0.
fn against_rest(of_row: &[usize], level: usize) -> Vec<f64> {
    let is_level = |own: &usize| f64::from(u8::from(*own == level));
    of_row.iter().map(is_level).collect()
}

fn level_members(fitted: &FittedClasses) -> Vec<LevelMember> {
    let members = fitted.all.iter().zip(&fitted.weights).zip(&fitted.alone);
    let members = members.map(|((member, weight), (_, log_loss))| LevelMember {
        name: member.name.clone(),
        weight: *weight,
        trees: member.trees(),
        fold_log_loss: *log_loss,
    });
    members.collect()
}

/// The log odds of all levels out of fold, and the level that it is, of the rows whose fold had all levels to learn from, and
/// true; of all rows where there are none, and false: what is predicted there shows nothing of how sure the whole is. The
/// folds of all levels are the same. `levels` are those of the training rows.
fn out_of_fold(fitted: &[FittedClasses], levels: &[usize]) -> (Vec<(Vec<f64>, usize)>, bool) {
    let judged = fitted
        .first()
        .map_or(&[][..], |fitted| fitted.judged.as_slice());
    let row = |(at, row): (usize, &usize)| {
        let log_odds = fitted.iter().map(|fitted| fitted.log_odds[at]);
        (log_odds.collect(), levels[*row])
    };
    let is_seen = |at: &usize| fitted.iter().all(|fitted| fitted.seen[*at]);
    let some = (0..judged.len()).any(|at| is_seen(&at));
    let rows = judged.iter().enumerate();
    let rows = rows.filter(|(at, _)| !some || is_seen(at)).map(row);
    (rows.collect(), some)
}

/// The mean log loss of all levels together.
fn log_loss(rows: &[(Vec<f64>, usize)], exponent: f64) -> f64 {
    let losses = rows.iter().map(|(log_odds, level)| {
        ScoredRow::of(&normalised(log_odds, exponent), Some(*level)).log_loss()
    });
    losses.sum::<f64>() / rows.len().max(1) as f64
}

/// The measures of the rows that are not copies; none where none or all of them are.
fn without(
    holdout: &Holdout,
    probabilities: &[Vec<f64>],
    copies: &BTreeSet<usize>,
) -> Option<MulticlassMetrics> {
    if copies.is_empty() {
        return None;
    }
    let rows = holdout.rows.iter().zip(holdout.levels).zip(probabilities);
    let originals = rows.filter(|((row, _), _)| !copies.contains(*row));
    let (levels, probabilities): (Vec<usize>, Vec<Vec<f64>>) = originals
        .map(|((_, level), row)| (*level, row.clone()))
        .unzip();
    MulticlassMetrics::of(&probabilities, &levels)
}
