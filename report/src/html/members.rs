//! Sections of what the model is made of: members and their weights, folds, what matters.

use std::fmt::Write as _;

use valuation::Report;

use super::axis::{Axis, Scale};
use super::bars;
use super::markup::{escape, section};
use super::plot::{COLOURS, Plot};
use crate::evaluated::Evaluated;
use crate::text::members_used;

/// Values and fields that are shown.
const MOST_SHOWN: usize = 20;

/// Members, their weights and errors.
pub(super) fn members(report: &Report) -> String {
    let rows = |of: &dyn Fn(&valuation::MemberReport) -> f64| -> Vec<(String, f64, String)> {
        let row = |member: &valuation::MemberReport| {
            let value = of(member);
            (member.name.clone(), value, format!("{value:.4}"))
        };
        report.members.iter().map(row).collect()
    };
    let figures = [
        bars::lying("weight", &rows(&|member| member.weight)),
        bars::lying("log error out of fold", &rows(&|member| member.fold_error)),
        bars::lying(
            "log error on the hold-out",
            &rows(&|member| member.holdout_error),
        ),
    ];
    let mut table = "<table><tr><th>member<th>weight<th>trees<th>log error out of fold\
                     <th>log error on the hold-out"
        .to_owned();
    for member in &report.members {
        // Writing to a String cannot fail.
        let _ = write!(
            table,
            "<tr><td>{}<td>{:.3}<td>{}<td>{:.4}<td>{:.4}",
            escape(&member.name),
            member.weight,
            member.trees,
            member.fold_error,
            member.holdout_error
        );
    }
    table.push_str("</table>");
    section(
        "Members and weights",
        &escape(&members_used(report)),
        &figures,
        &table,
    )
}

/// Each member's error on each fold; nothing where the folds were not kept.
pub(super) fn folds(report: &Report) -> String {
    if report.folds.is_empty() {
        return String::new();
    }
    let mut names: Vec<&str> = report.members.iter().map(|one| one.name.as_str()).collect();
    names.push("weighted");
    let errors: Vec<Vec<f64>> = report
        .folds
        .iter()
        .map(|fold| fold.members.iter().copied().chain([fold.stack]).collect())
        .collect();
    let x = Axis::of([0.5, errors.len() as f64 + 0.5].into_iter(), Scale::Linear);
    let all = errors.iter().flatten().copied();
    let (least, most) = all.fold((f64::MAX, f64::MIN), |(least, most), error| {
        (least.min(error), most.max(error))
    });
    // Room for a legend of two lines above the others.
    let y = Axis::of(
        [least, most + 0.4 * (most - least)].into_iter(),
        Scale::Linear,
    );
    let mut plot = Plot::new(x, y);
    for (member, colour) in (0..names.len()).zip(COLOURS.iter().cycle()) {
        let line: Vec<(f64, f64)> = errors
            .iter()
            .enumerate()
            .filter_map(|(fold, errors)| Some((fold as f64 + 1.0, *errors.get(member)?)))
            .collect();
        plot.path(&line, colour);
    }
    plot.legend(&names);
    let figure = plot.finish("log error out of fold, by fold");
    let mut table = "<table><tr><th>fold<th>listings".to_owned();
    for name in &names {
        let _ = write!(table, "<th>{}", escape(name));
    }
    for (position, (fold, errors)) in report.folds.iter().zip(&errors).enumerate() {
        let _ = write!(table, "<tr><td>{}<td>{}", position + 1, fold.rows);
        for error in errors {
            let _ = write!(table, "<td>{error:.4}");
        }
    }
    table.push_str("</table>");
    section("Fold by fold", "", &[figure], &table)
}

/// What prices go by: fields by what they move, and what trees gain by.
pub(super) fn importances(evaluated: &Evaluated) -> String {
    let shown = |shares: &[(String, f64)]| -> Vec<(String, f64, String)> {
        let shares = shares.iter().take(MOST_SHOWN);
        let row = |(name, share): &(String, f64)| {
            (name.clone(), *share, format!("{:.1} %", share * 100.0))
        };
        shares.map(row).collect()
    };
    let mut figures = Vec::new();
    if !evaluated.effects.is_empty() {
        let caption = "mean effect of a field, share of the price";
        figures.push(bars::lying(caption, &shown(&evaluated.effects)));
    }
    if !evaluated.importance.is_empty() {
        let caption = "importance in the trees, share of the gain";
        figures.push(bars::lying(caption, &shown(&evaluated.importance)));
    }
    match figures.is_empty() {
        true => String::new(),
        false => section("Importances", "", &figures, ""),
    }
}

#[cfg(test)]
mod tests {
    use records::{Decoder, Purpose, Schema};
    use valuation::{Effort, FitOptions, FoldReport, Stacked};

    use super::*;

    fn report() -> Report {
        let schema = Schema::real_estate();
        let mut decoder = Decoder::new(&schema, Purpose::Listing);
        for id in 0..400 {
            let (area, floor) = (30 + id * 7 % 90, 1 + id % 9);
            let price = 1e5 * f64::from(area) * (1.0 + 0.01 * f64::from(id * 13 % 10));
            let record = format!(
                r#"{{"id":{id},"listed_at":{},"city":"a","street":"b","floor":{floor},"rooms":1,"area":{area},"price":{price}}}"#,
                1_700_000_000 + id
            );
            decoder
                .push(record.as_bytes(), 1_800_000_000_000_000)
                .unwrap();
        }
        let options = FitOptions {
            effort: Effort::Quick,
            ..FitOptions::default()
        };
        let batch = decoder.finish().batch;
        valuation::fit(&schema, &batch, &options, "test", 0)
            .unwrap()
            .1
    }

    #[test]
    fn the_gain_of_the_ensemble_is_shown() {
        let mut report = report();
        assert!(members(&report).contains("One member is used alone."));
        report.stack = true;
        let mut stacked = Stacked {
            best: "leaf-wise".to_owned(),
            alone: 0.2,
            weighted: 0.19,
        };
        report.stacked = Some(stacked.clone());
        let text = members(&report);
        for part in [
            "0.1900",
            "(leaf-wise) 0.2000",
            "5.00 % less",
            "The ensemble is used.",
        ] {
            assert!(text.contains(part), "{text}");
        }
        stacked.weighted = 0.21;
        report.stacked = Some(stacked);
        assert!(
            members(&report).contains("The ensemble is used: the folds determine the weights.")
        );
        // As models of earlier releases say.
        report.stack = false;
        let text = members(&report);
        for part in ["0.2100", "5.00 % more", "The best member is used alone."] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn folds_are_drawn_where_they_were_kept() {
        let mut report = report();
        report.folds.clear();
        assert_eq!(folds(&report), "");
        report.folds = (0..5)
            .map(|fold| FoldReport {
                rows: 80,
                members: vec![0.1 + 0.01 * f64::from(fold); report.members.len()],
                stack: 0.1,
            })
            .collect();
        let drawn = folds(&report);
        assert!(drawn.contains("<h2>Fold by fold</h2>") && !drawn.contains("NaN"));
        let lines = drawn.matches("<polyline").count();
        assert_eq!(lines, report.members.len() + 1);
        assert!(
            drawn.contains("<tr><td>5<td>80<td>0.1400<td>0.1000"),
            "{drawn}"
        );
    }
}
