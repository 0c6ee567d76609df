//! The best split of a leaf: where the squared error, with a penalty on leaf values, falls most
//! (Chen & Guestrin 2016, XGBoost, equation 7).

use lanes::Sides;

use super::bins::{BINS, Column};
use super::histogram::{Histogram, Shape};
use super::monotone::Bound;
use super::packed::{count, units};
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

/// The best split over all columns; none where nothing is gained. Columns that no part of the leaf can be split on
/// either are left out of the histogram for good.
pub(super) fn best(
    (histogram, shape): (&mut Histogram, &Shape),
    columns: &[&Column],
    total: i64,
    limits: Limits,
    bound: Option<Bound>,
    gains: &mut Gains,
) -> Option<Candidate> {
    let mut best: Option<Candidate> = None;
    histogram.visit(shape, |index, sums| {
        let mut search = Search {
            sums,
            total,
            limits,
            index,
            bound: bound.filter(|bound| !bound.is_free(index)),
            best: &mut best,
            gains: &mut *gains,
        };
        match (columns[index].named, limits.drawn) {
            (true, _) => {
                search.names();
                true
            }
            (false, None) if search.bound.is_some() => {
                search.bound_numbers();
                true
            }
            (false, None) => search.numbers(),
            (false, Some(drawn)) => search.drawn(drawn),
        }
    });
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
    /// As a histogram has them.
    sums: &'a [i64],
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

    /// Whether any cut leaves rows enough on both sides: where none does, none does in any part of the leaf.
    fn numbers(&mut self) -> bool {
        let (unknown, bins) = (self.sums[0], self.sums.len());
        self.gains.clear(bins, unknown != 0);
        self.gains
            .add(self.sums, self.total, self.limits, unknown != 0);
        let mut any = false;
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
            any = true;
            let known = self.sums[bin];
            let left = if unknown_left { known + unknown } else { known };
            // Gaps that training did not have go with the many.
            let majority = unknown == 0 && 2.0 * count(left) >= count(self.total);
            // Gains in `f32` chose the bin; what it gains is reported exactly.
            self.consider(left, self.limits.penalty, unknown_left || majority, || {
                Cut::After(bin as u8)
            });
        }
        any
    }

    /// The same where not every cut may be made, one after the other.
    fn bound_numbers(&mut self) {
        let unknown = self.sums[0];
        for unknown_left in [false, true] {
            if unknown_left && unknown == 0 {
                continue;
            }
            let more = if unknown_left { unknown } else { 0 };
            for bin in 1..self.sums.len() {
                let left = self.sums[bin] + more;
                let majority = unknown == 0 && 2.0 * count(left) >= count(self.total);
                self.consider(left, self.limits.penalty, unknown_left || majority, || {
                    Cut::After(bin as u8)
                });
            }
        }
    }

    /// One cut between the least and the greatest number there are; whether these are two.
    fn drawn(&mut self, drawn: u64) -> bool {
        let taken = |bin: &usize| self.sums[*bin] != if *bin > 1 { self.sums[bin - 1] } else { 0 };
        let mut taken = (1..self.sums.len()).filter(taken);
        let (Some(first), Some(last)) = (taken.next(), taken.next_back()) else {
            return false;
        };
        // The leaf's own sum distinguishes it from the tree's others.
        let number = mix(drawn ^ mix(self.total as u64 ^ mix(self.index as u64)));
        let bin = first + (number % (last - first) as u64) as usize;
        let (unknown, known) = (self.sums[0], self.sums[bin]);
        let majority = unknown == 0 && 2.0 * count(known) >= count(self.total);
        let cut = || Cut::After(bin as u8);
        self.consider(known, self.limits.penalty, majority, cut);
        if unknown != 0 {
            self.consider(known + unknown, self.limits.penalty, true, cut);
        }
        true
    }

    /// Names in the order of their means: the best of all sets is a range of it (Fisher 1958, On
    /// Grouping for Maximum Homogeneity), and short ranges at both ends are tried.
    fn names(&mut self) {
        let (least_name, least_step, smoothing) = match self.limits.few_say_little {
            true => (LEAST_NAME_ROWS, LEAST_STEP_ROWS, 2.0 * NAME_SMOOTHING),
            false => (0.0, 0.0, NAME_SMOOTHING),
        };
        let penalty = self.limits.penalty + NAME_SMOOTHING;
        let mean = |sum: i64| units(sum) / (count(sum) + smoothing);
        let mut order = std::mem::take(&mut self.gains.order);
        order.clear();
        let mut taken_names = 0;
        for (bin, sum) in self.sums.iter().enumerate().skip(1) {
            taken_names += usize::from(*sum != 0);
            if *sum != 0 && count(*sum) >= least_name {
                order.push((mean(*sum), bin));
            }
        }
        order.sort_unstable_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        // Where names are left out, all that are listed still leave some to the other side.
        let most = match order.len() < taken_names {
            true => order.len(),
            false => order.len().saturating_sub(1),
        };
        for from_greatest in [true, false] {
            let (mut right, mut names) = (0, Names::default());
            let mut considered = 0.0;
            for at in 0..most.min(MOST_NAMES) {
                let (_, bin) = match from_greatest {
                    true => order[order.len() - 1 - at],
                    false => order[at],
                };
                right += self.sums[bin];
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
        self.gains.order = order;
    }
}

/// What a cut after each bin gains, by where the unknown goes. Bin 0 ends no cut.
///
/// In `f32` and [`COARSE`](super::packed::COARSE) units, and without a branch: many bins at once.
#[derive(Debug)]
pub(super) struct Gains {
    pub(super) unknown_right: [f32; BINS],
    pub(super) unknown_left: [f32; BINS],
    /// Room: names and their means.
    order: Vec<(f64, usize)>,
}

impl Default for Gains {
    fn default() -> Gains {
        Gains {
            unknown_right: [0.0; BINS],
            unknown_left: [0.0; BINS],
            order: Vec::new(),
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

    /// What a leaf of this sum gains by a cut that leaves all its rows on one side, as [`Gains::add`] adds it.
    pub(super) fn of_one_side(total: i64, limits: Limits) -> f32 {
        let mut gain = [0.0];
        lanes::add_gains(&[0], 0, sides(total, limits), &mut gain);
        gain[0]
    }

    /// Adds the same to all cuts of a column.
    pub(super) fn add_to_all(&mut self, gain: f32, bins: usize, gaps: bool) {
        let ways = [&mut self.unknown_right, &mut self.unknown_left];
        for gains in ways.into_iter().take(1 + usize::from(gaps)) {
            gains[1..bins].iter_mut().for_each(|sum| *sum += gain);
        }
    }

    /// Adds what a leaf of this sum gains, by the column's running sums; nothing is as bad as too few rows on a
    /// side. `gaps` says whether unknown values are to be sent both ways.
    pub(super) fn add(&mut self, sums: &[i64], total: i64, limits: Limits, gaps: bool) {
        let (sides, bins) = (sides(total, limits), sums.len());
        lanes::add_gains(&sums[1..], 0, sides, &mut self.unknown_right[1..bins]);
        if gaps {
            lanes::add_gains(&sums[1..], sums[0], sides, &mut self.unknown_left[1..bins]);
        }
    }
}

fn sides(total: i64, limits: Limits) -> Sides {
    Sides {
        total,
        penalty: (limits.penalty as f32).max(f32::MIN_POSITIVE),
        least: limits.leaf_rows as f32,
    }
}

/// The first bin of the greatest gain beyond `floor`; bin 0 ends no cut.
pub(super) fn greatest(gains: &[f32], floor: f32) -> Option<usize> {
    lanes::greatest(&gains[1..], floor).map(|at| at + 1)
}
