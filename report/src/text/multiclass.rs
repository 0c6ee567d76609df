//! The measures of a model of several classes.

use std::fmt::Write as _;

use valuation::MulticlassReport;

/// Levels whose confusions are shown: a wider table has no lines that a terminal shows.
const MOST_LEVELS: usize = 12;
/// Longest name of a level, in characters.
const NAME_CHARS: usize = 24;

/// The measures of the whole beside those of constant shares, then a line a level.
pub(super) fn of_levels(report: &MulticlassReport) -> String {
    let (model, baseline) = (&report.model, &report.baseline);
    let mut text = String::new();
    let mut line = |what: &str, ours: String, theirs: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{what:<18}{ours:>16}{theirs:>16}");
    };
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    let four = |value: f64| format!("{value:.4}");
    line("hold-out", "model".to_owned(), "baseline".to_owned());
    line("log loss", four(model.log_loss), four(baseline.log_loss));
    line("Brier", four(model.brier), four(baseline.brier));
    line(
        "accuracy",
        percent(model.accuracy),
        percent(baseline.accuracy),
    );
    line(
        "balanced accuracy",
        percent(model.balanced_accuracy),
        percent(baseline.balanced_accuracy),
    );
    line("macro F1", four(model.macro_f1), four(baseline.macro_f1));
    let area = |auc: Option<f64>| auc.map_or_else(|| "-".to_owned(), four);
    line("mean AUC", area(model.auc), area(baseline.auc));
    let _ = writeln!(
        text,
        "baseline: the shares of the {} levels of {:?} in training; mean calibration error: {}",
        report.levels.len(),
        report.target,
        percent(report.calibration_error)
    );
    let width = report.levels.iter().map(|level| shortened(&level.level));
    let width = width.map(|name| name.chars().count()).max().unwrap_or(0);
    let width = width.max("level".len());
    let _ = writeln!(
        text,
        "{:<width$}{:>10}{:>10}{:>11}{:>9}{:>9}{:>9}{:>13}",
        "level", "training", "hold-out", "precision", "recall", "F1", "AUC", "calibration"
    );
    for level in &report.levels {
        let of = &level.metrics;
        let _ = writeln!(
            text,
            "{:<width$}{:>10}{:>10}{:>11.4}{:>9.4}{:>9.4}{:>9}{:>13}",
            shortened(&level.level),
            level.train_rows,
            of.rows,
            of.precision,
            of.recall,
            of.f1,
            area(of.auc.map(|auc| auc.value)),
            percent(of.calibration_error)
        );
    }
    confusion(report, width, &mut text);
    text.truncate(text.trim_end().len());
    text
}

/// Rows by the level that they have (a line each) and the one that is predicted.
fn confusion(report: &MulticlassReport, width: usize, text: &mut String) {
    if report.levels.len() > MOST_LEVELS {
        return;
    }
    let column = width.max(7) + 2;
    let _ = write!(text, "{:<width$}", "has");
    for level in &report.levels {
        let _ = write!(text, "{:>column$}", shortened(&level.level));
    }
    text.push_str("  (predicted)\n");
    for (level, counts) in report.levels.iter().zip(&report.model.confusion) {
        let _ = write!(text, "{:<width$}", shortened(&level.level));
        for count in counts {
            let _ = write!(text, "{count:>column$}");
        }
        text.push('\n');
    }
}

/// The members of each level.
pub(super) fn level_members(report: &MulticlassReport) -> String {
    let mut text = String::new();
    for level in &report.levels {
        let members = level.members.iter();
        let members: Vec<String> = members
            .map(|member| {
                format!(
                    "{} weight {:.2}, {} trees, log loss {:.4} out of fold",
                    member.name, member.weight, member.trees, member.fold_log_loss
                )
            })
            .collect();
        let _ = writeln!(
            text,
            "members of {:?}: {}",
            shortened(&level.level),
            members.join("; ")
        );
    }
    let _ = writeln!(
        text,
        "log loss out of fold, of all levels together: {:.4}; exponent of the probabilities: {:.3}",
        report.fold_log_loss, report.exponent
    );
    text
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(NAME_CHARS) {
        None => name.to_owned(),
        Some((end, _)) => format!("{}…", &name[..end]),
    }
}
