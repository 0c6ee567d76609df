//! The run of a training: what it was given, what it came to, and its files.

use std::collections::BTreeMap;
use std::time::Instant;

use registry::{Run, RunStatus};
use serde_json::Value;
use valuation::ratio_study::Statistic;
use valuation::{
    ClassMetrics, ClassReport, FitReport, Metrics, MulticlassMetrics, MulticlassReport,
    NamedMember, Report,
};

use super::fitted::Fitted;
use super::report_page::report_page;
use crate::run_files::holdout::{Holdout, write_records};
use crate::run_files::names::{ARRIVED, HOLDOUT, PAGE, REPORT, TRAINING_SET, schema_digest};
use crate::run_files::staging::Staging;

/// Notes a training in its run and puts its files into the staging directory. The run is over then, except for
/// what judging adds.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn log(run: &mut Run, staging: &mut Staging, fitted: &Fitted) -> anyhow::Result<()> {
    let Fitted {
        config,
        listings,
        model,
        report,
        ..
    } = fitted;
    params(run, fitted);
    match report {
        FitReport::Price(report) => measures(run, report),
        FitReport::Class(report) => of_class(run, report),
        FitReport::Multiclass(report) => of_levels(run, report),
        // `clustering_log` notes them.
        FitReport::Clusters(_) => {}
    }
    let validating = Instant::now();
    staging.add(REPORT, |path| {
        Ok(std::fs::write(path, serde_json::to_vec_pretty(report)?)?)
    })?;
    staging.add(HOLDOUT, |path| {
        Holdout::write(
            path,
            &config.schema,
            &listings.batch,
            report.judged(),
            report.widened(),
        )
    })?;
    if config.prepare.keep_report {
        staging.add(PAGE, |path| {
            Ok(std::fs::write(
                path,
                report_page(config, listings, model, report)?,
            )?)
        })?;
    }
    if config.prepare.keep_training_set {
        staging.add(TRAINING_SET, |path| {
            write_records(path, &config.schema, &listings.batch)
        })?;
    }
    run.measure("seconds.train", 0, report.fit_seconds());
    run.measure("seconds.report", 0, validating.elapsed().as_secs_f64());
    run.measure("seconds.total", 0, fitted.began.elapsed().as_secs_f64());
    run.end(RunStatus::Finished);
    Ok(())
}

fn params(run: &mut Run, fitted: &Fitted) {
    let (config, report) = (fitted.config, fitted.report);
    let (schema, prepare) = (&config.schema, &config.prepare);
    run.param("data.source", fitted.source);
    run.param("data.rows", report.rows());
    if let Some(arrived) = fitted.arrived {
        run.param(ARRIVED, arrived);
    }
    run.param("data.rows_rejected", fitted.listings.rejected.len());
    if let Some(until_us) = fitted.model.data_until_us() {
        run.param("data.until", records::timestamp::format(until_us));
    }
    run.param("schema.name", &schema.name);
    run.param("schema.version", schema.version);
    run.param("schema.sha256", schema_digest(schema));
    run.param("code.version", env!("CARGO_PKG_VERSION"));
    run.param("fit.effort", format!("{:?}", prepare.effort).to_lowercase());
    run.param("fit.folds", prepare.folds);
    run.param(
        "fit.fold_by",
        format!("{:?}", prepare.fold_by).to_lowercase(),
    );
    run.param("fit.holdout_fraction", prepare.holdout_fraction);
    match report {
        FitReport::Price(_) => run.param("fit.interval", prepare.interval),
        FitReport::Class(_) => run.param("fit.threshold", prepare.threshold),
        FitReport::Multiclass(report) => run.param("fit.levels", report.levels.len()),
        FitReport::Clusters(_) => {}
    }
    run.param("fit.min_rows", prepare.min_rows);
    run.param("fit.seed", prepare.seed);
    if prepare.segments > 0 {
        run.param("fit.segments", prepare.segments);
    }
    let options = prepare.fit_options();
    let members = match report.multiclass() {
        Some(report) => options.members_of_levels(report.levels.len(), report.train_rows),
        None => options.members_for(schema.task, report.train_rows()),
    };
    for member in &members {
        member_params(run, member);
    }
    run.tags.insert("schema".to_owned(), schema.name.clone());
}

/// Parameters of a member, as its settings name them.
pub(crate) fn member_params(run: &mut Run, member: &NamedMember) {
    let options = serde_json::to_value(&member.options).unwrap_or_default();
    for (option, value) in options.as_object().into_iter().flatten() {
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        run.param(format!("member.{}.{option}", member.name), value);
    }
}

/// Every number of a report.
pub(crate) fn measures(run: &mut Run, report: &Report) {
    of_rows(run, report.train_rows, report.holdout_rows, &report.removed);
    run.measure("rows.holdout_outliers", 0, report.holdout_outliers as f64);
    run.measure("features", 0, report.features as f64);
    of_metrics(run, "", &report.model);
    of_metrics(run, "baseline.", &report.baseline);
    run.measure("coverage", 0, report.coverage);
    run.measure("widened", 0, report.widened);
    if let Some(ratios) = &report.ratios {
        let mut statistic = |name: &str, statistic: &Statistic| {
            run.measure(format!("ratio_study.{name}"), 0, statistic.value);
        };
        statistic("median_ratio", &ratios.median_ratio);
        statistic("cod", &ratios.cod);
        statistic("prd", &ratios.prd);
        statistic("prb", &ratios.prb);
    }
    for member in &report.members {
        let mut measure = |name: &str, value: f64| {
            run.measure(format!("member.{}.{name}", member.name), 0, value);
        };
        measure("weight", member.weight);
        measure("trees", member.trees as f64);
        measure("folds.rmse_log", member.fold_error);
        measure("holdout.rmse_log", member.holdout_error);
    }
    for (fold, quality) in report.folds.iter().enumerate() {
        run.measure("fold.rows", fold, quality.rows as f64);
        run.measure("fold.stack.rmse_log", fold, quality.stack);
        for (member, error) in report.members.iter().zip(&quality.members) {
            run.measure(format!("fold.{}.rmse_log", member.name), fold, *error);
        }
    }
}

