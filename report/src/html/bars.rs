//! Bars: shares by name.

use std::fmt::Write as _;

use super::axis::{Axis, Scale};
use super::markup::escape;
use super::plot::{COLOURS, Plot, WIDTH, figure};

/// Characters of a name that are shown.
const NAME_CHARS: usize = 36;
const ROW: f64 = 19.0;

/// Upright bars of shares from 0 to 1, with a line at the nominal share.
pub(super) fn upright(caption: &str, shares: &[f64], nominal: f64) -> String {
    let count = shares.len().max(1) as f64;
    let x = Axis::of([0.5, count + 0.5].into_iter(), Scale::Linear);
    let y = Axis::of([0.0, 1.0].into_iter(), Scale::Linear);
    let mut plot = Plot::new(x, y);
    for (position, share) in shares.iter().enumerate() {
        let middle = position as f64 + 1.0;
        let says = format!("{:.1} %", share * 100.0);
        plot.column(middle - 0.42, middle + 0.42, *share, COLOURS[4], &says);
    }
    plot.line((0.5, nominal), (count + 0.5, nominal), COLOURS[1]);
    plot.finish(caption)
}

/// Lying bars: a name, a length, and what it says. The longest fills the width.
pub(super) fn lying(caption: &str, rows: &[(String, f64, String)]) -> String {
    let most = rows.iter().map(|(_, length, _)| *length);
    let most = most.fold(f64::MIN_POSITIVE, f64::max);
    let mut body = String::new();
    for (position, (name, length, says)) in rows.iter().enumerate() {
        let y = 4.0 + ROW * position as f64;
        let name = match name.chars().count() > NAME_CHARS {
            true => name.chars().take(NAME_CHARS - 1).chain(['…']).collect(),
            false => name.clone(),
        };
        // Writing to a String cannot fail.
        let _ = write!(
            body,
            "<rect x=\"0\" y=\"{y}\" width=\"{WIDTH}\" height=\"15\" fill=\"#eef2f6\"/>\
             <rect x=\"0\" y=\"{y}\" width=\"{:.1}\" height=\"15\" fill=\"#a9cce3\"/>\
             <text x=\"5\" y=\"{text}\">{}</text>\
             <text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{}</text>",
            (length / most).clamp(0.0, 1.0) * WIDTH,
            escape(&name),
            WIDTH - 5.0,
            escape(says),
            text = y + 11.5,
        );
    }
    figure(caption, 8.0 + ROW * rows.len().max(1) as f64, &body)
}
