//! Sections of the hold-out: predictions beside prices, prediction intervals, segments.

use std::fmt::Write as _;

use valuation::ratio_study::Statistic;
use valuation::{Calibration, JudgedRow, Link, RatioStudy, Report, Segment};

use super::axis::{Axis, Scale};
use super::markup::{escape, section};
use super::plot::{COLOURS, Plot};
use super::{bars, distribution};

/// Points of the scatter at most: a page opens quickly.
const MOST_POINTS: usize = 3_000;

/// Predictions beside prices.
pub(super) fn estimates(report: &Report) -> String {
    let (judged, link) = (&report.judged, report.link);
    let stride = judged.len().div_ceil(MOST_POINTS).max(1);
    let points: Vec<(f64, f64)> = judged
        .iter()
        .step_by(stride)
        .map(|one| (one.actual, one.value))
        .collect();
    let ratios = judged.iter().map(|one| link.ratio(one.value, one.actual));
    let ratios: Vec<f64> = ratios.collect();
    let figures = [
        distribution::scatter("prediction (upwards) over price, hold-out", &points),
        distribution::histogram(
            match link {
                Link::Log => "prediction / price",
                Link::LogOnePlus => "(1 + prediction) / (1 + count)",
            },
            &ratios,
            Scale::Linear,
        ),
    ];
    section("Predicted against actual", "", &figures, "")
}

/// The coverage of the prediction intervals beside the nominal one.
pub(super) fn ranges(report: &Report, nominal: f64) -> String {
    let (judged, link) = (&report.judged, report.link);
    // −1 and 1 are the ends of the range, on the logarithmic scale that it is symmetric on.
    let places: Vec<f64> = judged
        .iter()
        .map(|one| link.ratio(one.actual, one.value).ln() / link.ratio(one.high, one.value).ln())
        .collect();
    let widths: Vec<f64> = judged
        .iter()
        .map(|one| 100.0 * (one.high - one.low) / (link.offset() + one.value))
        .collect();
    let by_width = tenths(judged, |one| link.ratio(one.high, one.low));
    let by_value = tenths(judged, |one| one.value);
    let figures = [
        calibration(&report.calibration),
        bars::upright(
            "coverage by tenth of the interval's width, the narrowest first",
            &by_width,
            nominal,
        ),
        bars::upright(
            "coverage by tenth of the prediction, the cheapest first",
            &by_value,
            nominal,
        ),
        distribution::histogram(
            "position of prices in their intervals: -1 and 1 are the ends",
            &places,
            Scale::Linear,
        ),
        distribution::histogram(
            "width of the interval, % of the prediction",
            &widths,
            Scale::Linear,
        ),
    ];
    let text = format!(
        "The {:.0} % prediction intervals contain {:.1} % of the prices in the hold-out (95 % confidence \
         interval {:.1} to {:.1} %). The dashed line is the nominal coverage.",
        100.0 * nominal,
        100.0 * report.coverage,
        100.0 * report.coverage_low,
        100.0 * report.coverage_high
    );
    let mut table = "<table><tr><th>interval<th>coverage<th>95 % confidence interval".to_owned();
    for band in &report.calibration {
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        // Writing to a String cannot fail.
        let _ = write!(
            table,
            "<tr><td>{:.0} %<td>{}<td>{} to {}",
            100.0 * band.level,
            percent(band.held.value),
            percent(band.held.low),
            percent(band.held.high)
        );
    }
    table.push_str("</table>");
    section(
        "Calibration of the prediction intervals",
        &text,
        &figures,
        &table,
    )
}

/// Coverage over nominal coverage, with confidence intervals; the dashed line is equality.
fn calibration(levels: &[Calibration]) -> String {
    let share = || Axis::of([0.0, 1.0].into_iter(), Scale::Linear);
    let mut plot = Plot::new(share(), share());
    plot.line((0.0, 0.0), (1.0, 1.0), COLOURS[1]);
    for level in levels {
        plot.line(
            (level.level, level.held.low),
            (level.level, level.held.high),
            COLOURS[0],
        );
    }
    let points = levels.iter().map(|level| (level.level, level.held.value));
    plot.path(&points.collect::<Vec<_>>(), COLOURS[0]);
    plot.finish("coverage (upwards) over nominal coverage")
}

/// Coverage by tenth of a measure, the least first.
fn tenths(judged: &[JudgedRow], measure: impl Fn(&JudgedRow) -> f64) -> Vec<f64> {
    let mut ordered: Vec<&JudgedRow> = judged.iter().collect();
    ordered.sort_by(|one, other| measure(one).total_cmp(&measure(other)));
    let size = ordered.len().div_ceil(10).max(1);
    ordered
        .chunks(size)
        .map(|rows| {
            let inside = rows
                .iter()
                .filter(|one| one.low <= one.actual && one.actual <= one.high);
            inside.count() as f64 / rows.len() as f64
        })
        .collect()
}

/// A section for each kind of segment.
pub(super) fn segments(segments: &[Segment]) -> String {
    segments
        .chunk_by(|one, other| one.by == other.by)
        .map(|parts| {
            let by = &parts[0].by;
            let rows = |measure: &dyn Fn(&Segment) -> f64| -> Vec<(String, f64, String)> {
                let row = |part: &Segment| {
                    let share = measure(part);
                    (part.name.clone(), share, format!("{:.1} %", 100.0 * share))
                };
                parts.iter().map(row).collect()
            };
            let figures = [
                bars::lying(
                    &format!("median error (MdAPE) by {by}"),
                    &rows(&|part| part.metrics.mdape),
                ),
                bars::lying(&format!("coverage by {by}"), &rows(&|part| part.coverage)),
            ];
            section(&format!("Error by {by}"), "", &figures, &table(by, parts))
        })
        .collect()
}

fn table(by: &str, parts: &[Segment]) -> String {
    let mut text = format!(
        "<table><tr><th>{}<th>listings<th>MdAPE<th>within 10 %<th>median ratio<th>COD<th>PRD\
         <th>PRB<th>coverage",
        escape(by)
    );
    let mark = |ratios: &Option<RatioStudy>, of: fn(&RatioStudy) -> Statistic| {
        let found = ratios.as_ref().map(of);
        match found {
            Some(one) if one.passes => format!("<td>{:.3}", one.value),
            Some(one) => format!("<td class=fails>{:.3}", one.value),
            None => "<td>".to_owned(),
        }
    };
    for part in parts {
        let (metrics, ratios) = (&part.metrics, &part.ratios);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "<tr><td>{}<td>{}<td>{:.2} %<td>{:.1} %{}{}{}{}<td>{:.1} %",
            escape(&part.name),
            metrics.rows,
            metrics.mdape * 100.0,
            metrics.within_10 * 100.0,
            mark(ratios, |ratios| ratios.median_ratio),
            mark(ratios, |ratios| ratios.cod),
            mark(ratios, |ratios| ratios.prd),
            mark(ratios, |ratios| ratios.prb),
            part.coverage * 100.0
        );
    }
    text.push_str("</table>");
    text
}
