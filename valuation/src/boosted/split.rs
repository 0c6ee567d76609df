//! The best split of a leaf: where the squared error, with a penalty on leaf values, falls most
//! (Chen & Guestrin 2016, XGBoost, equation 7).

use super::bins::{BINS, Column};
use super::histogram::{COUNT_BITS, MOST_ROWS, Sums, count, units};
use super::tree::Names;

/// Names on the side of a split that is listed, at most.
const MOST_NAMES: usize = 32;
/// Rows that each name's mean is drawn to the others' by before names are ordered, and the
/// additional penalty of splits between names: few rows say little (LightGBM's `cat_smooth` and
/// `cat_l2`).
const NAME_SMOOTHING: f64 = 10.0;

/// What leaves must be like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Rows of a leaf at least.
    pub(super) leaf_rows: f64,
    /// L2 penalty of a leaf's value.
    pub(super) penalty: f64,
}

/// Where a column is split, by bins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cut {
    /// Bins up to this go left.
    After(u8),
    /// These names go right.
    Among(Names),
}

/// A split that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    /// Squared error taken away, in squared units.
    pub(super) gain: f64,
    /// Index among the columns looked at.
    pub(super) column: usize,
    pub(super) cut: Cut,
    pub(super) unknown_left: bool,
    /// Packed sum of what goes left.
    pub(super) left: i64,
}

impl Found {
    /// Whether a bin goes right.
    #[inline]
    pub(super) fn right(&self, code: u8) -> bool {
        if code == 0 {
            return !self.unknown_left;
        }
        match &self.cut {
            Cut::After(last) => code > *last,
            Cut::Among(names) => {
                let name = usize::from(code) - 1;
                names[name / 64] >> (name % 64) & 1 == 1
            }
        }
    }
}

/// Squared error that a leaf of this packed sum takes away, in squared units.
#[inline]
pub(super) fn worth(packed: i64, penalty: f64) -> f64 {
    let sum = units(packed);
    // No rows are worth nothing, without a penalty too.
    sum * sum / (count(packed) + penalty).max(f64::MIN_POSITIVE)
}

/// The best split over all columns; none where nothing is gained.
pub(super) fn best(
    histogram: &[Sums],
    columns: &[&Column],
    total: i64,
    limits: Limits,
) -> Option<Found> {
    let mut best: Option<Found> = None;
    for (index, (sums, column)) in histogram.iter().zip(columns).enumerate() {
        let mut search = Search {
            sums,
            total,
            limits,
            index,
            best: &mut best,
        };
        match column.named {
            true => search.names(),
            false => search.numbers(column.bins()),
        }
    }
    let floor = worth(total, limits.penalty);
    best.and_then(|found| {
        let gain = found.gain - floor;
        (gain > floor.abs() * 1e-12 + 1e-9).then_some(Found { gain, ..found })
    })
}

struct Search<'a> {
    sums: &'a Sums,
    total: i64,
    limits: Limits,
    index: usize,
    /// Its gain is not yet less the leaf's own.
    best: &'a mut Option<Found>,
}

