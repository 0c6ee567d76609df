//! Ranges by what a record is estimated at: Mondrian conformal prediction (Vovk, Gammerman & Shafer 2005,
//! Algorithmic Learning in a Random World, chapter 4) by tenth of the estimate. Between the middles of the tenths
//! the width goes over from the one's to the other's, so that two records of nearly the same estimate have nearly
//! the same range.
//!
//! A model whose expected error already follows the record needs none: its own widths would only add the chance
//! of few rows. So tenths get theirs where the common width is off in some by more than chance, and where that
//! holds on rows that the widths were not fitted on.

use serde::{Deserialize, Serialize};

use crate::conformal::half_width;
use crate::part_error::PartError;
use crate::rng::mix;

/// Parts of the estimates, and rows of one at least: with 200, what a 90 % range holds is uncertain by ±4 points.
const PARTS: usize = 10;
const LEAST_ROWS: usize = 200;
/// How far the share that a part's ranges hold may be off.
const MOST_OFF: f64 = 0.02;
/// How many standard deviations beyond the mean the sum of squares of the parts' shares is to be: by chance, of
/// one model in a hundred.
const BEYOND_CHANCE: f64 = 2.326;
/// Rows that a part's own width is drawn to the common one by.
const DRAWN_BY: f64 = 30.0;

/// How many times as wide as the common range one is, by the estimate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct WidthsByEstimate {
    /// Middles of the parts in log price, rising.
    middles: Vec<f64>,
    /// One a middle.
    factors: Vec<f64>,
}

impl WidthsByEstimate {
    /// Chooses by rows that the members have not seen: `estimates` and `scores` (errors in spreads) are by
    /// row, `level` is the share to be held. None where the common width fits everywhere.
    pub(crate) fn fit(estimates: &[f64], scores: &[f64], level: f64) -> Option<WidthsByEstimate> {
        let parts = Parts::of(estimates)?;
        let all: Vec<usize> = (0..scores.len()).collect();
        let common = vec![1.0; parts.middles.len()];
        let held = parts.held(&all, scores, half_width(scores, level), &|_| 1.0);
        let squares = held.iter().map(|(share, rows)| {
            let chance = level * (1.0 - level) / rows;
            (share - level).powi(2) / chance
        });
        let is_off = held
            .iter()
            .any(|(share, _)| (share - level).abs() > MOST_OFF)
            && squares.sum::<f64>() > by_chance(held.len() - 1);
        // What a half of the rows says is judged on the other.
        let halves: [Vec<usize>; 2] = [0, 1].map(|half| {
            all.iter()
                .copied()
                .filter(|row| side(*row) == half)
                .collect()
        });
        let is_better = || {
            let off = |factors: &dyn Fn(&[usize]) -> Vec<f64>| -> f64 {
                let ways = [(0, 1), (1, 0)];
                let off = ways.map(|(learned, judged)| {
                    let own = parts.widths(factors(&halves[learned]));
                    let of = |row: usize| own.of(estimates[row]);
                    let of_learned = halves[learned].iter().map(|row| scores[*row] / of(*row));
                    let half = half_width(&of_learned.collect::<Vec<f64>>(), level);
                    let held = parts.held(&halves[judged], scores, half, &of);
                    held.iter()
                        .map(|(share, _)| (share - level).powi(2))
                        .sum::<f64>()
                });
                off.iter().sum()
            };
            off(&|rows| parts.factors(rows, scores, level)) < off(&|_| common.clone())
        };
        (is_off && is_better()).then(|| parts.widths(parts.factors(&all, scores, level)))
    }

    /// How many times as wide as the common one the range of a record is that is estimated at this, in log
    /// price.
    pub(crate) fn of(&self, estimate: f64) -> f64 {
        let (middles, factors) = (&self.middles, &self.factors);
        let above = middles.partition_point(|middle| *middle <= estimate);
        let (Some(low), Some(high)) = (above.checked_sub(1), factors.get(above)) else {
            // Beyond the outer middles, theirs.
            let outer = if above == 0 {
                factors.first()
            } else {
                factors.last()
            };
            return outer.copied().unwrap_or(1.0);
        };
        let share = (estimate - middles[low]) / (middles[above] - middles[low]);
        factors[low] + share * (high - factors[low])
    }

