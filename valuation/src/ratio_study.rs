//! The assessors' ratio study: whether estimates are at the level of prices, alike for like homes,
//! and fair between cheap and expensive ones. Ratio: estimate / price.
//!
//! Formulas and bands: IAAO, *Standard on Ratio Studies* (2013), tables 1-3 and appendix B; the
//! same as in the CCAO's public packages `assessr` and `assesspy`, which the tests compare with.

use serde::{Deserialize, Serialize};

use crate::cells::median;
use crate::link::Link;
use crate::rng::Rng;

/// Resamples of the bootstrap: enough for a 95 % interval to two digits.
const RESAMPLES: usize = 200;
/// Pairs a resample is drawn from at most: the interval of more is narrower than anyone asks.
const MOST_PAIRS: usize = 20_000;
/// Standard normal quantile of a two-sided 95 % interval.
const Z95: f64 = 1.959_963_984_540_054;

/// A statistic, its 95 % interval and the band it is to be in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Statistic {
    /// Its value.
    pub value: f64,
    /// Lower end of its 95 % confidence interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Lower end of the IAAO's band for residential property.
    pub band_low: f64,
    /// Upper end of the band.
    pub band_high: f64,
    /// Whether the value is in the band.
    pub passes: bool,
}

impl Statistic {
    fn new(value: f64, (low, high): (f64, f64), (band_low, band_high): (f64, f64)) -> Statistic {
        Statistic {
            value,
            low,
            high,
            band_low,
            band_high,
            passes: (band_low..=band_high).contains(&value),
        }
    }
}

/// The ratio study of a set of estimates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RatioStudy {
    /// Median of the ratios, the level: 0.90 to 1.10. Interval by order statistics (binomial,
    /// normal approximation).
    pub median_ratio: Statistic,
    /// Coefficient of dispersion, 100 · mean |ratio − median| / median: 5 to 15. Interval by
    /// bootstrap percentiles.
    pub cod: Statistic,
    /// Price-related differential, mean ratio / (Σ estimates / Σ prices): 0.98 to 1.03; above
    /// means that expensive homes are estimated too low. Interval by bootstrap percentiles.
    pub prd: Statistic,
    /// Price-related bias (Gloudemans 2011): slope of (ratio − median)/median on the base-2
    /// logarithm of ½·estimate/median + ½·price: −0.05 to 0.05; by how much the ratio changes when
    /// the value doubles. Interval by the regression's standard error and Student's t.
    pub prb: Statistic,
    /// How many pairs these rest on.
    pub rows: usize,
}

impl RatioStudy {
    /// As [`RatioStudy::of`]; `None` for counts: the assessors' bands are of prices, and there is no
    /// ratio to 0.
    pub fn on(link: Link, prices: &[f64], estimates: &[f64]) -> Option<RatioStudy> {
        match link {
            Link::Log => RatioStudy::of(prices, estimates),
            Link::LogOnePlus => None,
        }
    }

    /// Studies `estimates` against `prices` (both > 0), pair by pair; `None` for fewer than 3.
    pub fn of(prices: &[f64], estimates: &[f64]) -> Option<RatioStudy> {
        let pairs: Vec<(f64, f64)> = prices
            .iter()
            .copied()
            .zip(estimates.iter().copied())
            .collect();
        if pairs.len() < 3 {
            return None;
        }
        let ratios: Vec<f64> = pairs
            .iter()
            .map(|(price, estimate)| estimate / price)
            .collect();
        let mut sorted = ratios.clone();
        let level = median(&mut sorted)?;
        let (mut cods, mut prds) = (Vec::new(), Vec::new());
        let mut rng = Rng::new(pairs.len() as u64);
        let count = pairs.len().min(MOST_PAIRS);
        for _ in 0..RESAMPLES {
            let drawn: Vec<(f64, f64)> =
                (0..count).map(|_| pairs[rng.below(pairs.len())]).collect();
            cods.push(cod(&drawn));
            prds.push(prd(&drawn));
        }
        // Fewer were drawn than there are: the interval of all is narrower by the root.
        let narrower = (count as f64 / pairs.len() as f64).sqrt();
        let percentiles = |mut values: Vec<f64>, centre: f64| {
            values.sort_by(f64::total_cmp);
            let at = |share: f64| {
                let drawn = values[((values.len() - 1) as f64 * share).round() as usize];
                centre + (drawn - centre) * narrower
            };
            (at(0.025), at(0.975))
        };
        let (cod, prd) = (cod(&pairs), prd(&pairs));
        let (prb, prb_error) = prb(&pairs, level);
        let t95 = student95(pairs.len() as f64 - 2.0);
        Some(RatioStudy {
            median_ratio: Statistic::new(level, median_interval(&sorted), (0.9, 1.1)),
            cod: Statistic::new(cod, percentiles(cods, cod), (5.0, 15.0)),
            prd: Statistic::new(prd, percentiles(prds, prd), (0.98, 1.03)),
            prb: Statistic::new(
                prb,
                (prb - t95 * prb_error, prb + t95 * prb_error),
                (-0.05, 0.05),
            ),
            rows: pairs.len(),
        })
    }
}

