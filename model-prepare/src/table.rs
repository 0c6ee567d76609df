//! What a training came to, for people.

use std::fmt::Write;

use crate::Trained;

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
    line(
        "RMSE",
        format!("{:.0}", model.rmse),
        format!("{:.0}", baseline.rmse),
    );
    line(
        "MAE",
        format!("{:.0}", model.mae),
        format!("{:.0}", baseline.mae),
    );
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
    let removed: Vec<String> = report
        .removed
        .iter()
        .filter(|(_, rows)| **rows > 0)
        .map(|(rule, rows)| format!("{rule} {rows}"))
        .collect();
    let removed = if removed.is_empty() {
        "none".to_owned()
    } else {
        removed.join(", ")
    };
    let _ = write!(
        text,
        "baseline: {}\nthe range holds {} of the held-out prices\n\
         rows rejected by the schema: {}; not learned from: {removed}\n\
         held out but unlike any price learned from: {} (judged on all the same)\n\
         saved as {} in {}",
        report.baseline_name,
        percent(report.coverage),
        trained.rows_rejected,
        report.holdout_outliers,
        trained.version,
        trained.version.path.display()
    );
    text
}