    /// Whether what was read is what a fit can give.
    ///
    /// # Errors
    /// States what is not.
    pub(crate) fn check(&self) -> Result<(), PartError> {
        let rises = self.middles.windows(2).all(|pair| pair[0] < pair[1]);
        let is_finite = self.middles.iter().all(|middle| middle.is_finite());
        let is_width = |factor: &f64| factor.is_finite() && *factor > 0.0;
        let has_all = !self.middles.is_empty() && self.middles.len() == self.factors.len();
        match rises && is_finite && has_all && self.factors.iter().all(is_width) {
            true => Ok(()),
            false => Err(PartError::Misfit(format!(
                "widths {:?} at the estimates {:?}, expected as many numbers above 0 as rising estimates",
                self.factors, self.middles
            ))),
        }
    }
}

/// Rows by what they are estimated at.
struct Parts {
    /// By row.
    part: Vec<usize>,
    /// The median estimate of each.
    middles: Vec<f64>,
}

impl Parts {
    /// As many parts as have rows enough; none of fewer than two, or where their middles are not apart.
    fn of(estimates: &[f64]) -> Option<Parts> {
        let rows = estimates.len();
        let count = (rows / LEAST_ROWS).min(PARTS);
        if count < 2 || !estimates.iter().all(|estimate| estimate.is_finite()) {
            return None;
        }
        let mut order: Vec<usize> = (0..rows).collect();
        order.sort_by(|one, other| estimates[*one].total_cmp(&estimates[*other]));
        let mut part = vec![0; rows];
        for (rank, row) in order.iter().enumerate() {
            part[*row] = rank * count / rows;
        }
        let middle = |index: usize| estimates[order[(2 * index + 1) * rows / (2 * count)]];
        let middles: Vec<f64> = (0..count).map(middle).collect();
        let apart = middles.windows(2).all(|pair| pair[0] < pair[1]);
        apart.then_some(Parts { part, middles })
    }

    fn widths(&self, factors: Vec<f64>) -> WidthsByEstimate {
        WidthsByEstimate {
            middles: self.middles.clone(),
            factors,
        }
    }

    /// By part, how many times as wide as the common range its own is, by these rows.
    fn factors(&self, rows: &[usize], scores: &[f64], level: f64) -> Vec<f64> {
        let all: Vec<f64> = rows.iter().map(|row| scores[*row]).collect();
        let common = half_width(&all, level).max(f64::MIN_POSITIVE);
        let of_part = |part: usize| {
            let own = rows.iter().filter(|row| self.part[**row] == part);
            let own: Vec<f64> = own.map(|row| scores[*row]).collect();
            let count = own.len() as f64;
            let factor = half_width(&own, level) / common;
            let drawn = (count * factor + DRAWN_BY) / (count + DRAWN_BY);
            if drawn.is_finite() { drawn } else { 1.0 }
        };
        (0..self.middles.len()).map(of_part).collect()
    }

    /// By part, the share of some rows that ranges of this half width, times their factor, hold; and how many
    /// rows those are.
    fn held(
        &self,
        rows: &[usize],
        scores: &[f64],
        half: f64,
        factor: &dyn Fn(usize) -> f64,
    ) -> Vec<(f64, f64)> {
        let mut found = vec![(0.0, 0.0); self.middles.len()];
        for row in rows {
            let (held, count) = &mut found[self.part[*row]];
            *count += 1.0;
            if scores[*row] <= half * factor(*row) {
                *held += 1.0;
            }
        }
        let share = |(held, count): (f64, f64)| (held / count.max(1.0), count.max(1.0));
        found.into_iter().map(share).collect()
    }
}

/// What a sum of so many squares of standard normal numbers is below, but for one in a hundred (Wilson & Hilferty
/// 1931, The Distribution of Chi-Square).
fn by_chance(squares: usize) -> f64 {
    let count = squares as f64;
    let variance = 2.0 / (9.0 * count);
    count * (1.0 - variance + BEYOND_CHANCE * variance.sqrt()).powi(3)
}

