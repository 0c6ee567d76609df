//! Sections of the data: the target, what is missing, how features lie, what was left out.

use std::fmt::Write as _;

use arrow_array::{Array, RecordBatch};
use records::{Field, Kind, Purpose, Schema};
use valuation::FitReport;

use super::axis::Scale;
use super::markup::{escape, section};
use super::{bars, columns, distribution};
use crate::evaluated::Evaluated;

/// The distribution of the target, of all rows and of the hold-out.
pub(super) fn target(evaluated: &Evaluated, schema: &Schema, batch: &RecordBatch) -> String {
    let name = schema.target.as_deref().unwrap_or_default();
    if schema.is_multiclass() {
        let figure = schema.field(name).and_then(|field| feature(field, batch));
        return section("The target", "", figure.as_slice(), "");
    }
    let all = batch.column_by_name(name).and_then(columns::numbers);
    let all = all.unwrap_or_default();
    let judged = evaluated.report.judged().iter();
    let judged: Vec<f64> = judged.map(|one| one.actual).collect();
    let unit = schema.field(name).and_then(|field| field.unit.as_deref());
    let named = match unit {
        Some(unit) => format!("{name}, {unit}"),
        None => name.to_owned(),
    };
    let mut figures = vec![distribution::histogram(
        &format!("{named}: all rows"),
        &all,
        Scale::Linear,
    )];
    if evaluated.report.price().is_some() {
        let caption = format!("{named}: hold-out");
        figures.push(distribution::histogram(&caption, &judged, Scale::Linear));
    }
    section("The target", "", &figures, "")
}

/// The share of rows that have no value, by field.
pub(super) fn missing(schema: &Schema, batch: &RecordBatch) -> String {
    let rows = batch.num_rows().max(1) as f64;
    let share = |field: &Field| {
        let nulls = batch
            .column_by_name(&field.name)
            .map_or(batch.num_rows(), |column| column.null_count());
        nulls as f64 / rows
    };
    let mut fields: Vec<(String, f64)> = schema
        .columns(Purpose::Listing)
        .map(|field| (field.name.clone(), share(field)))
        .collect();
    fields.sort_by(|one, other| other.1.total_cmp(&one.1));
    let whole = fields.iter().filter(|(_, share)| *share == 0.0).count();
    fields.retain(|(_, share)| *share > 0.0);
    let mut shown: Vec<(String, f64, String)> = fields
        .into_iter()
        .map(|(name, share)| (name, share, format!("{:.1} %", 100.0 * share)))
        .collect();
    // The whole width stands for all rows.
    shown.push((format!("{whole} fields"), 0.0, "0 %".to_owned()));
    shown.insert(0, ("rows".to_owned(), 1.0, format!("{rows}")));
    let figure = bars::lying("share of rows without a value", &shown);
    section("Missing values", "", &[figure], "")
}

/// The distribution of every feature and of the time.
pub(super) fn features(evaluated: &Evaluated, schema: &Schema, batch: &RecordBatch) -> String {
    let times = schema.time.iter().filter_map(|name| schema.field(name));
    let figures: Vec<String> = schema
        .features()
        .chain(times)
        .filter_map(|field| feature(field, batch))
        .collect();
    let empty = &evaluated.fields_empty;
    let text = match empty.is_empty() {
        true => String::new(),
        false => format!("No row has a value for {}.", escape(&empty.join(", "))),
    };
    section("Features", &text, &figures, "")
}

