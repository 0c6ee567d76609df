//! The best split of a leaf: where the squared error, with a penalty on leaf values, falls most
//! (Chen & Guestrin 2016, XGBoost, equation 7).

use lanes::Sides;

use super::bins::{BINS, Column};
use super::histogram::{Sums, coarse, count, units};
use super::monotone::Bound;
use super::tree::Names;
use crate::rng::mix;

/// Names on the side of a split that is listed, at most.
const MOST_NAMES: usize = 32;
/// Rows that each name's mean is drawn to the others' by before names are ordered, and the
/// additional penalty of splits between names: few rows say little (LightGBM's `cat_smooth` and
/// `cat_l2`).
const NAME_SMOOTHING: f64 = 10.0;

/// Where few rows say little: rows of a name that is listed, and rows between two lists that are considered
/// (LightGBM's `min_data_per_group`).
const LEAST_NAME_ROWS: f64 = 10.0;
const LEAST_STEP_ROWS: f64 = 100.0;

/// What leaves must be like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Rows of a leaf at least.
    pub(super) leaf_rows: f64,
    /// L2 penalty of a leaf's value.
    pub(super) penalty: f64,
    /// Whether names and lists of names must have rows enough.
    pub(super) few_say_little: bool,
    /// Rng one cut a column, of numbers, rather than looking at all.
    pub(super) drawn: Option<u64>,
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
pub(super) struct Candidate {
    /// Squared error taken away, in squared units.
    pub(super) gain: f64,
    /// Index among the columns looked at.
    pub(super) column: usize,
    pub(super) cut: Cut,
    pub(super) unknown_left: bool,
    /// Packed sum of what goes left.
    pub(super) left: i64,
}

impl Candidate {
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
    bound: Option<Bound>,
    gains: &mut Gains,
) -> Option<Candidate> {
    let mut best: Option<Candidate> = None;
    for (index, (sums, column)) in histogram.iter().zip(columns).enumerate() {
        let mut search = Search {
            sums,
            total,
            limits,
            index,
            bound: bound.filter(|bound| !bound.is_free(index)),
            best: &mut best,
            gains,
        };
        match (column.named, limits.drawn) {
            (true, _) => search.names(),
            (false, None) if search.bound.is_some() => search.bound_numbers(column.bins()),
            (false, None) => search.numbers(column.bins()),
            (false, Some(drawn)) => search.drawn(column.bins(), drawn),
        }
    }
    let floor = match bound {
        None => worth(total, limits.penalty),
        Some(bound) => bound.worth(total),
    };
    best.and_then(|found| {
        let gain = found.gain - floor;
        (gain > floor.abs() * 1e-12 + 1e-9).then_some(Candidate { gain, ..found })
    })
}

struct Search<'a> {
    sums: &'a Sums,
    total: i64,
    limits: Limits,
    index: usize,
    /// What binds it, if anything.
    bound: Option<Bound<'a>>,
    /// Its gain is not yet less the leaf's own.
    best: &'a mut Option<Candidate>,
    /// Room.
    gains: &'a mut Gains,
}