/// Which half of the rows one is of.
fn side(row: usize) -> u64 {
    mix(row as u64) & 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// Estimates from 10 to 12, and sizes of nearly normal errors, which `scale` gives by the estimate.
    fn made(rows: usize, scale: impl Fn(f64) -> f64) -> (Vec<f64>, Vec<f64>) {
        let mut rng = Rng::new(8);
        let mut row = || {
            let estimate = 10.0 + rng.below(20_000) as f64 / 10_000.0;
            let sum: usize = (0..12).map(|_| rng.below(1_000)).sum();
            let error = (sum as f64 / 1_000.0 - 6.0).abs();
            (estimate, scale(estimate) * error)
        };
        (0..rows).map(|_| row()).unzip()
    }

    #[test]
    fn cheap_and_dear_have_their_own_widths_and_all_tenths_hold_their_share() {
        let scale = |estimate: f64| 0.5 + 2.0 * (estimate - 11.0).abs();
        let (estimates, scores) = made(6_000, scale);
        let found = WidthsByEstimate::fit(&estimates, &scores, 0.9).expect("they differ");
        found.check().expect("fits");
        assert!(found.of(11.0) < 0.7 && found.of(10.1) > 1.2, "{found:?}");
        // Beyond the middles of the outer tenths, theirs; and no step anywhere.
        assert_eq!(found.of(0.0), found.of(9.0));
        assert_eq!(found.of(99.0), found.of(12.5));
        for step in 0..2_000 {
            let at = 10.0 + f64::from(step) / 1_000.0;
            assert!((found.of(at) - found.of(at + 0.001)).abs() < 0.02);
        }
        let own: Vec<f64> = estimates
            .iter()
            .zip(&scores)
            .map(|(estimate, score)| score / found.of(*estimate))
            .collect();
        let half = half_width(&own, 0.9);
        let parts = Parts::of(&estimates).expect("enough");
        let all: Vec<usize> = (0..own.len()).collect();
        for (share, _) in parts.held(&all, &own, half, &|_| 1.0) {
            // Where the widths turn, what lies between two middles is a little too wide.
            assert!((share - 0.9).abs() < 0.06, "{share}");
        }
        // With the common width some would be far off.
        let half = half_width(&scores, 0.9);
        let held = parts.held(&all, &scores, half, &|_| 1.0);
        assert!(held.iter().any(|(share, _)| *share < 0.85), "{held:?}");
        assert!(held.iter().any(|(share, _)| *share > 0.98), "{held:?}");
    }

    #[test]
    fn where_one_width_fits_all_or_rows_are_few_there_are_none() {
        let (estimates, scores) = made(6_000, |_| 1.0);
        assert_eq!(WidthsByEstimate::fit(&estimates, &scores, 0.9), None);
        let (estimates, scores) = made(300, |estimate| estimate - 9.5);
        assert_eq!(WidthsByEstimate::fit(&estimates, &scores, 0.9), None);
        assert_eq!(WidthsByEstimate::fit(&[], &[], 0.9), None);
        let same = vec![10.0; 5_000];
        assert_eq!(WidthsByEstimate::fit(&same, &vec![1.0; 5_000], 0.9), None);
    }

    #[test]
    fn chance_is_bounded_as_tables_say() {
        // scipy 1.16 chi2.ppf(0.99, df).
        for (count, expected) in [(1, 6.635), (4, 13.277), (9, 21.666)] {
            let found = by_chance(count);
            assert!(
                (found - expected).abs() < 0.02 * expected,
                "{count}: {found}"
            );
        }
    }

    #[test]
    fn what_is_read_from_a_file_is_checked() {
        let read = |text: &str| serde_json::from_str::<WidthsByEstimate>(text).expect("reads");
        let fine = r#"{"middles": [1, 2], "factors": [0.5, 2]}"#;
        read(fine).check().expect("fits");
        for (from, to) in [
            ("[1, 2]", "[2, 1]"),
            ("[1, 2]", "[1]"),
            ("[0.5, 2]", "[0, 2]"),
            ("[0.5, 2]", "[-1, 2]"),
        ] {
            assert!(read(&fine.replace(from, to)).check().is_err(), "{to}");
        }
        assert!(read(r#"{"middles": [], "factors": []}"#).check().is_err());
    }
}
