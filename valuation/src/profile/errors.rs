//! What error to expect of prices that nobody has paid yet.

use serde::{Deserialize, Serialize};

use crate::link::Link;
use crate::metrics::JudgedRow;
use crate::part_error::PartError;
use crate::prediction::Prediction;

/// Quantiles kept: every hundredth.
const QUANTILES: usize = 99;
/// Halvings of the bracket around the median: to a part in 10 to the 12.
const HALVINGS: usize = 40;
/// Predictions looked at: more would not move the median by a part in a thousand.
const MOST_PREDICTIONS: usize = 20_000;

/// How errors lie within the ranges: quantiles of the log error's size over half its range's log
/// width, on the hold-out, at 1/100, 2/100, … 99/100.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Errors {
    quantiles: Vec<f64>,
}

impl Errors {
    /// Of judged rows; the ranges of the model that is kept are wider by `halves`.
    pub(super) fn of(link: Link, judged: &[JudgedRow], halves: f64) -> Errors {
        let score = |row: &JudgedRow| {
            let half = link.half(row.low, row.value, row.high) * halves;
            (link.ratio(row.actual, row.value).ln() / half).abs()
        };
        let mut scores: Vec<f64> = judged.iter().map(score).collect();
        scores.retain(|score| score.is_finite());
        scores.sort_unstable_by(f64::total_cmp);
        let quantile = |number: usize| {
            let at = number as f64 / (QUANTILES + 1) as f64 * (scores.len() - 1) as f64;
            let (below, above) = (scores[at as usize], scores[at.ceil() as usize]);
            below + (above - below) * at.fract()
        };
        Errors {
            quantiles: match scores.is_empty() {
                true => Vec::new(),
                false => (1..=QUANTILES).map(quantile).collect(),
            },
        }
    }

    /// The median of |price − value| / price over predictions whose prices are not known; of counts that
    /// of 1 + y.
    pub(crate) fn median_ape(&self, link: Link, predictions: &[Prediction]) -> Option<f64> {
        let stride = predictions.len().div_ceil(MOST_PREDICTIONS).max(1);
        let halves: Vec<f64> = predictions
            .iter()
            .step_by(stride)
            .map(|row| link.half(row.low, row.value, row.high))
            .filter(|half| half.is_finite() && *half > 0.0)
            .collect();
        if halves.is_empty() || self.quantiles.is_empty() {
            return None;
        }
        // A price is the value times exp(e), e as often above 0 as below: the share of an error up
        // to t is that of e from −ln(1 + t) to −ln(1 − t).
        let share = |most: f64| {
            let (over, under) = (most.ln_1p(), -(-most).ln_1p());
            let sum: f64 = halves
                .iter()
                .map(|half| self.share_within(over / half) + self.share_within(under / half))
                .sum();
            sum / (2 * halves.len()) as f64
        };
        let (mut low, mut high) = (0.0, 1.0 - 1e-9);
        for _ in 0..HALVINGS {
            let middle = (low + high) / 2.0;
            match share(middle) < 0.5 {
                true => low = middle,
                false => high = middle,
            }
        }
        Some(high)
    }

    /// Share of the errors whose size is at most so many halves of their range.
    fn share_within(&self, halves: f64) -> f64 {
        let step = 1.0 / (QUANTILES + 1) as f64;
        let above = self
            .quantiles
            .partition_point(|quantile| *quantile <= halves);
        let at = |number: usize| match number {
            0 => 0.0,
            number => self.quantiles[number - 1],
        };
        let beyond = match self.quantiles.get(above) {
            // Beyond the last quantile nothing is known but that the share rises on.
            None => return 1.0 - step / 2.0,
            Some(next) => (halves - at(above)) / (next - at(above)).max(f64::MIN_POSITIVE),
        };
        step * (above as f64 + beyond.clamp(0.0, 1.0))
    }

    /// Whether what was read is a list of quantiles.
    pub(super) fn check(&self) -> Result<(), PartError> {
        let plain = self
            .quantiles
            .iter()
            .all(|quantile| quantile.is_finite() && *quantile >= 0.0);
        match plain && self.quantiles.is_sorted() && [0, QUANTILES].contains(&self.quantiles.len())
        {
            true => Ok(()),
            false => Err(PartError::Misfit(format!(
                "profile: expected {QUANTILES} rising quantiles of errors, found {}",
                self.quantiles.len()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn the_median_error_is_told_from_the_ranges_alone() {
        let mut rng = Rng::new(7);
        // The size of errors is drawn evenly from 0 to 1.25 halves; the rows' halves differ.
        let mut draw = |half: f64| {
            let size = 1.25 * half * rng.below(10_000) as f64 / 10_000.0;
            let log = if rng.below(2) == 0 { size } else { -size };
            JudgedRow {
                row: 0,
                actual: 100.0 * log.exp(),
                value: 100.0,
                low: 100.0 * (-half).exp(),
                high: 100.0 * half.exp(),
            }
        };
        let judged: Vec<JudgedRow> = (0..4000)
            .map(|row| draw(0.1 + 0.1 * f64::from(row % 3)))
            .collect();
        let errors = Errors::of(Link::Log, &judged, 1.0);
        errors.check().unwrap();
        for halves in [0.1, 0.4] {
            let rows: Vec<JudgedRow> = (0..4000).map(|_| draw(halves)).collect();
            let mut apes: Vec<f64> = rows
                .iter()
                .map(|row| (row.value / row.actual - 1.0).abs())
                .collect();
            let realised = crate::cells::median(&mut apes).unwrap();
            let predictions: Vec<Prediction> = rows
                .iter()
                .map(|row| Prediction {
                    value: row.value,
                    low: row.low,
                    high: row.high,
                })
                .collect();
            let expected = errors.median_ape(Link::Log, &predictions).unwrap();
            assert!(
                (expected / realised - 1.0).abs() < 0.05,
                "{expected} for {realised}"
            );
        }
        assert_eq!(errors.median_ape(Link::Log, &[]), None);
        assert_eq!(
            Errors::of(Link::Log, &[], 1.0).median_ape(Link::Log, &[]),
            None
        );
    }
}
