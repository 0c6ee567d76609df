//! Sections of a class: curves, calibration, probabilities, members, fields by class.

use std::fmt::Write as _;

use arrow_array::RecordBatch;
use records::{Kind, Schema};
use valuation::{ClassReport, JudgedRow};

use super::calibration::{self, share};
use super::markup::{escape, section};
use super::plot::{COLOURS, Plot};
use super::{bars, boxes, columns, distribution};

/// The ROC curve, the calibration curve, and the confusion matrix at the threshold.
pub(super) fn curves(report: &ClassReport) -> String {
    let figures = [roc(report), calibrated(report)];
    let model = &report.model;
    let confusion = &model.confusion;
    let class = escape(&report.class);
    let text = format!(
        "AUC {:.4} (95 % interval {:.4} to {:.4}), log loss {:.4} (a constant probability of {:.1} %: {:.4}). At \
         threshold {}: accuracy {:.1} %, precision {:.1} %, recall {:.1} %, F1 {:.4}.",
        model.auc.value,
        model.auc.low,
        model.auc.high,
        model.log_loss,
        100.0 * report.base_rate,
        report.baseline.log_loss,
        model.threshold,
        100.0 * model.accuracy,
        100.0 * model.precision,
        100.0 * model.recall,
        model.f1
    );
    let table = format!(
        "<table><tr><th>hold-out<th>predicted {class}<th>predicted not {class}\
         <tr><td>{class}<td>{}<td>{}<tr><td>not {class}<td>{}<td>{}</table>",
        confusion.true_positive,
        confusion.false_negative,
        confusion.false_positive,
        confusion.true_negative
    );
    section("Classification of the hold-out", &text, &figures, &table)
}

fn roc(report: &ClassReport) -> String {
    let mut plot = Plot::new(share(), share());
    plot.line((0.0, 0.0), (1.0, 1.0), COLOURS[1]);
    let points = report
        .roc
        .iter()
        .map(|point| (point.false_positive_rate, point.true_positive_rate));
    plot.curve(&points.collect::<Vec<_>>(), COLOURS[0]);
    // Where the threshold is.
    let confusion = &report.model.confusion;
    let others = confusion.false_positive + confusion.true_negative;
    let at = (
        confusion.false_positive as f64 / others.max(1) as f64,
        report.model.recall,
    );
    plot.dot(at, 4.0, COLOURS[1], 1.0);
    plot.finish(&format!(
        "ROC: true-positive rate (upwards) of {} over the false-positive rate; the point is the \
         threshold",
        report.class
    ))
}

fn calibrated(report: &ClassReport) -> String {
    let caption = format!(
        "calibration: observed share of {} (upwards) over the predicted probability, by tenths of the \
         rows; mean difference {:.1} %",
        report.class,
        100.0 * report.calibration_error
    );
    calibration::curve(&report.calibration, &caption)
}

/// The predicted probabilities of records of the class, and of the others.
pub(super) fn probabilities(report: &ClassReport) -> String {
    let of = |class: f64| -> Vec<f64> {
        let rows = report.judged.iter().filter(|row| row.actual == class);
        rows.map(|row: &JudgedRow| row.value).collect()
    };
    let figures = [
        distribution::probabilities(
            &format!("predicted probability, records of {}", report.class),
            &of(1.0),
        ),
        distribution::probabilities("predicted probability, other records", &of(0.0)),
    ];
    section("Predicted probabilities", "", &figures, "")
}

/// Members, their weights and errors.
pub(super) fn members(report: &ClassReport) -> String {
    let rows = |of: &dyn Fn(&valuation::ClassMember) -> f64| -> Vec<(String, f64, String)> {
        let row = |member: &valuation::ClassMember| {
            let value = of(member);
            (member.name.clone(), value, format!("{value:.4}"))
        };
        report.members.iter().map(row).collect()
    };
    let figures = [
        bars::lying("weight", &rows(&|member| member.weight)),
        bars::lying(
            "log loss out of fold",
            &rows(&|member| member.fold_log_loss),
        ),
        bars::lying("AUC on the hold-out", &rows(&|member| member.holdout_auc)),
    ];
    let mut table = "<table><tr><th>member<th>weight<th>trees<th>log loss out of fold\
                     <th>log loss judged<th>AUC judged"
        .to_owned();
    for member in &report.members {
        // Writing to a String cannot fail.
        let _ = write!(
            table,
            "<tr><td>{}<td>{:.3}<td>{}<td>{:.4}<td>{:.4}<td>{:.4}",
            escape(&member.name),
            member.weight,
            member.trees,
            member.fold_log_loss,
            member.holdout_log_loss,
            member.holdout_auc
        );
    }
    table.push_str("</table><table><tr><th>fold<th>records<th>log loss<th>AUC");
    for (position, fold) in report.folds.iter().enumerate() {
        let auc = fold
            .auc
            .map_or_else(|| "-".to_owned(), |statistic| format!("{statistic:.4}"));
        let (rows, loss) = (fold.rows, fold.log_loss);
        let _ = write!(
            table,
            "<tr><td>{}<td>{rows}<td>{loss:.4}<td>{auc}",
            position + 1
        );
    }
    table.push_str("</table>");
    let text = format!(
        "Weights and calibration are fitted on out-of-fold predictions; the weighted log odds are \
         multiplied by {:.3}.",
        report.calibration_slope
    );
    section("Members and weights", &text, &figures, &table)
}

/// What fields matter.
pub(super) fn importance(report: &ClassReport) -> String {
    let rows: Vec<(String, f64, String)> = report
        .importance
        .iter()
        .map(|field| {
            (
                field.field.clone(),
                field.auc_lost.max(0.0),
                format!("{:.4}", field.auc_lost),
            )
        })
        .collect();
    let figure = bars::lying("AUC lost where the field is shuffled", &rows);
    section("Importances", "", &[figure], "")
}

/// Numbers by class, as boxes; categories by their share of the class.
pub(super) fn by_class(report: &ClassReport, schema: &Schema, batch: &RecordBatch) -> String {
    let classes = valuation::classes(schema, batch);
    let names = [report.class.as_str(), "others"];
    let figures: Vec<String> = schema
        .features()
        .filter_map(|field| {
            let column = batch.column_by_name(&field.name)?;
            let named = match &field.unit {
                Some(unit) => format!("{}, {unit}", field.name),
                None => field.name.clone(),
            };
            match field.kind {
                Kind::Number | Kind::Integer => {
                    let values = columns::by_row(column)?;
                    let of = |class: bool| -> Vec<f64> {
                        let rows = values.iter().zip(&classes);
                        rows.filter(|(_, is_of_class)| **is_of_class == Some(class))
                            .filter_map(|(value, _)| *value)
                            .collect()
                    };
                    Some(boxes::boxes(&named, &names, &[of(true), of(false)]))
                }
                Kind::Category | Kind::Boolean => {
                    let rows = columns::shares(column, &classes)?;
                    Some(bars::lying(
                        &format!("{named}: share of {}", names[0]),
                        &rows,
                    ))
                }
                Kind::Timestamp | Kind::Text => None,
            }
        })
        .collect();
    let text = "Boxes hold the middle half of the rows, with a line at the median; whiskers reach the \
                last row within one and a half times the box (Tukey 1977).";
    section("Fields by class", text, &figures, "")
}
