//! The report as one HTML page: plots are drawn into it as SVG, nothing is fetched.

mod plot;

use std::fmt::Write as _;

use arrow_array::{Array, RecordBatch};
use records::{Purpose, Schema};
use valuation::Segment;

use crate::evaluate::{Evaluated, summary};

/// Points of the scatter at most: a page opens quickly.
const MOST_POINTS: usize = 3_000;
/// Values of the importances shown.
const MOST_VALUES: usize = 25;
const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:70rem;\
    padding:0 1rem;color:#1b2330}h2{margin-top:2.2rem}table{border-collapse:collapse}\
    td,th{padding:.15rem .7rem;text-align:right;border-bottom:1px solid #dde3ea}\
    td:first-child,th:first-child{text-align:left}pre{background:#f4f6f9;padding:1rem;\
    overflow:auto}svg{background:#f9fafc;margin:.4rem .8rem .4rem 0}.plots{display:flex;\
    flex-wrap:wrap}figure{margin:0}figcaption{font-size:13px;color:#55606e}.fails{color:#b3261e}";

/// The page.
pub(crate) fn page(evaluated: &Evaluated, schema: &Schema, batch: &RecordBatch) -> String {
    let report = &evaluated.report;
    let title = format!("{}: how good the prices are", escape(&evaluated.schema));
    let mut text = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <style>{STYLE}</style><h1>{title}</h1><pre>{}</pre>",
        escape(&summary(evaluated))
    );
    let judged = &report.judged;
    let stride = judged.len().div_ceil(MOST_POINTS).max(1);
    let points: Vec<(f64, f64)> = judged
        .iter()
        .step_by(stride)
        .map(|one| (one.actual.log10(), one.value.log10()))
        .collect();
    let ratios: Vec<f64> = judged.iter().map(|one| one.value / one.actual).collect();
    let prices: Vec<f64> = judged.iter().map(|one| one.actual.log10()).collect();
    text.push_str("<h2>Estimates and prices</h2><div class=plots>");
    text.push_str(&plot::scatter("estimate over price, both log10", &points));
    text.push_str(&plot::histogram(
        "estimate / price",
        &ratios,
        Some((0.4, 1.6)),
    ));
    text.push_str(&plot::histogram("price, log10", &prices, None));
    let calibration = tenths(evaluated);
    let caption = "share of prices inside their range, by tenth of the range's width";
    text.push_str(&plot::bars(caption, &calibration, Some(evaluated.interval)));
    text.push_str("</div>");
    members(evaluated, &mut text);
    text.push_str("<h2>What the trees gain by</h2>");
    let shown: Vec<(String, f64)> = evaluated
        .importance
        .iter()
        .take(MOST_VALUES)
        .cloned()
        .collect();
    text.push_str(&plot::rows("share of the gain", &shown));
    segments(&report.segments, &mut text);
    fields(schema, batch, &mut text);
    text.push_str("<h2>Not learned from</h2><table><tr><th>rule<th>rows");
    for (rule, rows) in &report.removed {
        let _ = write!(text, "<tr><td>{}<td>{rows}", escape(rule));
    }
    let rejected = evaluated.rows_rejected;
    let _ = write!(
        text,
        "<tr><td>refused by the schema<td>{rejected}</table></html>"
    );
    text
}

/// Coverage by tenth of the width of the range, the narrowest first.
fn tenths(evaluated: &Evaluated) -> Vec<(String, f64)> {
    let mut ordered: Vec<_> = evaluated.report.judged.iter().collect();
    ordered.sort_by(|one, other| (one.high / one.low).total_cmp(&(other.high / other.low)));
    let size = ordered.len().div_ceil(10).max(1);
    ordered
        .chunks(size)
        .enumerate()
        .map(|(tenth, rows)| {
            let inside = rows
                .iter()
                .filter(|one| one.low <= one.actual && one.actual <= one.high);
            let share = inside.count() as f64 / rows.len() as f64;
            (format!("{}", tenth + 1), share)
        })
        .collect()
}

fn members(evaluated: &Evaluated, text: &mut String) {
    text.push_str(
        "<h2>Members</h2><table><tr><th>member<th>weight<th>trees<th>log error by folds\
         <th>log error judged",
    );
    for member in &evaluated.report.members {
        let _ = write!(
            text,
            "<tr><td>{}<td>{:.3}<td>{}<td>{:.4}<td>{:.4}",
            escape(&member.name),
            member.weight,
            member.trees,
            member.fold_error,
            member.holdout_error
        );
    }
    let used = match evaluated.report.stack {
        true => "The weighted members were better than the best alone.",
        false => "One member is used alone.",
    };
    let _ = write!(text, "</table><p>{used}</p>");
}

fn segments(segments: &[Segment], text: &mut String) {
    let mut by = "";
    for segment in segments {
        if segment.by != by {
            by = &segment.by;
            let _ = write!(
                text,
                "{}<h2>By {}</h2><table><tr><th>{}<th>listings<th>MdAPE<th>within 10 %\
                 <th>median ratio<th>COD<th>PRD<th>PRB<th>range holds",
                if text.ends_with("</div>") {
                    ""
                } else {
                    "</table>"
                },
                escape(by),
                escape(by)
            );
        }
        let mark = |one: valuation::ratio_study::Statistic| match one.passes {
            true => format!("<td>{:.3}", one.value),
            false => format!("<td class=fails>{:.3}", one.value),
        };
        let (metrics, ratios) = (&segment.metrics, &segment.ratios);
        let _ = write!(
            text,
            "<tr><td>{}<td>{}<td>{:.2} %<td>{:.1} %{}{}{}{}<td>{:.1} %",
            escape(&segment.name),
            metrics.rows,
            metrics.mdape * 100.0,
            metrics.within_10 * 100.0,
            mark(ratios.median_ratio),
            mark(ratios.cod),
            mark(ratios.prd),
            mark(ratios.prb),
            segment.coverage * 100.0
        );
    }
    text.push_str("</table>");
}

/// Every field: how many have none, and how the others lie.
fn fields(schema: &Schema, batch: &RecordBatch, text: &mut String) {
    text.push_str("<h2>Fields</h2><div class=plots>");
    for field in schema.columns(Purpose::Listing) {
        let Some(column) = batch.column_by_name(&field.name) else {
            continue;
        };
        let (nulls, rows) = (column.null_count(), batch.num_rows().max(1));
        let missing = format!(
            "{}: {:.1} % missing",
            field.name,
            100.0 * nulls as f64 / rows as f64
        );
        let numbers = plot::numbers(column);
        if let Some(numbers) = numbers {
            text.push_str(&plot::histogram(&missing, &numbers, None));
        } else if field.kind == records::Kind::Category {
            text.push_str(&plot::rows(&missing, &plot::levels(column)));
        }
    }
    text.push_str("</div>");
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
