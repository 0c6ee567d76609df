//! One split for all leaves of a level.

use super::super::bins::Column;
use super::super::packed::COARSE;
use super::super::split::{Candidate, Cut, Gains, Limits, greatest, worth};
use super::growing::{Growing, Open};

/// A leaf whose columns are gone through.
struct Summed<'a> {
    leaf: &'a Open,
    /// What it gains where all its rows are on one side: so it is for columns that are left out.
    of_one_side: f32,
    /// Columns that are still to come, without those that are left out.
    live: &'a [u16],
}

impl Growing<'_> {
    /// Leaves out columns that say nothing of the leaf's rows; not where what binds a leaf makes them differ.
    pub(super) fn leave_out_constant(&self, leaf: &mut Open) {
        if !leaf.rows.is_empty() && self.bound(leaf.bounds).is_none() {
            leaf.histogram.leave_out_constant(&self.shape, leaf.total);
        }
    }

    /// The cut of a whole level; its `left` is of no leaf.
    pub(super) fn level_split(&self, level: &[Open], gains: &mut Gains) -> Option<Candidate> {
        let penalty = self.limits.penalty;
        let floor: f64 = level
            .iter()
            .map(|leaf| match self.bound(leaf.bounds) {
                None => worth(leaf.total, penalty),
                Some(bound) => bound.worth(leaf.total),
            })
            .sum();
        let limits = Limits {
            leaf_rows: 0.0,
            ..self.limits
        };
        // As gains are counted.
        let floor = floor / (COARSE * COARSE);
        let (mut best, mut most) = (None, floor as f32 * (1.0 + f32::EPSILON));
        let with_rows = level.iter().filter(|leaf| !leaf.rows.is_empty());
        let mut leaves: Vec<Summed> = with_rows
            .map(|leaf| Summed {
                leaf,
                of_one_side: Gains::of_one_side(leaf.total, limits),
                live: leaf.histogram.live(),
            })
            .collect();
        for (index, column) in self.chosen.iter().enumerate() {
            let Column { bins, gaps, .. } = **column;
            gains.clear(bins, gaps);
            for Summed {
                leaf,
                of_one_side,
                live,
            } in &mut leaves
            {
                match live.split_first() {
                    Some((next, rest)) if usize::from(*next) == index => *live = rest,
                    _ => {
                        gains.add_to_all(*of_one_side, bins, gaps);
                        continue;
                    }
                }
                let sums = leaf.histogram.column(&self.shape, index);
                match self.bound(leaf.bounds).filter(|own| !own.is_free(index)) {
                    None => gains.add(sums, leaf.total, limits, gaps),
                    Some(bound) => {
                        let Gains {
                            unknown_right,
                            unknown_left,
                            ..
                        } = &mut *gains;
                        let gains: [&mut [f32]; 2] = [unknown_right, unknown_left];
                        bound.add(index, sums, leaf.total, gaps, gains);
                    }
                }
            }
            let ways = [&gains.unknown_right, &gains.unknown_left];
            for (gains, unknown_left) in ways.into_iter().zip([false, true]) {
                if unknown_left && !gaps {
                    continue;
                }
                let Some(bin) = greatest(&gains[..bins], most) else {
                    continue;
                };
                most = gains[bin];
                best = Some(Candidate {
                    gain: (f64::from(most) - floor) * COARSE * COARSE,
                    column: index,
                    cut: Cut::After(bin as u8),
                    unknown_left,
                    left: 0,
                });
            }
        }
        best
    }
}
