//! What a training came to, for people.

use std::fmt::Write;

use valuation::{Link, Report};

use crate::{Refused, Trained};

/// Kinds of refused rows that are shown.
const MOST_KINDS: usize = 10;

/// A table of errors beside the baseline's, what was removed, and where the version is.
pub fn table(trained: &Trained) -> String {
    let report = &trained.report;
    let (model, baseline) = (&report.model, &report.baseline);
    let mut text = format!(
        "{} rows: {} to learn from, {} newest held out; {} features; fitted in {:.2} s\n",
        report.rows, report.train_rows, report.holdout_rows, report.features, report.fit_seconds
    );
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
        "baseline: {}\nthe range holds {} of the held-out prices\n{}{}",
        report.baseline_name,
        percent(report.coverage),
        left_out(report, trained.rows_rejected, &trained.refused),
        trained.told()
    );
    text
}

/// An amount of the target, whose unit may be a house's price or a wine's mark.
pub(crate) fn amount(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// What was rejected, removed, dropped and held out all the same; a line each.
pub(crate) fn left_out(report: &Report, rows_rejected: usize, refused: &[Refused]) -> String {
    let removed: Vec<String> = report
        .removed
        .iter()
        .filter(|(_, rows)| **rows > 0)
        .map(|(rule, rows)| format!("{rule} {rows}"))
        .collect();
    let removed = match removed.is_empty() {
        true => "none".to_owned(),
        false => removed.join(", "),
    };
    let mut text =
        format!("rows rejected by the schema: {rows_rejected}; not learned from: {removed}\n");
    if report.link == Link::LogOnePlus {
        text.push_str("relative errors are those of 1 + the count, which may be 0\n");
    }
    for kind in refused.iter().take(MOST_KINDS) {
        let _ = writeln!(text, "    {kind}");
    }
    let _ = writeln!(
        text,
        "held out but unlike any price learned from: {} (judged on all the same)",
        report.holdout_outliers
    );
    if !report.dropped.is_empty() {
        let _ = writeln!(
            text,
            "fields that say nothing, and are not learned from: {}",
            report.dropped.len()
        );
    }
    for dropped in &report.dropped {
        let _ = writeln!(text, "    {dropped}");
    }
    if report.holdout_copies > 0 {
        let _ = writeln!(
            text,
            "held out, and learned from with the same price: {}",
            report.holdout_copies
        );
    }
    text
}
