//! Prices beyond the range of a number: trees know nothing there, and say of 1,000 m² what they say of the
//! greatest home they have seen. From the end of the range on, a price is carried by a constant elasticity: that
//! by which trees that had not seen the ends of the range were off there, or the line's own at the end.

use serde::{Deserialize, Serialize};

use crate::cells::Cells;
use crate::part_error::PartError;

/// Greatest elasticity: twice as large costs at most twice, or half, as much.
const MOST: f64 = 1.0;
/// How many times the greatest value, and which share of the least, a price is carried to.
const FURTHEST: f64 = 100.0;
const NEAREST: f64 = 0.1;
/// max/min of a range above which a positive number is carried: one that spans less, such as a year, is no size.
const LEAST_RATIO: f64 = 3.0;
/// min/max of a range below which nothing is carried downwards: what lies below is next to the end already.
const LEAST_SHARE: f64 = 0.02;
/// Fewer rows beyond an end do not say how prices go on.
const LEAST_ROWS: usize = 20;
/// Standard errors that an elasticity must be away from 0.
const BEYOND_CHANCE: f64 = 3.0;
/// A standard error below which an elasticity that is not away from 0 is 0; above, the rows do not say.
const LEAST_CHANCE: f64 = 0.1;

/// The ends of a number's range, and how prices go on beyond them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ends {
    low: f64,
    high: f64,
    /// Elasticities below the one and above the other.
    pub(crate) below: f64,
    pub(crate) above: f64,
}

impl Ends {
    /// The least and the greatest value of `rows`; `None` where the field is no size (see [`is_size`]), or where prices
    /// do not change beyond the range.
    pub(crate) fn of(cells: Cells, rows: &[usize], below: f64, above: f64) -> Option<Ends> {
        let known = rows.iter().filter_map(|row| cells.number(*row));
        let (low, high) = known.fold((f64::MAX, f64::MIN), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let below = match low < LEAST_SHARE * high {
            true => 0.0,
            false => below,
        };
        let goes_on = below != 0.0 || above != 0.0;
        (goes_on && is_size(low, high)).then_some(Ends {
            low,
            high,
            below: below.clamp(-MOST, MOST),
            above: above.clamp(-MOST, MOST),
        })
    }

    /// What is added to the log price of a value; 0 inside.
    pub(crate) fn carried(&self, value: f64) -> f64 {
        if value > self.high {
            self.above * (value.min(FURTHEST * self.high) / self.high).ln()
        } else if value < self.low {
            self.below * (value.max(NEAREST * self.low) / self.low).ln()
        } else {
            0.0
        }
    }

    /// Whether what was read from a file is what a fit can give.
    ///
    /// # Errors
    /// States what is not.
    pub(crate) fn check(&self) -> Result<(), PartError> {
        let elasticity = -MOST..=MOST;
        let is_fine = is_size(self.low, self.high)
            && elasticity.contains(&self.below)
            && elasticity.contains(&self.above);
        match is_fine {
            true => Ok(()),
            false => Err(PartError::Misfit(format!(
                "prices carried beyond {} and {} by {} and {}, expected a rising range above 0 and \
                 elasticities between -{MOST} and {MOST}",
                self.low, self.high, self.below, self.above
            ))),
        }
    }
}

/// Whether a number of this range is a size, which prices may go on with.
pub(crate) fn is_size(low: f64, high: f64) -> bool {
    low > 0.0 && high.is_finite() && high / low > LEAST_RATIO
}

/// The slope of what estimates are off by over how far beyond an end, in logarithms; 0 where it is next to that,
/// and none where the rows do not say. `beyond` are pairs of both.
pub(crate) fn elasticity(beyond: &[(f64, f64)]) -> Option<f64> {
    let count = beyond.len() as f64;
    if beyond.len() < LEAST_ROWS {
        return None;
    }
    let mean = |part: &dyn Fn(&(f64, f64)) -> f64| beyond.iter().map(part).sum::<f64>() / count;
    let (far, off) = (mean(&|pair| pair.0), mean(&|pair| pair.1));
    let square = mean(&|pair| (pair.0 - far).powi(2));
    let product = mean(&|pair| (pair.0 - far) * (pair.1 - off));
    if square <= 0.0 {
        return None;
    }
    let slope = product / square;
    let left = mean(&|pair| (pair.1 - off - slope * (pair.0 - far)).powi(2));
    let chance = (left / square / (count - 2.0)).sqrt();
    match slope.is_finite() && slope.abs() > BEYOND_CHANCE * chance {
        true => Some(slope),
        false => (chance < LEAST_CHANCE).then_some(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_go_on_from_the_ends_and_stand_still_where_nothing_is_known() {
        let ends = Ends {
            low: 20.0,
            high: 150.0,
            below: 0.5,
            above: 0.8,
        };
        ends.check().expect("fits");
        assert_eq!(ends.carried(20.0), 0.0);
        assert_eq!(ends.carried(150.0), 0.0);
        assert!((ends.carried(300.0) - 0.8 * 2.0_f64.ln()).abs() < 1e-12);
        assert!((ends.carried(10.0) + 0.5 * 2.0_f64.ln()).abs() < 1e-12);
        // Not without end, and in order.
        assert_eq!(ends.carried(1e30), ends.carried(15_000.0));
        assert_eq!(ends.carried(-5.0), ends.carried(2.0));
        assert!(ends.carried(1_000.0) > ends.carried(200.0));
        for wrong in [
            Ends { low: 0.0, ..ends },
            Ends { high: 21.0, ..ends },
            Ends { above: 1.5, ..ends },
            Ends {
                below: f64::NAN,
                ..ends
            },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_elasticity_is_found_where_it_is_beyond_chance() {
        let noise = |at: usize| ((at * 37 % 101) as f64 / 101.0 - 0.5) * 0.4;
        let pairs = |slope: f64| -> Vec<(f64, f64)> {
            let pair = |at: usize| {
                let far = at as f64 / 100.0;
                (far, 0.1 + slope * far + noise(at))
            };
            (0..80).map(pair).collect()
        };
        let found = |slope| elasticity(&pairs(slope)).expect("rows enough");
        assert!((found(0.7) - 0.7).abs() < 0.15 && (found(-0.7) + 0.7).abs() < 0.15);
        // 0.03 with a standard error of 0.06.
        assert_eq!(found(0.0), 0.0);
        // Too few rows, or too near to the end, to say.
        assert_eq!(elasticity(&pairs(0.7)[..10]), None);
        assert_eq!(elasticity(&pairs(0.0)[..25]), None);
        assert_eq!(elasticity(&[(1.0, 2.0); 40]), None);
    }
}
