//! The calibration curve of probabilities.

use valuation::Bin;

use super::axis::{Axis, Scale};
use super::plot::{COLOURS, Plot};

/// From 0 to 1.
pub(super) fn share() -> Axis {
    Axis::of([0.0, 1.0].into_iter(), Scale::Linear)
}

/// The observed share of each bin over its predicted probability, beside the line where both are the same.
pub(super) fn curve(bins: &[Bin], caption: &str) -> String {
    let mut plot = Plot::new(share(), share());
    plot.line((0.0, 0.0), (1.0, 1.0), COLOURS[1]);
    let points = bins.iter().map(|bin| (bin.predicted, bin.found));
    plot.path(&points.collect::<Vec<_>>(), COLOURS[0]);
    plot.finish(caption)
}