impl Search<'_> {
    #[inline]
    fn consider(&mut self, left: i64, penalty: f64, unknown_left: bool, cut: impl Fn() -> Cut) {
        let right = self.total - left;
        let least = self.limits.leaf_rows;
        if count(left) < least || count(right) < least {
            return;
        }
        let gain = worth(left, penalty) + worth(right, penalty);
        // The first of equals.
        if self.best.is_none_or(|best| gain > best.gain) {
            *self.best = Some(Found {
                gain,
                column: self.index,
                cut: cut(),
                unknown_left,
                left,
            });
        }
    }

    fn numbers(&mut self, bins: usize) {
        let unknown = self.sums[0];
        let mut gains: Gains = [[0.0; BINS]; 2];
        add_gains(self.sums, bins, self.total, self.limits, &mut gains);
        for (gains, unknown_left) in gains.iter().zip([false, true]) {
            if unknown_left && unknown == 0 {
                continue;
            }
            let Some(bin) = greatest(&gains[..bins], f32::NEG_INFINITY) else {
                continue;
            };
            let known: i64 = self.sums[1..=bin].iter().sum();
            let left = if unknown_left { known + unknown } else { known };
            // Gaps that training did not have go with the many.
            let majority = unknown == 0 && 2.0 * count(left) >= count(self.total);
            // Gains in `f32` chose the bin; what it gains is told exactly.
            self.consider(left, self.limits.penalty, unknown_left || majority, || {
                Cut::After(bin as u8)
            });
        }
    }

    /// Names in the order of their means: the best of all sets is a range of it (Fisher 1958, On
    /// Grouping for Maximum Homogeneity), and short ranges at both ends are tried.
    fn names(&mut self) {
        let penalty = self.limits.penalty + NAME_SMOOTHING;
        let mean = |bin: &usize| {
            let own = self.sums[*bin];
            units(own) / (count(own) + NAME_SMOOTHING)
        };
        let mut order: Vec<usize> = (1..BINS).filter(|bin| self.sums[*bin] != 0).collect();
        order.sort_by(|one, other| mean(one).total_cmp(&mean(other)).then(one.cmp(other)));
        let ends: [Vec<usize>; 2] = [
            order.iter().rev().take(MOST_NAMES).copied().collect(),
            order.iter().take(MOST_NAMES).copied().collect(),
        ];
        for end in ends {
            let (mut right, mut names) = (0, Names::default());
            for bin in end.iter().take(order.len().saturating_sub(1)) {
                right += self.sums[*bin];
                names[(bin - 1) / 64] |= 1 << ((bin - 1) % 64);
                self.consider(self.total - right, penalty, true, || Cut::Among(names));
            }
        }
    }
}

/// What a cut after each bin gains, by where the unknown goes (right first).
pub(super) type Gains = [[f32; BINS]; 2];

/// Adds to `gains` what a leaf of this sum gains by a cut after each bin; nothing is as bad as too
/// few rows on a side.
///
/// In `f32`, and the second pass without a branch: compilers make it four bins at once.
pub(super) fn add_gains(sums: &Sums, bins: usize, total: i64, limits: Limits, gains: &mut Gains) {
    let (mut lefts, mut counts) = ([0.0_f32; BINS], [0.0_f32; BINS]);
    let (lefts, counts) = (&mut lefts[1..bins], &mut counts[1..bins]);
    let [right, left] = gains;
    gains_of(&sums[1..bins], 0, total, limits, lefts, counts);
    add(&mut right[1..bins], lefts);
    if sums[0] != 0 {
        gains_of(&sums[1..bins], sums[0], total, limits, lefts, counts);
    }
    // Where none is unknown, both ways are one.
    add(&mut left[1..bins], lefts);
}

/// What a cut after each bin gains where `start` goes left with the first; `counts` is room.
#[inline]
fn gains_of(
    sums: &[i64],
    start: i64,
    total: i64,
    limits: Limits,
    gains: &mut [f32],
    counts: &mut [f32],
) {
    let (all, rows) = (units(total) as f32, count(total) as f32);
    let penalty = (limits.penalty as f32).max(f32::MIN_POSITIVE);
    let least = limits.leaf_rows as f32;
    let mut left = start;
    for ((own, count), sum) in gains.iter_mut().zip(counts.iter_mut()).zip(sums) {
        left += sum;
        *own = (left >> COUNT_BITS) as f32;
        *count = (left & MOST_ROWS as i64) as i32 as f32;
    }
    for (own, count) in gains.iter_mut().zip(counts.iter()) {
        let (other, others) = (all - *own, rows - count);
        let gain = *own * *own / (count + penalty) + other * other / (others + penalty);
        let few = count.min(others) < least;
        *own = if few { f32::NEG_INFINITY } else { gain };
    }
}

fn add(sums: &mut [f32], values: &[f32]) {
    sums.iter_mut()
        .zip(values)
        .for_each(|(sum, value)| *sum += value);
}

/// The first bin of the greatest gain beyond `floor`; bin 0 ends no cut.
pub(super) fn greatest(gains: &[f32], floor: f32) -> Option<usize> {
    let most = gains[1..].iter().fold(floor, |most, gain| most.max(*gain));
    match most > floor {
        true => gains[1..]
            .iter()
            .position(|gain| *gain == most)
            .map(|at| at + 1),
        false => None,
    }
}
