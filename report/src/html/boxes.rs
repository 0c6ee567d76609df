//! Box plots: how values are in groups, beside each other (Tukey 1977, Exploratory Data Analysis).

use super::axis::{Axis, Scale};
use super::plot::{COLOURS, Plot};

/// Whiskers reach as far as this many boxes.
const REACH: f64 = 1.5;

/// What is drawn of a group.
#[derive(Debug, PartialEq)]
struct Summary {
    low: f64,
    quarter: f64,
    median: f64,
    three_quarters: f64,
    high: f64,
}

/// Of sorted values; `None` for none.
fn summary(sorted: &[f64]) -> Option<Summary> {
    let last = sorted.len().checked_sub(1)?;
    // Between neighbours by their distance, as NumPy's default does.
    let at = |share: f64| {
        let place = last as f64 * share;
        let (below, above) = (place.floor() as usize, place.ceil() as usize);
        sorted[below] + (place - place.floor()) * (sorted[above] - sorted[below])
    };
    let (quarter, three_quarters) = (at(0.25), at(0.75));
    let reach = REACH * (three_quarters - quarter);
    let mut within = sorted
        .iter()
        .filter(|value| (quarter - reach..=three_quarters + reach).contains(*value));
    let low = *within.next()?;
    Some(Summary {
        low,
        quarter,
        median: at(0.5),
        three_quarters,
        high: within.next_back().copied().unwrap_or(low),
    })
}

/// A box a group; values beyond the whiskers are left out, and counted.
pub(super) fn boxes(caption: &str, names: &[&str], groups: &[Vec<f64>]) -> String {
    let mut beyond = 0;
    let drawn: Vec<Option<Summary>> = groups
        .iter()
        .map(|values| {
            let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
            sorted.sort_by(f64::total_cmp);
            let found = summary(&sorted)?;
            let inside = |value: &&f64| (found.low..=found.high).contains(*value);
            beyond += sorted.len() - sorted.iter().filter(inside).count();
            Some(found)
        })
        .collect();
    let ends = drawn
        .iter()
        .flatten()
        .flat_map(|drawn_box| [drawn_box.low, drawn_box.high]);
    let x = Axis::of([0.5, groups.len() as f64 + 0.5].into_iter(), Scale::Linear);
    let mut plot = Plot::without_names(x, Axis::of(ends, Scale::Linear));
    for (position, (name, found)) in names.iter().zip(&drawn).enumerate() {
        let at = position as f64 + 1.0;
        plot.name_x(at, name);
        if let Some(found) = found {
            let colour = COLOURS[position % COLOURS.len()];
            plot.line((at, found.low), (at, found.high), colour);
            plot.area(
                (at - 0.2, found.quarter),
                (at + 0.2, found.three_quarters),
                colour,
            );
            plot.line(
                (at - 0.2, found.median),
                (at + 0.2, found.median),
                "#1b2330",
            );
        }
    }
    plot.finish(&match beyond {
        0 => caption.to_owned(),
        beyond => format!("{caption}; {beyond} beyond the whiskers"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_numpys_and_whiskers_end_at_values() {
        let mut values: Vec<f64> = (1..=10).map(f64::from).collect();
        values.push(100.0);
        // numpy.quantile([1, …, 10, 100], [0.25, 0.5, 0.75]).
        let expected = Summary {
            low: 1.0,
            quarter: 3.5,
            median: 6.0,
            three_quarters: 8.5,
            high: 10.0,
        };
        assert_eq!(summary(&values), Some(expected));
        assert_eq!(summary(&[]), None);
        let drawn = boxes("alcohol", &["good", "others"], &[values, Vec::new()]);
        assert!(
            drawn.contains("1 beyond the whiskers") && !drawn.contains("NaN"),
            "{drawn}"
        );
    }
}
