//! The measures of an evaluation, for people.

use std::fmt::Write as _;

use valuation::{ClassReport, FitReport, Report};

use super::clusters::clusters;
use super::multiclass::{level_members, of_levels};
use super::training::{left_out, of_class};
use crate::evaluated::Evaluated;
use crate::numbers::amount;

/// The measures as text, for people.
pub fn evaluation(evaluated: &Evaluated) -> String {
    let fit = &evaluated.report;
    let speed = &evaluated.speed;
    format!(
        "{} rows: {} in training, {} in the hold-out ({}); fitted in {:.2} s\n{}{}{}\
         one row {:.1} µs (p99 {:.1}), from JSON {:.1} µs; {:.0} rows/s in batches",
        fit.rows(),
        fit.train_rows(),
        fit.holdout_rows(),
        evaluated.split,
        evaluated.fit_seconds,
        match fit {
            FitReport::Price(report) => of_prices(report, evaluated.interval),
            FitReport::Class(report) => of_class(report) + "\n",
            FitReport::Multiclass(report) => of_levels(report) + "\n",
            FitReport::Clusters(report) => clusters(report),
        },
        left_out(fit, evaluated.rows_rejected, &evaluated.refused),
        match fit {
            FitReport::Price(report) => price_members(report),
            FitReport::Class(report) => class_members(report),
            FitReport::Multiclass(report) => level_members(report),
            FitReport::Clusters(_) => String::new(),
        },
        speed.one_row_us,
        speed.one_row_p99_us,
        speed.one_json_us,
        speed.rows_per_second
    )
}

fn of_prices(report: &Report, interval: f64) -> String {
    let (model, baseline) = (&report.model, &report.baseline);
    let mut text = String::new();
    let mut line = |what: &str, ours: String, theirs: String| {
        let _ = writeln!(text, "{what:<14}{ours:>16}{theirs:>16}");
    };
    line("", "model".to_owned(), "baseline".to_owned());
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    for (what, of) in [
        (
            "RMSE",
            (|m: &valuation::Metrics| amount(m.rmse)) as fn(&valuation::Metrics) -> String,
        ),
        ("MAE", |m| amount(m.mae)),
        ("R²", |m| format!("{:.4}", m.r2)),
        ("RMSLE", |m| format!("{:.4}", m.rmsle)),
    ] {
        line(what, of(model), of(baseline));
    }
    line("MdAPE", percent(model.mdape), percent(baseline.mdape));
    line("MAPE", percent(model.mape), percent(baseline.mape));
    line(
        "within 5 %",
        percent(model.within_5),
        percent(baseline.within_5),
    );
    line(
        "within 10 %",
        percent(model.within_10),
        percent(baseline.within_10),
    );
    line(
        "within 20 %",
        percent(model.within_20),
        percent(baseline.within_20),
    );
    if let Some(ratios) = &report.ratios {
        for (what, one) in [
            ("median ratio", ratios.median_ratio),
            ("COD", ratios.cod),
            ("PRD", ratios.prd),
            ("PRB", ratios.prb),
        ] {
            let _ = writeln!(
                text,
                "{what:<14}{:>16.4}  95 % interval {:.4} to {:.4}; IAAO {} to {}: {}",
                one.value,
                one.low,
                one.high,
                one.band_low,
                one.band_high,
                if one.passes { "passes" } else { "fails" }
            );
        }
    }
    let _ = writeln!(
        text,
        "coverage of the {:.0} % prediction interval: {} ({} to {})",
        interval * 100.0,
        percent(report.coverage),
        percent(report.coverage_low),
        percent(report.coverage_high)
    );
    text
}

fn class_members(report: &ClassReport) -> String {
    let mut text = String::new();
    for member in &report.members {
        let _ = writeln!(
            text,
            "member {:<12} weight {:.3}, {} trees, log loss {:.4} out of fold, {:.4} on the hold-out, AUC {:.4}",
            member.name,
            member.weight,
            member.trees,
            member.fold_log_loss,
            member.holdout_log_loss,
            member.holdout_auc
        );
    }
    text
}

fn price_members(report: &Report) -> String {
    let mut text = String::new();
    for member in &report.members {
        let _ = writeln!(
            text,
            "member {:<12} weight {:.3}, {} trees, log error {:.4} out of fold, {:.4} on the hold-out",
            member.name, member.weight, member.trees, member.fold_error, member.holdout_error
        );
        if let Some(recipe) = &member.recipe {
            let next = recipe.runner_up.as_ref().zip(recipe.runner_up_error);
            let next = next
                .map(|(next, error)| format!("; next of {}: {next} ({error:.4})", recipe.tried));
            let _ = writeln!(
                text,
                "    chosen by quick trees: {} (log error {:.4}){}",
                recipe.chosen,
                recipe.error,
                next.unwrap_or_default()
            );
        }
    }
    let _ = writeln!(text, "{}", members_used(report));
    if let Some(reason) = report.equity.and_then(|equity| equity.reason()) {
        let _ = writeln!(text, "Vertical equity: {reason}.");
    }
    text
}

/// Whether the ensemble is used, and by how much it is better than its best member.
pub(crate) fn members_used(report: &Report) -> String {
    let Some(stacked) = &report.stacked else {
        return match report.stack {
            true => "The ensemble is better than its best member.".to_owned(),
            false => "One member is used alone.".to_owned(),
        };
    };
    let how = if stacked.gain() < 0.0 { "more" } else { "less" };
    let used = match report.stack {
        true if stacked.gain() < 0.0 => "The ensemble is used: the folds determine the weights.",
        true => "The ensemble is used.",
        false => "The best member is used alone.",
    };
    format!(
        "On the hold-out the ensemble has a log error of {:.4}, the best member ({}) {:.4}: {:.2} % {how}. {used}",
        stacked.weighted,
        stacked.best,
        stacked.alone,
        100.0 * stacked.gain().abs(),
    )
}