/// Quantile of Student's t for a two-sided 95 % interval, by Fisher's expansion (Abramowitz &
/// Stegun 26.7.5): within 0.3 % from 5 degrees of freedom on.
fn student95(freedom: f64) -> f64 {
    let z = Z95;
    let (z3, z5) = (z.powi(3), z.powi(5));
    z + (z3 + z) / (4.0 * freedom) + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * freedom * freedom)
}

/// A 95 % interval of the median of `sorted` values (at least one) by order statistics: ranks
/// (n ± 1.96·√n)/2 (Conover 1999, Practical Nonparametric Statistics, 3.2).
pub fn median_interval(sorted: &[f64]) -> (f64, f64) {
    let count = sorted.len() as f64;
    let half = Z95 * count.sqrt() / 2.0;
    let at = |rank: f64| sorted[(rank.max(0.0) as usize).min(sorted.len() - 1)];
    (
        at((count / 2.0 - half).floor()),
        at((count / 2.0 + half).ceil() - 1.0),
    )
}

fn cod(pairs: &[(f64, f64)]) -> f64 {
    let mut ratios: Vec<f64> = pairs
        .iter()
        .map(|(price, estimate)| estimate / price)
        .collect();
    // Unordered selection: a resample needs no sort.
    let middle = ratios.len() / 2;
    let (below, upper, _) = ratios.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    let level = match pairs.len() % 2 {
        0 => (below.iter().copied().fold(f64::MIN, f64::max) + upper) / 2.0,
        _ => upper,
    };
    // The selection's order depends on only the pairs: so does the sum.
    let off: f64 = ratios.iter().map(|ratio| (ratio - level).abs()).sum();
    100.0 * off / (ratios.len() as f64 * level)
}

/// Price-related differential: above 1 where expensive homes are estimated too low.
pub(crate) fn prd(pairs: &[(f64, f64)]) -> f64 {
    let (mut ratios, mut prices, mut estimates) = (0.0, 0.0, 0.0);
    for (price, estimate) in pairs {
        ratios += estimate / price;
        prices += price;
        estimates += estimate;
    }
    ratios / pairs.len() as f64 / (estimates / prices)
}

/// Price-related bias: slope and its standard error, at the level of the median ratio; no spread of values gives 0
/// and 0.
pub(crate) fn prb(pairs: &[(f64, f64)], level: f64) -> (f64, f64) {
    let count = pairs.len() as f64;
    let points: Vec<(f64, f64)> = pairs
        .iter()
        .map(|(price, estimate)| {
            let value = (estimate / level + price) / 2.0;
            (value.log2(), (estimate / price - level) / level)
        })
        .collect();
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let (mut xx, mut xy) = (0.0, 0.0);
    for (x, y) in &points {
        xx += (x - mean_x) * (x - mean_x);
        xy += (x - mean_x) * (y - mean_y);
    }
    if xx <= 0.0 {
        return (0.0, 0.0);
    }
    let slope = xy / xx;
    let rest: f64 = points
        .iter()
        .map(|(x, y)| y - mean_y - slope * (x - mean_x))
        .map(|residual| residual * residual)
        .sum();
    (slope, (rest / (count - 2.0) / xx).sqrt())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Prices and estimates that any language can make: integers, then one rounding.
    pub(crate) fn pairs() -> (Vec<f64>, Vec<f64>) {
        (1..=60_i64)
            .map(|i| {
                let price = (100_000 + 3000 * ((i * 37) % 41) * ((i * 13) % 7 + 1)) as f64;
                let level = 0.8 + 0.011 * ((i * 29) % 43) as f64 - 0.000_000_12 * price;
                (price, (price * level).round())
            })
            .unzip()
    }

    #[test]
    fn agrees_with_assesspy() {
        // Expected: assesspy 2.0.2 (CCAO) `cod`, `prd`, `prb`, `prb_ci`, on the same pairs.
        let (prices, estimates) = pairs();
        let found = RatioStudy::of(&prices, &estimates).unwrap();
        let near = |found: f64, expected: f64, tolerance: f64| {
            assert!((found - expected).abs() < tolerance, "{found}, {expected}");
        };
        near(found.median_ratio.value, 0.977_819_491_525_423_7, 1e-12);
        near(found.cod.value, 12.053_603_701_089_726, 1e-9);
        near(found.prd.value, 1.019_090_720_648_295, 1e-12);
        near(found.prb.value, -0.024_632_850_550_862_67, 1e-12);
        near(found.prb.low, -0.069_881_018_372_034, 1e-5);
        near(found.prb.high, 0.020_615_317_270_308_6, 1e-5);
        // Its bootstrap of 2,000: (9.89, 13.83) and (0.998, 1.041).
        near(found.cod.low, 9.89, 0.6);
        near(found.cod.high, 13.83, 0.6);
        near(found.prd.low, 0.998, 0.005);
        near(found.prd.high, 1.041, 0.005);
        assert!(found.cod.passes && found.prd.passes && found.prb.passes);
        assert_eq!(RatioStudy::of(&prices[..2], &estimates), None);
    }

    #[test]
    fn estimates_that_draw_dear_homes_down_fail_prd_and_prb() {
        let (prices, _) = pairs();
        let drawn: Vec<f64> = prices.iter().map(|price| price.powf(0.8) * 12.0).collect();
        let found = RatioStudy::of(&prices, &drawn).unwrap();
        assert!(found.prd.value > 1.03 && !found.prd.passes);
        assert!(found.prb.value < -0.05 && !found.prb.passes);
    }
}
