//! Trees that never contradict what is known of a column: as it grows, the value of a row never falls, or
//! never rises (as XGBoost and LightGBM's basic method do).
//!
//! A split on such a column must have its children's values in order, and whatever is grown below the one
//! child stays on its side of the middle between the two: two rows that differ in the column alone part at a
//! split on it, or end in the same leaf.

use super::packed::{COARSE, count, units};

/// Which way values go as a column grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Direction {
    /// Any.
    #[default]
    Free,
    /// They never fall.
    Increasing,
    /// They never rise.
    Decreasing,
    /// Unknown although it depends on a field that has one: no tree may split on it.
    Unusable,
}

impl Direction {
    /// A slope that goes this way, or none.
    pub(crate) fn hold(self, slope: f64) -> f64 {
        match self {
            Direction::Increasing => slope.max(0.0),
            Direction::Decreasing => slope.min(0.0),
            Direction::Free | Direction::Unusable => slope,
        }
    }
}

/// The least and the greatest mean that a leaf may have, in the units of packed sums.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Bounds {
    pub(super) const NONE: Bounds = Bounds {
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
    };

    fn hold(self, mean: f64) -> f64 {
        mean.clamp(self.low, self.high)
    }
}

/// What binds the split of one leaf.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound<'a> {
    /// By column looked at.
    pub(super) directions: &'a [Direction],
    /// Of the leaf.
    pub(super) bounds: Bounds,
    /// L2 penalty of a leaf's value.
    pub(super) penalty: f64,
}

impl Bound<'_> {
    /// Whether nothing binds a split on this column.
    pub(super) fn is_free(&self, column: usize) -> bool {
        self.bounds == Bounds::NONE && self.directions[column] == Direction::Free
    }

    /// Squared error that a leaf of this packed sum takes away within the bounds, in squared units.
    pub(super) fn worth(&self, packed: i64) -> f64 {
        self.worth_at(packed, self.mean(packed))
    }

    /// What a split of this column gains, the leaf's own worth included; none where its children would be out
    /// of order. `penalty` is the column's.
    pub(super) fn gain(&self, column: usize, left: i64, right: i64, penalty: f64) -> Option<f64> {
        let of_column = Bound { penalty, ..*self };
        let (low, high) = (of_column.mean(left), of_column.mean(right));
        let gain = of_column.worth_at(left, low) + of_column.worth_at(right, high);
        is_in_order(self.directions[column], low, high).then_some(gain)
    }

    /// Adds to `gains` what each cut of a column gains in this leaf, by bin, the unknown on the right and on the
    /// left; where its children would be out of order, it stays as one.
    pub(super) fn add(
        &self,
        column: usize,
        sums: &[i64],
        total: i64,
        gaps: bool,
        gains: [&mut [f32]; 2],
    ) {
        let whole = self.worth(total);
        let ways = [0, sums[0]].into_iter().zip(gains);
        for (start, gains) in ways.take(1 + usize::from(gaps)) {
            for (gain, sum) in gains[1..sums.len()].iter_mut().zip(&sums[1..]) {
                let left = start + sum;
                let parts = self.gain(column, left, total - left, self.penalty);
                *gain += (parts.unwrap_or(whole) / (COARSE * COARSE)) as f32;
            }
        }
    }

    /// The bounds of both children of a split on this column.
    pub(super) fn below(&self, column: usize, left: i64, right: i64) -> [Bounds; 2] {
        let direction = self.directions[column];
        let (of_left, of_right) = (self.mean(left), self.mean(right));
        let middle = match is_in_order(direction, of_left, of_right) {
            true => of_left + (of_right - of_left) / 2.0,
            false => self.mean(left + right),
        };
        let Bounds { low, high } = self.bounds;
        let (beneath, above) = (Bounds { low, high: middle }, Bounds { low: middle, high });
        match direction {
            Direction::Increasing => [beneath, above],
            Direction::Decreasing => [above, beneath],
            Direction::Free | Direction::Unusable => [self.bounds; 2],
        }
    }

    /// The mean of a leaf of this packed sum within the bounds.
    fn mean(&self, packed: i64) -> f64 {
        let weight = (count(packed) + self.penalty).max(f64::MIN_POSITIVE);
        self.bounds.hold(units(packed) / weight)
    }

    /// Squared error that a leaf takes away whose mean is this.
    fn worth_at(&self, packed: i64, mean: f64) -> f64 {
        2.0 * units(packed) * mean - (count(packed) + self.penalty) * mean * mean
    }
}

