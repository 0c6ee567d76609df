//! What a training came to, for people.

use std::fmt::Write;

use valuation::{ClassReport, Link, Report};

use crate::{Found, Outcome, Refused, Trained, clusters};

/// Kinds of refused rows that are shown.
const MOST_KINDS: usize = 10;

/// What was found, what was left out, and where the version is.
pub fn table(trained: &Trained) -> String {
    match &trained.found {
        Outcome::Judged(found) => judged(trained, found),
        Outcome::Clusters(report) => format!(
            "{}{}{}",
            clusters::summary(report),
            rejected(trained.rows_rejected, &trained.refused),
            trained.told()
        ),
    }
}

/// Rows that the schema refused; a line for each kind.
pub(crate) fn rejected(rows: usize, refused: &[Refused]) -> String {
    let mut text = format!("rows rejected by the schema: {rows}\n");
    for kind in refused.iter().take(MOST_KINDS) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    {kind}");
    }
    text
}

/// A table of errors beside the baseline's.
fn judged(trained: &Trained, found: &Found) -> String {
    let features = match found {
        Found::Price(report) => report.features,
        Found::Class(report) => report.features,
    };
    format!(
        "{} rows: {} to learn from, {} held out; {features} features; fitted in {:.2} s\n{}\n{}{}",
        found.rows(),
        found.train_rows(),
        found.holdout_rows(),
        found.fit_seconds(),
        match found {
            Found::Price(report) => of_prices(report),
            Found::Class(report) => of_class(report),
        },
        left_out(found, trained.rows_rejected, &trained.refused),
        trained.told()
    )
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
        "baseline: {}\nthe range holds {} of the held-out prices",
        report.baseline_name,
        percent(report.coverage),
    );
    text
}

/// How well a class is told beside what is said without a model.
pub(crate) fn of_class(report: &ClassReport) -> String {
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
        "baseline: always saying {}, the share of {:?} in training\n\
         AUC's 95 % interval {:.4} to {:.4}; calibration is off by {} on average\n\
         from probability {} on {:?} is said: {} rightly, {} wrongly; {} are missed, {} rightly not",
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

/// An amount of the target, whose unit may be a house's price or a wine's mark.
pub(crate) fn amount(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.2}"),
        // Not "-0.0000".
        size if size < 5e-5 => "0.0000".to_owned(),
        _ => format!("{value:.4}"),
    }
}

/// What was rejected, removed, dropped and held out all the same; a line each.
pub(crate) fn left_out(found: &Found, rows_rejected: usize, refused: &[Refused]) -> String {
    let removed: Vec<String> = found
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
        format!("rows rejected by the schema: {rows_rejected}; not learned from: {removed}\n");
    let price = found.price();
    if price.is_some_and(|report| report.link == Link::LogOnePlus) {
        text.push_str("relative errors are those of 1 + the count, which may be 0\n");
    }
    for kind in refused.iter().take(MOST_KINDS) {
        let _ = writeln!(text, "    {kind}");
    }
    if let Some(report) = price {
        let _ = writeln!(
            text,
            "held out but unlike any price learned from: {} (judged on all the same)",
            report.holdout_outliers
        );
    }
    let dropped = found.dropped();
    if !dropped.is_empty() {
        let _ = writeln!(
            text,
            "fields that say nothing, and are not learned from: {}",
            dropped.len()
        );
    }
    for dropped in dropped {
        let _ = writeln!(text, "    {dropped}");
    }
    if found.holdout_copies() > 0 {
        let what = match found {
            Found::Price(_) => "price",
            Found::Class(_) => "class",
        };
        let _ = writeln!(
            text,
            "held out, and learned from with the same {what}: {}",
            found.holdout_copies()
        );
    }
    text
}
