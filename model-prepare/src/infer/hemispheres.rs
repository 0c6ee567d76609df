//! Coordinates with the letter of their hemisphere: `37.2N`, `3.7° W`.

use std::collections::BTreeMap;

use records::measure::shape;

use super::column::{Cell, Column};
use super::name_words::{is_latitude, is_longitude};

/// What each ending of a column's coordinates multiplies them by, as `scale` takes it: 1 in the north and the east,
/// -1 in the south and the west. `None` where none has an ending, where an ending says something else, and where
/// a number has its sign already.
pub(super) fn of(column: &Column) -> Option<BTreeMap<String, f64>> {
    let (positive, negative) = if is_latitude(&column.name) {
        (["N", "NORTH"], ["S", "SOUTH"])
    } else if is_longitude(&column.name) {
        (["E", "EAST"], ["W", "WEST"])
    } else {
        return None;
    };
    let mut endings = BTreeMap::new();
    for Cell { text, .. } in column.values() {
        let Some((_, before, after)) = shape(text) else {
            continue;
        };
        if after.is_empty() {
            continue;
        }
        let letters = after.trim_start_matches(['°', 'º', ' ']).to_uppercase();
        let factor = match &letters.as_str() {
            letters if positive.contains(letters) => 1.0,
            letters if negative.contains(letters) => -1.0,
            _ => return None,
        };
        if !before.is_empty() || text.trim().starts_with(['-', '−']) {
            return None;
        }
        endings.insert(after.to_owned(), factor);
    }
    (!endings.is_empty()).then_some(endings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_hemispheres_are_signs() {
        type Case = (
            &'static str,
            &'static [&'static str],
            Option<&'static [(&'static str, f64)]>,
        );
        let cases: [Case; 6] = [
            (
                "lon",
                &["37.2W", "3.5E", "4"],
                Some(&[("E", 1.0), ("W", -1.0)]),
            ),
            (
                "lat",
                &["37.2° N", "38.1° S"],
                Some(&[("° N", 1.0), ("° S", -1.0)]),
            ),
            ("latitude", &["37.2 north"], Some(&[("north", 1.0)])),
            ("lon", &["-37.2W"], None),
            ("lon", &["37.2 km"], None),
            ("width", &["37.2W"], None),
        ];
        for (name, cells, expected) in cases {
            let mut column = Column::new(name, 0);
            for (line, cell) in cells.iter().enumerate() {
                column.add(cell, line as u64 + 2);
            }
            let expected = expected.map(|pairs| {
                let pairs = pairs.iter().map(|(word, by)| ((*word).to_owned(), *by));
                pairs.collect::<BTreeMap<String, f64>>()
            });
            assert_eq!(of(&column), expected, "{name} {cells:?}");
        }
    }
}