fn is_in_order(direction: Direction, left: f64, right: f64) -> bool {
    match direction {
        Direction::Increasing => left <= right,
        Direction::Decreasing => left >= right,
        Direction::Free | Direction::Unusable => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Boosted, BoostedOptions, ForestOptions, Growth, Names, Table};
    use super::*;
    use crate::progress::Running;
    use crate::rng::Rng;
    use crate::tree_features::Level;

    const NAME: Level = Level {
        mean: 3,
        count: 4,
        code: 2,
        residual: None,
        numbered: true,
        within: false,
    };

    /// Two numbers, of which the first raises the target but for a stretch where it seems to lower it, and a
    /// name with its mean and count; some numbers are not known.
    fn made(rows: usize) -> (Vec<f32>, Vec<f64>) {
        let mut rng = Rng::new(3);
        let (mut values, mut targets) = (Vec::new(), Vec::new());
        for _ in 0..rows {
            let (one, two, name) = (rng.below(100), rng.below(100), rng.below(12));
            let known = rng.below(12) > 0;
            let dip = if (40..60).contains(&one) { 2.0 } else { 0.0 };
            let noise = rng.below(100) as f64 / 50.0;
            targets.push(one as f64 / 25.0 - dip + two as f64 / 60.0 + (name % 4) as f64 + noise);
            values.extend([
                if known { one as f32 } else { f32::NAN },
                two as f32,
                name as f32,
                (name % 4) as f32,
                1.0,
            ]);
        }
        (values, targets)
    }

    fn table(first: Direction) -> Table {
        let (values, targets) = made(2000);
        let table = Table::new(values, &[NAME], targets).expect("small");
        let mut directions = vec![Direction::Free; 5];
        directions[0] = first;
        table.along(directions)
    }

    /// How far the value of a row falls at most as its first number grows.
    fn falls(boosted: &Boosted) -> f64 {
        let mut most = 0.0_f64;
        for (two, name) in [(0.0, 0.0), (30.0, 5.0), (77.0, 11.0), (99.0, 2.0)] {
            let row = |one: i32| [one as f32, two, name, name % 4.0, 1.0];
            let values: Vec<f32> = (-5..110).flat_map(row).collect();
            let found = Boosted::rows(&[boosted], &values).remove(0);
            for pair in found.windows(2) {
                most = most.max(pair[0] - pair[1]);
            }
        }
        most
    }

    fn options(growth: Growth, names: Option<Names>) -> BoostedOptions {
        BoostedOptions {
            growth,
            rounds: 60,
            rate: 0.2,
            leaves: 24,
            depth: 6,
            leaf_rows: 3.0,
            row_share: 0.8,
            column_share: 1.0,
            penalty: 1.0,
            trusted: 0.9,
            patience: 0,
            names,
            neighbours: None,
            fits_size: false,
        }
    }

    #[test]
    fn no_tree_contradicts_a_direction_and_without_one_they_follow_the_rows() {
        let ways = [
            (Growth::LeafWise, None),
            (Growth::LeafWise, Some(Names::LimitedSets)),
            (Growth::LeafWise, Some(Names::Codes)),
            (Growth::Symmetric, None),
            (Growth::Symmetric, Some(Names::Codes)),
        ];
        for (growth, names) in ways {
            let options = options(growth, names);
            let fit = |table: &Table| Boosted::fit(table, &options, 60, 7).expect("fits");
            let free = fit(&table(Direction::Free));
            assert!(falls(&free) > 0.5, "{growth:?} {names:?}");
            let rising = table(Direction::Increasing);
            let bound = fit(&rising);
            assert_eq!(falls(&bound), 0.0, "{growth:?} {names:?}");
            // It still learns: far less is left than around the mean.
            let targets = rising.targets();
            let mean = targets.iter().sum::<f64>() / targets.len() as f64;
            let predicted = Boosted::rows(&[&bound], rising.values()).remove(0);
            let off = |value: &dyn Fn(usize) -> f64| -> f64 {
                let rows = targets.iter().enumerate();
                rows.map(|(row, target)| (target - value(row)).powi(2))
                    .sum()
            };
            let (left, all) = (off(&|row| predicted[row]), off(&|_| mean));
            assert!(left < 0.5 * all, "{growth:?} {names:?}: {left} of {all}");
            // The same bits again.
            assert_eq!(bound, fit(&rising));
        }
    }

    #[test]
    fn falling_is_the_mirror_of_rising_and_what_is_unusable_is_never_split_on() {
        let options = options(Growth::LeafWise, None);
        let falling = Boosted::fit(&table(Direction::Decreasing), &options, 60, 7).expect("fits");
        let rises = |one: f32, other: f32| {
            let value = |one| Boosted::rows(&[&falling], &[one, 50.0, 1.0, 1.0, 1.0])[0][0];
            value(other) - value(one)
        };
        for one in 0..99 {
            assert!(rises(one as f32, (one + 1) as f32) <= 0.0, "{one}");
        }
        let unusable = Boosted::fit(&table(Direction::Unusable), &options, 60, 7).expect("fits");
        assert_eq!(unusable.importance()[0], 0.0);
        assert!(unusable.importance()[1] > 0.0);
    }

    #[test]
    fn forests_of_drawn_cuts_hold_to_it_too() {
        for drawn_cuts in [false, true] {
            let options = ForestOptions {
                trees: 30,
                leaves: 200,
                leaf_rows: 2.0,
                row_share: 0.7,
                column_share: 1.0,
                drawn_cuts,
            };
            let forest = |first| {
                Boosted::forest_watched(&table(first), &options, 5, &Running::none()).expect("fits")
            };
            assert!(falls(&forest(Direction::Free)) > 0.1, "{drawn_cuts}");
            assert_eq!(falls(&forest(Direction::Increasing)), 0.0, "{drawn_cuts}");
        }
    }

    #[test]
    fn values_are_held_within_the_bounds_and_parted_in_the_middle() {
        let packed = |sum: i64, rows: i64| (sum << 24) + rows;
        let bound = Bound {
            directions: &[Direction::Increasing, Direction::Free],
            bounds: Bounds {
                low: 0.0,
                high: 10.0,
            },
            penalty: 0.0,
        };
        let (left, right) = (packed(8, 4), packed(60, 4));
        // Means 2 and 15, the second held to 10: 2·60·10 − 4·100, beside 8²/4.
        assert_eq!(bound.gain(0, left, right, 0.0), Some(16.0 + 800.0));
        assert_eq!(bound.gain(0, right, left, 0.0), None);
        assert_eq!(bound.gain(1, right, left, 0.0), Some(816.0));
        let halves = bound.below(0, left, right);
        assert_eq!((halves[0].low, halves[0].high), (0.0, 6.0));
        assert_eq!((halves[1].low, halves[1].high), (6.0, 10.0));
        assert_eq!(bound.below(1, left, right), [bound.bounds; 2]);
        // Out of order, as in a leaf of a level: both at what they are together, 8.5.
        assert_eq!(bound.below(0, right, left)[0].high, 8.5);
    }
}
