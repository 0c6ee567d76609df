//! Plots as SVG.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef};

use super::escape;

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 220.0;
const MARGIN: f64 = 34.0;
/// Bars of a histogram.
const BINS: usize = 32;
/// Levels of a category that are shown.
const LEVELS: usize = 10;

fn figure(caption: &str, height: f64, body: &str) -> String {
    format!(
        "<figure><svg width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\">{body}\
         </svg><figcaption>{}</figcaption></figure>",
        escape(caption)
    )
}

/// Smallest and greatest, apart.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|value| value.is_finite());
    let (low, high) = finite.fold((f64::MAX, f64::MIN), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low < high {
        (low, high)
    } else {
        (low - 0.5, low + 0.5)
    }
}

fn axis(low: f64, high: f64, body: &mut String) {
    let y = HEIGHT - MARGIN + 16.0;
    // Writing to a String cannot fail.
    let _ = write!(
        body,
        "<text x=\"{MARGIN}\" y=\"{y}\" font-size=\"11\">{low:.4}</text>\
         <text x=\"{}\" y=\"{y}\" font-size=\"11\" text-anchor=\"end\">{high:.4}</text>",
        WIDTH - 8.0
    );
}

/// Points with the diagonal.
pub(super) fn scatter(caption: &str, points: &[(f64, f64)]) -> String {
    let (low, high) = ends(points.iter().flat_map(|(x, y)| [*x, *y]));
    let x = |value: f64| MARGIN + (value - low) / (high - low) * (WIDTH - MARGIN - 8.0);
    let y = |value: f64| HEIGHT - MARGIN - (value - low) / (high - low) * (HEIGHT - MARGIN - 8.0);
    let mut body = format!(
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#999\"/>",
        x(low),
        y(low),
        x(high),
        y(high)
    );
    for (one, other) in points {
        let _ = write!(
            body,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"1.2\" fill=\"#2463a5\" fill-opacity=\"0.35\"/>",
            x(*one),
            y(*other)
        );
    }
    axis(low, high, &mut body);
    figure(caption, HEIGHT, &body)
}

/// How values lie; `range` cuts off what is far out.
pub(super) fn histogram(caption: &str, values: &[f64], range: Option<(f64, f64)>) -> String {
    let (low, high) = range.unwrap_or_else(|| ends(values.iter().copied()));
    let mut bins = [0_usize; BINS];
    for value in values.iter().filter(|value| (low..=high).contains(*value)) {
        let bin = ((value - low) / (high - low) * BINS as f64) as usize;
        bins[bin.min(BINS - 1)] += 1;
    }
    let most = bins.iter().copied().max().unwrap_or(0).max(1) as f64;
    let step = (WIDTH - MARGIN - 8.0) / BINS as f64;
    let mut body = String::new();
    for (bin, count) in bins.iter().enumerate() {
        let tall = *count as f64 / most * (HEIGHT - MARGIN - 8.0);
        let _ = write!(
            body,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{tall:.1}\" fill=\"#2463a5\"/>",
            MARGIN + bin as f64 * step,
            HEIGHT - MARGIN - tall,
            step - 1.0
        );
    }
    axis(low, high, &mut body);
    figure(caption, HEIGHT, &body)
}

/// Upright bars of shares, with a line at what is wanted.
pub(super) fn bars(caption: &str, shares: &[(String, f64)], wanted: Option<f64>) -> String {
    let step = (WIDTH - MARGIN - 8.0) / shares.len().max(1) as f64;
    let tall = |share: f64| share * (HEIGHT - MARGIN - 8.0);
    let mut body = String::new();
    for (position, (name, share)) in shares.iter().enumerate() {
        let x = MARGIN + position as f64 * step;
        let _ = write!(
            body,
            "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"#6fa8dc\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" font-size=\"10\">{}: {:.0}%</text>",
            HEIGHT - MARGIN - tall(*share),
            step - 3.0,
            tall(*share),
            HEIGHT - MARGIN + 14.0,
            escape(name),
            share * 100.0
        );
    }
    if let Some(wanted) = wanted {
        let y = HEIGHT - MARGIN - tall(wanted);
        let _ = write!(
            body,
            "<line x1=\"{MARGIN}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#b3261e\"/>"
        );
    }
    figure(caption, HEIGHT, &body)
}

/// Lying bars, a name each.
pub(super) fn rows(caption: &str, shares: &[(String, f64)]) -> String {
    let most = shares
        .iter()
        .map(|(_, share)| *share)
        .fold(f64::MIN_POSITIVE, f64::max);
    let mut body = String::new();
    for (position, (name, share)) in shares.iter().enumerate() {
        let y = 6.0 + 18.0 * position as f64;
        let _ = write!(
            body,
            "<rect x=\"0\" y=\"{y}\" width=\"{:.1}\" height=\"14\" fill=\"#b9d3ee\"/>\
             <text x=\"4\" y=\"{}\" font-size=\"11\">{} · {share:.4}</text>",
            share / most * WIDTH,
            y + 11.0,
            escape(name)
        );
    }
    figure(caption, 12.0 + 18.0 * shares.len() as f64, &body)
}

/// The numbers of a column; `None` for what is no number.
pub(super) fn numbers(column: &ArrayRef) -> Option<Vec<f64>> {
    if let Some(cells) = column.as_primitive_opt::<Float64Type>() {
        return Some(cells.iter().flatten().collect());
    }
    let cells = column.as_primitive_opt::<Int64Type>()?;
    Some(cells.iter().flatten().map(|value| value as f64).collect())
}

/// The most frequent levels of a column of texts, as shares of its rows.
pub(super) fn levels(column: &ArrayRef) -> Vec<(String, f64)> {
    let Some(cells) = column.as_string_opt::<i32>() else {
        return Vec::new();
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for level in cells.iter().flatten() {
        *counts.entry(level).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let rows = column.len().max(1) as f64;
    let shown = counts.into_iter().take(LEVELS);
    shown
        .map(|(level, count)| (level.to_owned(), count as f64 / rows))
        .collect()
}