impl Search<'_> {
    #[inline]
    fn consider(&mut self, left: i64, penalty: f64, unknown_left: bool, cut: impl Fn() -> Cut) {
        let right = self.total - left;
        let least = self.limits.leaf_rows;
        if count(left) < least || count(right) < least {
            return;
        }
        let gain = match self.bound {
            None => worth(left, penalty) + worth(right, penalty),
            Some(bound) => match bound.gain(self.index, left, right, penalty) {
                Some(gain) => gain,
                None => return,
            },
        };
        // The first of equals.
        if self.best.is_none_or(|best| gain > best.gain) {
            *self.best = Some(Candidate {
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
        self.gains.clear(bins, unknown != 0);
        self.gains
            .add(self.sums, bins, self.total, self.limits, unknown != 0);
        for unknown_left in [false, true] {
            if unknown_left && unknown == 0 {
                continue;
            }
            let gains = match unknown_left {
                false => &self.gains.unknown_right,
                true => &self.gains.unknown_left,
            };
            let Some(bin) = greatest(&gains[..bins], f32::NEG_INFINITY) else {
                continue;
            };
            let known: i64 = self.sums[1..=bin].iter().sum();
            let left = if unknown_left { known + unknown } else { known };
            // Gaps that training did not have go with the many.
            let majority = unknown == 0 && 2.0 * count(left) >= count(self.total);
            // Gains in `f32` chose the bin; what it gains is reported exactly.
            self.consider(left, self.limits.penalty, unknown_left || majority, || {
                Cut::After(bin as u8)
            });
        }
    }

    /// The same where not every cut may be made, one after the other.
    fn bound_numbers(&mut self, bins: usize) {
        let unknown = self.sums[0];
        for unknown_left in [false, true] {
            if unknown_left && unknown == 0 {
                continue;
            }
            let mut left = if unknown_left { unknown } else { 0 };
            for bin in 1..bins {
                left += self.sums[bin];
                let majority = unknown == 0 && 2.0 * count(left) >= count(self.total);
                self.consider(left, self.limits.penalty, unknown_left || majority, || {
                    Cut::After(bin as u8)
                });
            }
        }
    }

    /// One cut between the least and the greatest number there are.
    fn drawn(&mut self, bins: usize, drawn: u64) {
        let mut taken = (1..=bins.min(BINS - 1)).filter(|bin| self.sums[*bin] != 0);
        let (Some(first), Some(last)) = (taken.next(), taken.next_back()) else {
            return;
        };
        // The leaf's own sum distinguishes it from the tree's others.
        let number = mix(drawn ^ mix(self.total as u64 ^ mix(self.index as u64)));
        let bin = first + (number % (last - first) as u64) as usize;
        let unknown = self.sums[0];
        let known: i64 = self.sums[1..=bin].iter().sum();
        let majority = unknown == 0 && 2.0 * count(known) >= count(self.total);
        let cut = || Cut::After(bin as u8);
        self.consider(known, self.limits.penalty, majority, cut);
        if unknown != 0 {
            self.consider(known + unknown, self.limits.penalty, true, cut);
        }
    }

    /// Names in the order of their means: the best of all sets is a range of it (Fisher 1958, On
    /// Grouping for Maximum Homogeneity), and short ranges at both ends are tried.
    fn names(&mut self) {
        let (least_name, least_step, smoothing) = match self.limits.few_say_little {
            true => (LEAST_NAME_ROWS, LEAST_STEP_ROWS, 2.0 * NAME_SMOOTHING),
            false => (0.0, 0.0, NAME_SMOOTHING),
        };
        let penalty = self.limits.penalty + NAME_SMOOTHING;
        let mean = |bin: usize| {
            let sum_of_bin = self.sums[bin];
            units(sum_of_bin) / (count(sum_of_bin) + smoothing)
        };
        let taken =
            (1..BINS).filter(|bin| self.sums[*bin] != 0 && count(self.sums[*bin]) >= least_name);
        let mut order: Vec<(f64, usize)> = taken.map(|bin| (mean(bin), bin)).collect();
        order.sort_unstable_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        let order: Vec<usize> = order.into_iter().map(|(_, bin)| bin).collect();
        let taken_names = (1..BINS).filter(|bin| self.sums[*bin] != 0).count();
        let ends: [Vec<usize>; 2] = [
            order.iter().rev().take(MOST_NAMES).copied().collect(),
            order.iter().take(MOST_NAMES).copied().collect(),
        ];
        for end in ends {
            let (mut right, mut names) = (0, Names::default());
            let mut considered = 0.0;
            // Where names are left out, all that are listed still leave some to the other side.
            let most = match order.len() < taken_names {
                true => order.len(),
                false => order.len().saturating_sub(1),
            };
            for bin in end.iter().take(most) {
                right += self.sums[*bin];
                names[(bin - 1) / 64] |= 1 << ((bin - 1) % 64);
                let enough = count(right) >= considered + least_step
                    && count(self.total - right) >= least_step;
                if !enough {
                    continue;
                }
                considered = count(right);
                self.consider(self.total - right, penalty, true, || Cut::Among(names));
            }
        }
    }
}

/// What a cut after each bin gains, by where the unknown goes. Bin 0 ends no cut.
///
/// In `f32` and [`coarse`](super::histogram::coarse) units, and without a branch: many bins at once.
#[derive(Debug)]
pub(super) struct Gains {
    pub(super) unknown_right: [f32; BINS],
    pub(super) unknown_left: [f32; BINS],
    /// Room: residuals and rows up to each bin.
    lefts: [i32; BINS],
    counts: [i32; BINS],
}

impl Default for Gains {
    fn default() -> Gains {
        Gains {
            unknown_right: [0.0; BINS],
            unknown_left: [0.0; BINS],
            lefts: [0; BINS],
            counts: [0; BINS],
        }
    }
}

impl Gains {
    /// Forgets the gains of a column's bins; those of both ways where there are `gaps`.
    pub(super) fn clear(&mut self, bins: usize, gaps: bool) {
        self.unknown_right[..bins].fill(0.0);
        if gaps {
            self.unknown_left[..bins].fill(0.0);
        }
    }

    /// Adds what a leaf of this sum gains; nothing is as bad as too few rows on a side. `gaps` says
    /// whether unknown values are to be sent both ways.
    pub(super) fn add(&mut self, sums: &Sums, bins: usize, total: i64, limits: Limits, gaps: bool) {
        let Gains {
            unknown_right,
            unknown_left,
            lefts,
            counts,
        } = self;
        let ways = [(0, unknown_right), (sums[0], unknown_left)];
        for (start, gains) in ways.into_iter().take(1 + usize::from(gaps)) {
            let (lefts, counts) = (&mut lefts[1..bins], &mut counts[1..bins]);
            // One after the other, and what follows from them side by side.
            let mut left = start;
            for ((place, count), sum) in lefts.iter_mut().zip(&mut *counts).zip(&sums[1..bins]) {
                left += sum;
                (*place, *count) = coarse(left);
            }
            let (sum, rows) = coarse(total);
            let sides = Sides {
                sum: sum as f32,
                rows: rows as f32,
                penalty: (limits.penalty as f32).max(f32::MIN_POSITIVE),
                least: limits.leaf_rows as f32,
            };
            lanes::add_gains(lefts, counts, sides, &mut gains[1..bins]);
        }
    }
}

/// The first bin of the greatest gain beyond `floor`; bin 0 ends no cut.
pub(super) fn greatest(gains: &[f32], floor: f32) -> Option<usize> {
    let most = lanes::greatest(&gains[1..], floor);
    match most > floor {
        true => gains[1..]
            .iter()
            .position(|gain| *gain == most)
            .map(|at| at + 1),
        false => None,
    }
}
