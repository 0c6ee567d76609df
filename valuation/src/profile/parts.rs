//! How the values of a field are parted to be counted: numbers at their deciles, names one by one.

use serde::{Deserialize, Serialize};

use super::levels::Levels;
use crate::cells::Cells;
use crate::part_error::PartError;

/// Parts of numbers: deciles, the custom of the population stability index (Siddiqi 2006).
const NUMBER_PARTS: usize = 10;
/// Names with a part of their own at most; the others share one.
const MOST_LEVELS: usize = 50;

/// The parts of a field's values; one more is for rows without a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Parts {
    /// By the last value of each part but the last, which has no end. Times are days since 1970.
    Numbers(Vec<f64>),
    /// By these names, in alphabetical order; every other name is of one part.
    Levels(Levels),
}

impl Parts {
    /// Of the rows' cells.
    pub(super) fn of(cells: &Cells, rows: &[usize]) -> Parts {
        match cells {
            Cells::Text(_) => {
                let mut names: Vec<&str> = rows.iter().filter_map(|row| cells.text(*row)).collect();
                names.sort_unstable();
                let mut runs: Vec<(&str, usize)> = names
                    .chunk_by(|one, other| one == other)
                    .map(|run| (run[0], run.len()))
                    .collect();
                // Stable: names as frequent as each other stay in alphabetical order.
                runs.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
                runs.truncate(MOST_LEVELS);
                let mut levels: Vec<String> =
                    runs.into_iter().map(|(name, _)| name.to_owned()).collect();
                levels.sort_unstable();
                Parts::Levels(levels.into())
            }
            // No is 0, yes is 1.
            Cells::Boolean(_) => Parts::Numbers(vec![0.0]),
            _ => Parts::numbers(rows.iter().filter_map(|row| cells.number(*row)).collect()),
        }
    }

    /// Deciles of these finite values; those that are equal are one.
    pub(super) fn numbers(mut values: Vec<f64>) -> Parts {
        values.sort_unstable_by(f64::total_cmp);
        let (Some(low), Some(high)) = (values.first().copied(), values.last().copied()) else {
            return Parts::Numbers(Vec::new());
        };
        if low == high {
            // What is below the only value is to be seen too.
            return Parts::Numbers(vec![low.next_down(), low]);
        }
        let decile = |part: usize| values[(part * values.len() / NUMBER_PARTS).max(1) - 1];
        let mut ends: Vec<f64> = (1..NUMBER_PARTS).map(decile).collect();
        ends.dedup();
        Parts::Numbers(ends)
    }

    /// How many parts there are, that of rows without a value included.
    pub(super) fn count(&self) -> usize {
        2 + match self {
            Parts::Numbers(ends) => ends.len(),
            Parts::Levels(levels) => levels.len(),
        }
    }

    /// The part of a row.
    pub(super) fn place(&self, cells: &Cells, row: usize) -> usize {
        match self {
            Parts::Numbers(_) => self.place_number(cells.number(row)),
            Parts::Levels(levels) => match cells.text(row) {
                None => levels.len() + 1,
                Some(name) => levels.place(name).unwrap_or(levels.len()),
            },
        }
    }

    /// The part of a number; `None` is not known, and neither is NaN.
    pub(super) fn place_number(&self, value: Option<f64>) -> usize {
        match (self, value.filter(|value| !value.is_nan())) {
            (Parts::Numbers(ends), Some(value)) => ends.partition_point(|end| *end < value),
            _ => self.count() - 1,
        }
    }

    /// Whether what was read can be searched.
    pub(super) fn check(&self) -> Result<(), PartError> {
        let rising = match self {
            Parts::Numbers(ends) => {
                ends.iter().all(|end| end.is_finite()) && ends.windows(2).all(|two| two[0] < two[1])
            }
            Parts::Levels(levels) => levels.names().windows(2).all(|two| two[0] < two[1]),
        };
        match rising {
            true => Ok(()),
            false => Err(PartError::misfit("parts that do not rise")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::StringArray;

    #[test]
    fn numbers_are_parted_at_their_deciles_and_equal_ones_are_one() {
        let ends = |values: Vec<f64>| match Parts::numbers(values) {
            Parts::Numbers(ends) => ends,
            Parts::Levels(_) => unreachable!(),
        };
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(
            ends(hundred.clone()),
            [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0]
        );
        let parts = Parts::numbers(hundred);
        for (value, place) in [
            (-5.0, 0),
            (10.0, 0),
            (10.5, 1),
            (90.0, 8),
            (91.0, 9),
            (1e9, 9),
        ] {
            assert_eq!(parts.place_number(Some(value)), place, "{value}");
        }
        assert_eq!(parts.place_number(None), 10);
        assert_eq!(parts.place_number(Some(f64::NAN)), 10);
        assert_eq!(parts.count(), 11);
        // Rooms: most have 2.
        let rooms = [1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 3.0, 3.0, 4.0];
        assert_eq!(ends(rooms.to_vec()), [1.0, 2.0, 3.0]);
        let only = Parts::numbers(vec![7.0; 20]);
        let places = [6.0, 7.0, 8.0].map(|value| only.place_number(Some(value)));
        assert_eq!(places, [0, 1, 2]);
        assert_eq!(Parts::numbers(Vec::new()).count(), 2);
    }

    #[test]
    fn frequent_names_have_a_part_each_and_the_others_share_one() {
        let names: Vec<String> = (0..60)
            .flat_map(|name| vec![format!("n{name:02}"); if name < 50 { 3 } else { 2 }])
            .collect();
        let names = StringArray::from_iter_values(names);
        let rows: Vec<usize> = (0..170).collect();
        let parts = Parts::of(&Cells::Text(&names), &rows);
        assert_eq!(parts.count(), 52);
        let asked = StringArray::from(vec![
            Some("n00"),
            Some("n49"),
            Some("n50"),
            Some("new"),
            None,
        ]);
        let places: Vec<usize> = (0..5)
            .map(|row| parts.place(&Cells::Text(&asked), row))
            .collect();
        assert_eq!(places, [0, 49, 50, 50, 51]);
        // A column that is not there.
        assert_eq!(parts.place(&Cells::Absent, 0), 51);
        // In a file, and where a profile's id is made of it, it is a list.
        let two = Parts::Levels(vec!["a".to_owned(), "b".to_owned()].into());
        assert_eq!(format!("{two:?}"), r#"Levels(["a", "b"])"#);
        let written = serde_json::to_string(&two).unwrap();
        assert_eq!(written, r#"{"levels":["a","b"]}"#);
        assert_eq!(serde_json::from_str::<Parts>(&written).unwrap(), two);
        parts.check().unwrap();
        let mixed = Parts::Numbers(vec![2.0, 1.0]);
        assert_eq!(
            mixed.check().unwrap_err().to_string(),
            "parts that do not rise"
        );
    }
}