fn feature(field: &Field, batch: &RecordBatch) -> Option<String> {
    let column = batch.column_by_name(&field.name)?;
    if column.null_count() == batch.num_rows() {
        return None;
    }
    let named = match &field.unit {
        Some(unit) => format!("{}, {unit}", field.name),
        None => field.name.clone(),
    };
    if field.kind == Kind::Timestamp {
        let times = columns::times(column)?;
        return Some(distribution::histogram(&named, &times, Scale::Time));
    }
    if let Some(numbers) = columns::numbers(column) {
        return Some(distribution::histogram(&named, &numbers, Scale::Linear));
    }
    let (levels, all) = columns::levels(column)?;
    let rows = batch.num_rows().max(1) as f64;
    let shares: Vec<(String, f64, String)> = levels
        .into_iter()
        .map(|(name, count)| {
            let share = count as f64 / rows;
            (name, share, format!("{:.1} %", 100.0 * share))
        })
        .collect();
    let caption = match all > shares.len() {
        true => format!(
            "{named}: the {} most frequent of {all} levels",
            shares.len()
        ),
        false => format!("{named}: {all} levels"),
    };
    Some(bars::lying(&caption, &shares))
}

/// The rows left out of the fit, by rule, and those that the schema rejected.
pub(super) fn left_out(evaluated: &Evaluated) -> String {
    let report = &evaluated.report;
    let mut rules: Vec<(String, usize)> = report
        .removed()
        .iter()
        .map(|(rule, rows)| (rule.clone(), *rows))
        .collect();
    rules.push(("rejected by the schema".to_owned(), evaluated.rows_rejected));
    let shown: Vec<(String, f64, String)> = rules
        .iter()
        .map(|(rule, rows)| (rule.clone(), *rows as f64, rows.to_string()))
        .collect();
    let figure = bars::lying("rows left out of the fit, by rule", &shown);
    let mut table = String::new();
    if !evaluated.refused.is_empty() {
        table.push_str(
            "<table class=texts><tr><th>reason<th>field<th>rows<th>first line<th>first message",
        );
        for kind in &evaluated.refused {
            // Writing to a String cannot fail.
            let _ = write!(
                table,
                "<tr><td>{}<td>{}<td>{}<td>{}<td>{}",
                kind.code,
                escape(kind.field.as_deref().unwrap_or("the row")),
                kind.rows,
                kind.first_line,
                escape(&kind.first)
            );
        }
        table.push_str("</table>");
    }
    if !report.dropped().is_empty() {
        table.push_str("<table class=texts><tr><th>uninformative fields, dropped");
        for dropped in report.dropped() {
            // Writing to a String cannot fail.
            let _ = write!(table, "<tr><td>{}", escape(&dropped.to_string()));
        }
        table.push_str("</table>");
    }
    let (rows, copies) = (report.holdout_rows(), report.holdout_copies());
    let mut text = match report {
        FitReport::Price(report) => format!(
            "Rules that use the price remove training rows only. Of the {rows} rows in the hold-out, {} are \
             price outliers, and {copies} have the features and the price of a training row; all of them \
             count.",
            report.holdout_outliers
        ),
        FitReport::Class(_) | FitReport::Multiclass(_) => format!(
            "Of the {rows} rows in the hold-out, {copies} have the features and the class of a training row: \
             the measures are too good if such rows do not come again."
        ),
        FitReport::Clusters(_) => String::new(),
    };
    let without = match report {
        FitReport::Price(report) => report
            .without_copies
            .as_ref()
            .map(|own| format!("RMSLE {:.4}, MdAPE {:.2} %", own.rmsle, 100.0 * own.mdape)),
        FitReport::Class(report) => report
            .without_copies
            .as_ref()
            .map(|own| format!("AUC {:.4}, log loss {:.4}", own.auc.value, own.log_loss)),
        FitReport::Multiclass(report) => report.without_copies.as_ref().map(|own| {
            format!(
                "log loss {:.4}, accuracy {:.1} %",
                own.log_loss,
                100.0 * own.accuracy
            )
        }),
        FitReport::Clusters(_) => None,
    };
    if let Some(without) = without {
        let _ = write!(text, " Without these copies: {without}.");
    }
    if !evaluated.columns_ignored.is_empty() {
        let _ = write!(
            text,
            " Columns that the schema does not name: {}.",
            escape(&evaluated.columns_ignored.join(", "))
        );
    }
    section("Left out of the fit", &text, &[figure], &table)
}
