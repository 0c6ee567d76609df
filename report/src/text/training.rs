//! The measures of a training, and what was left out.

use std::fmt::Write;

use valuation::{ClassReport, FitReport, Link, Report};

use super::clusters::clusters;
use super::multiclass::of_levels;
use crate::numbers::{amount, grouped};
use crate::reject_kind::RejectKind;

/// Kinds of refused rows that are shown.
const MOST_KINDS: usize = 10;

/// The measures of a training and what was left out of it. `rows_rejected` rows were refused by the
/// schema, for the reasons `refused`.
pub fn training(fit: &FitReport, rows_rejected: usize, refused: &[RejectKind]) -> String {
    let (features, measures) = match fit {
        FitReport::Price(report) => (report.features, of_prices(report)),
        FitReport::Class(report) => (report.features, of_class(report)),
        FitReport::Multiclass(report) => (report.features, of_levels(report)),
        FitReport::Clusters(report) => {
            return clusters(report) + &rejected(rows_rejected, refused);
        }
    };
    format!(
        "{} rows: {} in training, {} in the hold-out; {features} features; fitted in {:.2} s\n{measures}\n{}",
        grouped(fit.rows()),
        grouped(fit.train_rows()),
        grouped(fit.holdout_rows()),
        fit.fit_seconds(),
        left_out(fit, rows_rejected, refused)
    )
}

/// Rows that the schema refused; a line for each kind.
pub fn rejected(rows: usize, refused: &[RejectKind]) -> String {
    let mut text = format!("rows rejected by the schema: {rows}\n");
    for kind in refused.iter().take(MOST_KINDS) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    {kind}");
    }
    text
}

/// Errors of prices beside the baseline's.
fn of_prices(report: &Report) -> String {
    let (model, baseline) = (&report.model, &report.baseline);
    let mut text = String::new();
    let mut line = |what: &str, ours: String, theirs: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{what:<12}{ours:>16}{theirs:>16}");
    };
    line("hold-out", "model".to_owned(), "baseline".to_owned());
    line("RMSE", amount(model.rmse), amount(baseline.rmse));
    line("MAE", amount(model.mae), amount(baseline.mae));
    line(
        "R²",
        format!("{:.4}", model.r2),
        format!("{:.4}", baseline.r2),
    );
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    line("MdAPE", percent(model.mdape), percent(baseline.mdape));
    line(
        "within 10 %",
        percent(model.within_10),
        percent(baseline.within_10),
    );
    let _ = write!(
        text,
        "baseline: {}\ncoverage of the prediction interval: {} of the hold-out",
        report.baseline_name,
        percent(report.coverage),
    );
    text
}

/// The measures of a class beside those of a constant probability.
pub(super) fn of_class(report: &ClassReport) -> String {
    let (model, baseline) = (&report.model, &report.baseline);
    let mut text = String::new();
    let mut line = |what: &str, ours: String, theirs: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{what:<12}{ours:>16}{theirs:>16}");
    };
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    line("hold-out", "model".to_owned(), "baseline".to_owned());
    let four = |value: f64| format!("{value:.4}");
    line("AUC", four(model.auc.value), four(baseline.auc.value));
    line("log loss", four(model.log_loss), four(baseline.log_loss));
    line("Brier", four(model.brier), four(baseline.brier));
    line(
        "accuracy",
        percent(model.accuracy),
        percent(baseline.accuracy),
    );
    line(
        "precision",
        percent(model.precision),
        percent(baseline.precision),
    );
    line("recall", percent(model.recall), percent(baseline.recall));
    line("F1", four(model.f1), four(baseline.f1));
    let (auc, confusion) = (&model.auc, &model.confusion);
    let _ = write!(
        text,
        "baseline: a constant probability of {}, the share of {:?} in training\n\
         95 % confidence interval of the AUC: {:.4} to {:.4}; mean calibration error: {}\n\
         at threshold {} for {:?}: TP {}, FP {}, FN {}, TN {}",
        percent(report.base_rate),
        report.class,
        auc.low,
        auc.high,
        percent(report.calibration_error),
        model.threshold,
        report.class,
        confusion.true_positive,
        confusion.false_positive,
        confusion.false_negative,
        confusion.true_negative,
    );
    text
}

/// What was rejected, removed and dropped; a line each.
pub(super) fn left_out(fit: &FitReport, rows_rejected: usize, refused: &[RejectKind]) -> String {
    let removed: Vec<String> = fit
        .removed()
        .iter()
        .filter(|(_, rows)| **rows > 0)
        .map(|(rule, rows)| format!("{rule} {rows}"))
        .collect();
    let removed = match removed.is_empty() {
        true => "none".to_owned(),
        false => removed.join(", "),
    };
    let mut text =
        format!("rows rejected by the schema: {rows_rejected}; left out of the fit: {removed}\n");
    let price = fit.price();
    if price.is_some_and(|report| report.link == Link::LogOnePlus) {
        text.push_str("relative errors are those of 1 + the count, which may be 0\n");
    }
    for kind in refused.iter().take(MOST_KINDS) {
        let _ = writeln!(text, "    {kind}");
    }
    if let Some(report) = price {
        let _ = writeln!(
            text,
            "price outliers left in the hold-out: {}",
            report.holdout_outliers
        );
    }
    let dropped = fit.dropped();
    if !dropped.is_empty() {
        let _ = writeln!(
            text,
            "uninformative fields, left out of the fit: {}",
            dropped.len()
        );
    }
    for dropped in dropped {
        let _ = writeln!(text, "    {dropped}");
    }
    if fit.holdout_copies() > 0 {
        let what = match fit {
            FitReport::Price(_) => "price",
            FitReport::Class(_) | FitReport::Multiclass(_) | FitReport::Clusters(_) => "class",
        };
        let _ = writeln!(
            text,
            "hold-out rows with the features and the {what} of a training row: {}",
            fit.holdout_copies()
        );
        let without = match fit {
            FitReport::Price(report) => report.without_copies.as_ref().map(|own| {
                format!(
                    "RMSLE {:.4}, MdAPE {:.2} %, R² {:.4}",
                    own.rmsle,
                    100.0 * own.mdape,
                    own.r2
                )
            }),
            FitReport::Class(report) => report
                .without_copies
                .as_ref()
                .map(|own| format!("AUC {:.4}, log loss {:.4}", own.auc.value, own.log_loss)),
            FitReport::Multiclass(report) => report.without_copies.as_ref().map(|own| {
                format!(
                    "log loss {:.4}, accuracy {:.2} %",
                    own.log_loss,
                    100.0 * own.accuracy
                )
            }),
            FitReport::Clusters(_) => None,
        };
        if let Some(without) = without {
            let _ = writeln!(text, "    without them: {without}");
        }
    }
    text
}
