//! Fitting: split, fit the members, judge, refit on everything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use arrow_array::RecordBatch;
use records::{Schema, Task};

use super::classes::classes;
use super::errors::calibration_error;
use super::judge::{Holdout, judge};
use super::metrics::{ClassMetrics, log_loss_of};
use super::model::{ClassHead, ClassModel};
use super::report::ClassReport;
use super::rows::{check_count, sides, times};
use crate::artifact::{FORMAT, sampled};
use crate::clean::Records;
use crate::ensemble::{FitJob, Part};
use crate::fit::{FitOptions, check_columns, no_features, on_pool};
use crate::fit_error::FitError;
use crate::members::NamedMember;
use crate::metrics::JudgedRow;
use crate::progress::{FitStage, Measure, PlannedFit, Tracker};
use crate::uninformative;

/// Fits a model of the schema's class and judges it as [`crate::fit`] does: on the newest records, or on
/// such that were drawn, which it has not seen. The model returned is refitted on all of them, with
/// the judged model's weights and calibration.
///
/// # Errors
/// See [`FitError`].
pub fn classify(
    schema: &Schema,
    batch: &RecordBatch,
    options: &FitOptions,
    code_version: &str,
    trained_at_us: i64,
) -> Result<(ClassModel, ClassReport), FitError> {
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
) -> Result<(ClassModel, ClassReport), FitError> {
    let started = Instant::now();
    let loss = |log_odds: f64, class: f64| log_loss_of(log_odds, class > 0.0);
    let tracker = Tracker::new(&options.observer, Measure::LogLoss, loss);
    let target = check_columns(schema, batch, Task::Classification)?;
    if schema.is_multiclass() {
        return Err(FitError::SeveralClasses {
            target: target.to_owned(),
        });
    }
    let known = classes(schema, batch);
    let usable: Vec<usize> = (0..known.len())
        .filter(|row| known[*row].is_some())
        .collect();
    let of_class: Vec<bool> = known.iter().map(|class| *class == Some(true)).collect();
    let removed = BTreeMap::from([("no_target".to_owned(), known.len() - usable.len())]);
    check_count(usable.len(), known.len(), &removed, options)?;
    let dropped = uninformative::find(schema, batch, &usable);
    let telling = uninformative::without(schema, dropped.iter());

    let times = times(schema, batch);
    let sides = sides(schema, batch, &usable, options);
    let targets: Vec<f64> = of_class
        .iter()
        .map(|class| f64::from(u8::from(*class)))
        .collect();
    let records = Records::of(&telling, batch, &targets);
    let holdout_copies = records.met(&sides.train, &sides.holdout);
    for side in [&sides.train, &sides.holdout] {
        let found = side.iter().filter(|row| of_class[**row]).count();
        if found == 0 || found == side.len() {
            return Err(FitError::SingleClass {
                class: schema.class_name().to_owned(),
                target: target.to_owned(),
                found,
                rows: side.len(),
            });
        }
    }

    let members = options.members_for(Task::Classification, sides.train.len());
    tracker.plan(|| PlannedFit {
        rows: sides.train.len(),
        refit_rows: usize::from(options.refit) * (sides.train.len() + sides.holdout.len()),
        fields: telling.features().count(),
        folds: options.folds,
        members: members.iter().map(NamedMember::planned).collect(),
        has_spread: false,
        has_best: true,
    });
    let job = |rows| FitJob {
        tracker: &tracker,
        schema: &telling,
        batch,
        rows,
        targets: &targets,
        task: Task::Classification,
        group: None,
        options,
        members: &members,
        part: Part::WHOLE,
    };
    let fitted = job(sides.train.as_slice()).fit_classes()?;
    if fitted.columns == 0 {
        return Err(no_features(schema));
    }
    tracker.enter(FitStage::Judging);
    let held: Vec<bool> = sides.holdout.iter().map(|row| of_class[*row]).collect();
    let ones = sides.train.iter().filter(|row| of_class[**row]).count();
    let base_rate = ones as f64 / sides.train.len() as f64;
    let holdout = Holdout {
        schema: &telling,
        batch,
        rows: &sides.holdout,
        classes: &held,
        base_rate,
        threshold: options.threshold,
        seed: options.seed,
    };
    let judged = judge(&holdout, &fitted).ok_or(FitError::EmptyHoldout {
        rows: usable.len(),
        fraction: options.holdout_fraction,
    })?;

    let mut everything = sides.train.clone();
    let mut kept = fitted.estimator.clone();
    if options.refit {
        everything.extend(&sides.holdout);
        everything.sort_unstable();
        kept = job(everything.as_slice()).refit_classes(&fitted)?;
    }
    tracker.enter(FitStage::Explaining);
    kept.prune();
    let report = ClassReport {
        class: schema.class_name().to_owned(),
        rows: batch.num_rows(),
        removed,
        train_rows: sides.train.len(),
        holdout_rows: sides.holdout.len(),
        holdout_copies: holdout_copies.len(),
        without_copies: without(&judged.rows, &holdout_copies, options.threshold),
        base_rate,
        calibration_error: calibration_error(&judged.calibration),
        model: judged.model,
        baseline: judged.baseline,
        members: judged.members,
        folds: fitted.folds,
        fold_log_loss: fitted.log_loss,
        calibration_slope: fitted.estimator.plan.equity.slope,
        roc: judged.roc,
        calibration: judged.calibration,
        importance: judged.importance,
        judged: Vec::new(),
        fit_seconds: 0.0,
        features: fitted.columns,
        dropped,
    };
    let newest = everything.iter().filter_map(|row| times.time_us(*row));
    let mut model = ClassModel {
        head: ClassHead {
            format: FORMAT,
            code_version: code_version.to_owned(),
            trained_at_us,
            data_until_us: newest.max(),
            schema: schema.clone(),
            plan: kept.plan.clone(),
            threshold: options.threshold,
            report: report.clone(),
        },
        estimator: kept,
        golden: Vec::new(),
    };
    model.golden = sampled(batch, &everything, |record| model.predict_json(record));
    if model.golden.is_empty() {
        return Err(FitError::NotRecords {
            schema: schema.name.clone(),
        });
    }
    let report = ClassReport {
        judged: judged.rows,
        fit_seconds: started.elapsed().as_secs_f64(),
        ..report
    };
    tracker.done();
    Ok((model, report))
}

/// The measures of the rows that are not copies; none where none of them are.
fn without(judged: &[JudgedRow], copies: &BTreeSet<usize>, threshold: f64) -> Option<ClassMetrics> {
    if copies.is_empty() {
        return None;
    }
    let originals = judged.iter().filter(|row| !copies.contains(&row.row));
    let (predicted, classes): (Vec<f64>, Vec<bool>) =
        originals.map(|row| (row.value, row.actual > 0.5)).unzip();
    ClassMetrics::of(&predicted, &classes, threshold)
}
