//! Sections of a model of several classes: confusions, a table of the levels, calibration, members.

use std::fmt::Write as _;

use valuation::MulticlassReport;

use super::markup::{escape, section};
use super::{bars, calibration};

/// The measures of the whole, the confusion table, and the calibration curve of the predicted level.
pub(super) fn confusion(report: &MulticlassReport) -> String {
    let (model, baseline) = (&report.model, &report.baseline);
    let text = format!(
        "Log loss {:.4} (the shares of the levels in training: {:.4}), accuracy {:.1} % ({:.1} %), balanced accuracy \
         {:.1} %, macro F1 {:.4}, Brier score {:.4} ({:.4}). Lines are what records have, columns what is predicted.",
        model.log_loss,
        baseline.log_loss,
        100.0 * model.accuracy,
        100.0 * baseline.accuracy,
        100.0 * model.balanced_accuracy,
        model.macro_f1,
        model.brier,
        baseline.brier
    );
    let mut table = "<table><tr><th>hold-out".to_owned();
    for level in &report.levels {
        // Writing to a String cannot fail.
        let _ = write!(table, "<th>{}", escape(&level.level));
    }
    for (level, counts) in report.levels.iter().zip(&model.confusion) {
        let _ = write!(table, "<tr><td>{}", escape(&level.level));
        for count in counts {
            let _ = write!(table, "<td>{count}");
        }
    }
    table.push_str("</table>");
    section(
        "Classification of the hold-out",
        &text,
        &[calibrated(report)],
        &table,
    )
}

fn calibrated(report: &MulticlassReport) -> String {
    let caption = format!(
        "calibration: share of rows that have the predicted level (upwards) over its probability, by tenths of the \
         rows; mean difference {:.1} %",
        100.0 * report.calibration_error
    );
    calibration::curve(&report.calibration, &caption)
}

/// How well each level is predicted.
pub(super) fn levels(report: &MulticlassReport) -> String {
    let mut table = "<table><tr><th>level<th>rows in training<th>in the hold-out<th>precision<th>recall<th>F1<th>AUC\
                     <th>95 % interval<th>calibration error"
        .to_owned();
    for level in &report.levels {
        let of = &level.metrics;
        let auc = of.auc.map_or_else(
            || "-<td>-".to_owned(),
            |auc| format!("{:.4}<td>{:.4} to {:.4}", auc.value, auc.low, auc.high),
        );
        let _ = write!(
            table,
            "<tr><td>{}<td>{}<td>{}<td>{:.4}<td>{:.4}<td>{:.4}<td>{auc}<td>{:.1} %",
            escape(&level.level),
            level.train_rows,
            of.rows,
            of.precision,
            of.recall,
            of.f1,
            100.0 * of.calibration_error
        );
    }
    table.push_str("</table>");
    let rows: Vec<(String, f64, String)> = report
        .levels
        .iter()
        .map(|level| {
            let recall = level.metrics.recall;
            (
                level.level.clone(),
                recall,
                format!("{:.1} %", 100.0 * recall),
            )
        })
        .collect();
    let text = "Each level against the rest. Precision: the share of the level among the rows that it is predicted for. \
                Recall: the share of its rows that it is predicted for.";
    section("Levels", text, &[bars::lying("recall", &rows)], &table)
}

/// Members of each level, their weights and errors.
pub(super) fn members(report: &MulticlassReport) -> String {
    let mut table =
        "<table class=texts><tr><th>level<th>member<th>weight<th>trees<th>log loss out of fold\
                     <th>calibration slope"
            .to_owned();
    for level in &report.levels {
        for member in &level.members {
            let _ = write!(
                table,
                "<tr><td>{}<td>{}<td>{:.3}<td>{}<td>{:.4}<td>{:.3}",
                escape(&level.level),
                escape(&member.name),
                member.weight,
                member.trees,
                member.fold_log_loss,
                level.calibration_slope
            );
        }
    }
    table.push_str("</table>");
    let text = format!(
        "Every level has members, weights and a calibration of its own; the probabilities of a record are divided by \
         their sum. Log loss out of fold, of all levels together: {:.4}.",
        report.fold_log_loss
    );
    section("Members and weights", &text, &[], &table)
}

/// What fields matter.
pub(super) fn importance(report: &MulticlassReport) -> String {
    let rows = report.importance.iter().map(|field| {
        let shown = format!("{:.4}", field.auc_lost);
        (field.field.clone(), field.auc_lost.max(0.0), shown)
    });
    let figure = bars::lying(
        "mean AUC lost where the field is shuffled",
        &rows.collect::<Vec<_>>(),
    );
    section("Importances", "", &[figure], "")
}
