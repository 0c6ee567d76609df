//! How values lie: histograms and scatters.

use super::axis::{Axis, Scale};
use super::plot::{COLOURS, Plot};

/// Bars of a histogram.
const BINS: usize = 32;
/// Share of the values at either end that a long tail may be cut by.
const TAIL: f64 = 0.005;
/// A whole range this many times the range without its tails is cut.
const LONG: f64 = 2.5;
/// Values above 0 that span this factor go by factors.
const WIDE: f64 = 30.0;

/// Values by bars, cut where they have long tails: the caption states how many lie beyond.
pub(super) fn histogram(caption: &str, values: &[f64], scale: Scale) -> String {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    if sorted.is_empty() {
        return nothing(caption);
    }
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
    let (low, high) = (at(0.0), at(1.0));
    let (near, far) = (at(TAIL), at(1.0 - TAIL));
    let scale = match scale {
        Scale::Linear if low > 0.0 && far / near > WIDE => Scale::Log,
        other => other,
    };
    let length = |low: f64, high: f64| match scale {
        Scale::Log => (high / low).ln(),
        Scale::Linear | Scale::Time => high - low,
    };
    let is_long =
        scale != Scale::Time && near < far && length(low, high) > LONG * length(near, far);
    let axis = match is_long {
        true => Axis::of([near, far].into_iter(), scale),
        false => Axis::of([low, high].into_iter(), scale),
    };
    counted(caption, &sorted, axis)
}

/// Probabilities by bars from 0 to 1.
pub(super) fn probabilities(caption: &str, values: &[f64]) -> String {
    counted(
        caption,
        values,
        Axis::of([0.0, 1.0].into_iter(), Scale::Linear),
    )
}

/// Values by bars along an axis.
fn counted(caption: &str, values: &[f64], axis: Axis) -> String {
    let mut bins = [0_usize; BINS];
    let mut beyond = 0;
    for value in values {
        let place = axis.place(*value);
        match (0.0..=1.0).contains(&place) {
            true => bins[((place * BINS as f64) as usize).min(BINS - 1)] += 1,
            false => beyond += 1,
        }
    }
    let mut plot = Plot::new(axis, Axis::from_zero(bins.iter().map(|bin| *bin as f64)));
    for (bin, count) in bins.iter().enumerate() {
        let end = |bin: usize| axis.at(bin as f64 / BINS as f64);
        plot.column(
            end(bin),
            end(bin + 1),
            *count as f64,
            COLOURS[0],
            &count.to_string(),
        );
    }
    plot.finish(&match beyond {
        0 => caption.to_owned(),
        beyond => format!("{caption}; {beyond} beyond the ends"),
    })
}

/// What stands where there is no value to draw.
fn nothing(caption: &str) -> String {
    let axis = || Axis::of(std::iter::empty(), Scale::Linear);
    let mut plot = Plot::new(axis(), axis());
    plot.line((0.0, 0.0), (1.0, 0.0), "#999999");
    plot.finish(&format!("{caption}: no value"))
}

/// Points with the line on which both are equal; both by factors.
pub(super) fn scatter(caption: &str, points: &[(f64, f64)]) -> String {
    let axis = Axis::of(points.iter().flat_map(|(x, y)| [*x, *y]), Scale::Log);
    let mut plot = Plot::new(axis, axis);
    plot.line((axis.low, axis.low), (axis.high, axis.high), "#555555");
    for point in points {
        plot.dot(*point, 1.3, COLOURS[0], 0.3);
    }
    plot.finish(caption)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_a_bar_or_counted_beyond() {
        let mut values: Vec<f64> = (0..1000).map(f64::from).collect();
        values.push(1e9);
        let drawn = histogram("area", &values, Scale::Linear);
        let bars = drawn.split("<title>").skip(1);
        let counts = bars.filter_map(|bar| bar.split('<').next()?.parse::<usize>().ok());
        let inside: usize = counts.sum();
        let beyond = 1001 - inside;
        assert!(drawn.contains(&format!("{beyond} beyond")), "{beyond}");
        assert!((1..20).contains(&beyond), "{beyond}");
    }

    #[test]
    fn nothing_one_value_and_what_is_no_number_can_be_drawn() {
        for values in [vec![], vec![3.0; 5], vec![f64::NAN], vec![0.0]] {
            for scale in [Scale::Linear, Scale::Time] {
                let drawn = histogram("x", &values, scale);
                assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
            }
        }
        assert!(!scatter("x", &[]).contains("NaN"));
        assert!(!scatter("x", &[(2.0, 2.0)]).contains("NaN"));
    }
}