/// How many rows there were, and what removed others.
fn of_rows(run: &mut Run, train: usize, holdout: usize, removed: &BTreeMap<String, usize>) {
    run.measure("rows.train", 0, train as f64);
    run.measure("rows.holdout", 0, holdout as f64);
    for (rule, rows) in removed {
        run.measure(format!("rows.removed.{rule}"), 0, *rows as f64);
    }
}

/// Every number of a class's report.
fn of_class(run: &mut Run, report: &ClassReport) {
    of_rows(run, report.train_rows, report.holdout_rows, &report.removed);
    run.measure("features", 0, report.features as f64);
    of_class_metrics(run, "", &report.model);
    of_class_metrics(run, "baseline.", &report.baseline);
    run.measure("base_rate", 0, report.base_rate);
    run.measure("calibration.error", 0, report.calibration_error);
    run.measure("calibration.slope", 0, report.calibration_slope);
    run.measure("folds.log_loss", 0, report.fold_log_loss);
    for member in &report.members {
        let mut measure = |name: &str, value: f64| {
            run.measure(format!("member.{}.{name}", member.name), 0, value);
        };
        measure("weight", member.weight);
        measure("trees", member.trees as f64);
        measure("folds.log_loss", member.fold_log_loss);
        measure("holdout.log_loss", member.holdout_log_loss);
        measure("holdout.auc", member.holdout_auc);
    }
    for (fold, quality) in report.folds.iter().enumerate() {
        run.measure("fold.rows", fold, quality.rows as f64);
        run.measure("fold.log_loss", fold, quality.log_loss);
        if let Some(auc) = quality.auc {
            run.measure("fold.auc", fold, auc);
        }
    }
    for field in &report.importance {
        run.measure(format!("importance.{}", field.field), 0, field.auc_lost);
    }
}

/// Every number of the report of several classes; those of a level under its name.
fn of_levels(run: &mut Run, report: &MulticlassReport) {
    of_rows(run, report.train_rows, report.holdout_rows, &report.removed);
    run.measure("features", 0, report.features as f64);
    of_level_metrics(run, "", &report.model);
    of_level_metrics(run, "baseline.", &report.baseline);
    run.measure("calibration.error", 0, report.calibration_error);
    run.measure("calibration.exponent", 0, report.exponent);
    run.measure("folds.log_loss", 0, report.fold_log_loss);
    for (number, level) in report.levels.iter().enumerate() {
        // A level may hold what a metric's name may not.
        run.param(format!("level.{number}"), &level.level);
        let mut measure =
            |name: &str, value: f64| run.measure(format!("level.{number}.{name}"), 0, value);
        measure("rows.train", level.train_rows as f64);
        measure("rows.holdout", level.metrics.rows as f64);
        measure("precision", level.metrics.precision);
        measure("recall", level.metrics.recall);
        measure("f1", level.metrics.f1);
        if let Some(auc) = level.metrics.auc {
            measure("auc", auc.value);
        }
        measure("calibration.error", level.metrics.calibration_error);
        measure("calibration.slope", level.calibration_slope);
    }
    for field in &report.importance {
        run.measure(format!("importance.{}", field.field), 0, field.auc_lost);
    }
}

fn of_level_metrics(run: &mut Run, of: &str, metrics: &MulticlassMetrics) {
    let mut measure = |name: &str, value: f64| run.measure(format!("{of}{name}"), 0, value);
    measure("log_loss", metrics.log_loss);
    measure("brier", metrics.brier);
    measure("accuracy", metrics.accuracy);
    measure("balanced_accuracy", metrics.balanced_accuracy);
    measure("macro_f1", metrics.macro_f1);
    if let Some(auc) = metrics.auc {
        measure("auc", auc);
    }
}

fn of_class_metrics(run: &mut Run, of: &str, metrics: &ClassMetrics) {
    let mut measure = |name: &str, value: f64| run.measure(format!("{of}{name}"), 0, value);
    measure("auc", metrics.auc.value);
    measure("log_loss", metrics.log_loss);
    measure("brier", metrics.brier);
    measure("accuracy", metrics.accuracy);
    measure("precision", metrics.precision);
    measure("recall", metrics.recall);
    measure("f1", metrics.f1);
}

fn of_metrics(run: &mut Run, of: &str, metrics: &Metrics) {
    let mut measure = |name: &str, value: f64| run.measure(format!("{of}{name}"), 0, value);
    measure("rmse", metrics.rmse);
    measure("mae", metrics.mae);
    measure("r2", metrics.r2);
    measure("mdape", metrics.mdape);
    measure("rmsle", metrics.rmsle);
    measure("mape", metrics.mape);
    measure("within_5", metrics.within_5);
    measure("within_10", metrics.within_10);
    measure("within_20", metrics.within_20);
}
