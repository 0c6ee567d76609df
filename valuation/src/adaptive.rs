//! Prediction intervals that follow a market (adaptive conformal inference: Gibbs and Candès 2021, Adaptive Conformal
//! Inference Under Distribution Shift): a factor on their width, from the labels of the model's earlier answers.

use std::collections::VecDeque;

use crate::link::Link;
use crate::prediction::Prediction;

/// Fewer labels change no interval: the quantile of fewer is too far off by chance.
const LEAST_LABELS: usize = 100;
/// The newest scores, whose quantile is the factor: chance moves it by 4 % or so in a market that stands still.
const WINDOW: usize = 500;
/// By how much one label moves the level: what Gibbs and Candès use.
const RATE: f64 = 0.005;
/// Intervals a third as wide are as narrow as a year of labels can justify; below, labels are rather copies of the
/// answers than prices.
const LEAST_FACTOR: f64 = 1.0 / 3.0;
/// An interval of ± 10 % is then 2.6 times the estimate at its upper end and says nothing. Errors beyond are those of the
/// data (another unit), which no width mends.
const GREATEST_FACTOR: f64 = 10.0;

/// The width of intervals, learned label by label.
///
/// The score of a label is its distance from the estimate in half widths of the model's interval, on the scale of the
/// link. The factor is the quantile of the newest scores at a level that each label moves: by `RATE` times the share that
/// may be outside, less 1 if the factor before it left the label outside.
#[derive(Debug, Clone)]
pub struct AdaptiveWidth {
    /// The share of labels that may lie outside, as nominal.
    nominal: f64,
    /// The share that the quantile allows now, 0 to 1.
    allowed: f64,
    /// Newest last.
    recent: VecDeque<f64>,
    /// The same in order of size.
    sorted: Vec<f64>,
}

impl AdaptiveWidth {
    /// Before any label, for intervals of this confidence.
    pub fn new(confidence: f64) -> AdaptiveWidth {
        let nominal = 1.0 - confidence;
        AdaptiveWidth {
            nominal,
            allowed: nominal,
            recent: VecDeque::with_capacity(WINDOW),
            sorted: Vec::with_capacity(WINDOW),
        }
    }

    /// Distance of a label from its estimate in half widths of `prediction`'s interval; `None` for an interval without
    /// a width, which no factor changes.
    pub fn score(link: Link, prediction: &Prediction, actual: f64) -> Option<f64> {
        let Prediction { value, low, high } = *prediction;
        let score = link.ratio(value, actual).ln().abs() / link.half(low, value, high);
        score.is_finite().then_some(score)
    }

    /// Takes the next label into account.
    pub fn observe(&mut self, score: f64) {
        if self.recent.len() >= LEAST_LABELS {
            let missed = f64::from(u8::from(score > self.factor()));
            // Beyond 0 and 1 no quantile follows, and the way back would take as many labels again.
            self.allowed = (self.allowed + RATE * (self.nominal - missed)).clamp(0.0, 1.0);
        }
        if self.recent.len() == WINDOW
            && let Some(oldest) = self.recent.pop_front()
        {
            let at = self.sorted.partition_point(|other| *other < oldest);
            self.sorted.remove(at);
        }
        self.recent.push_back(score);
        let at = self.sorted.partition_point(|other| *other < score);
        self.sorted.insert(at, score);
    }

    /// What the half width of the model's intervals is to be multiplied by; 1 while there are too few labels.
    pub fn factor(&self) -> f64 {
        let count = self.sorted.len();
        if count < LEAST_LABELS {
            return 1.0;
        }
        // As crate::conformal::half_width: the greatest where the rank is beyond.
        let rank = ((count as f64 + 1.0) * (1.0 - self.allowed)).ceil() as usize;
        self.sorted[rank.clamp(1, count) - 1].clamp(LEAST_FACTOR, GREATEST_FACTOR)
    }

    /// The level of the quantile: the nominal one, moved by the labels.
    pub fn level(&self) -> f64 {
        1.0 - self.allowed
    }
}

impl Prediction {
    /// The same with the half width of its interval multiplied by `factor` on the scale of the link.
    #[must_use]
    pub fn widened(self, link: Link, factor: f64) -> Prediction {
        let Prediction { value, low, high } = self;
        let half = factor * link.half(low, value, high);
        if factor == 1.0 || !half.is_finite() {
            return self;
        }
        let log = link.log(value);
        Prediction {
            value,
            low: link.value(log - half),
            high: link.value(log + half),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// Nine in ten absolute deviations of a normal distribution are below.
    const Z90: f64 = 1.644_853_626_951;
    /// Of the log errors of the market that was learned.
    const DEVIATION: f64 = 0.1;

    fn interval(value: f64, half: f64) -> Prediction {
        Prediction {
            value,
            low: value * (-half).exp(),
            high: value * half.exp(),
        }
    }

    /// Shares of labels within the model's intervals and within the adaptive ones, and the last factor, in a market whose
    /// log level moves to `moved` over the labels.
    fn market(labels: usize, moved: f64) -> (f64, f64, f64) {
        let mut rng = Rng::new(7);
        let mut width = AdaptiveWidth::new(0.9);
        let (mut plain, mut adaptive) = (0, 0);
        for n in 0..labels {
            // A sum of twelve uniform numbers is nearly normal.
            let uniform = |_| rng.below(1 << 20) as f64 / f64::from(1 << 20);
            let normal = (0..12).map(uniform).sum::<f64>() - 6.0;
            let actual = 100.0 * (DEVIATION * normal + moved * n as f64 / labels as f64).exp();
            let own = interval(100.0, Z90 * DEVIATION);
            let sent = own.widened(Link::Log, width.factor());
            let holds = |given: &Prediction| (given.low..=given.high).contains(&actual);
            plain += usize::from(holds(&own));
            adaptive += usize::from(holds(&sent));
            width.observe(AdaptiveWidth::score(Link::Log, &own, actual).expect("it has a width"));
        }
        let share = |held: usize| held as f64 / labels as f64;
        (share(plain), share(adaptive), width.factor())
    }

    #[test]
    fn a_market_that_moves_is_covered() {
        let (plain, adaptive, factor) = market(4000, 1.5_f64.ln());
        assert!(plain < 0.6, "{plain}");
        assert!((adaptive - 0.9).abs() < 0.015, "{adaptive}");
        // At the end ln 1.5 and 1.28 deviations, of 1.64 deviations.
        assert!((2.6..3.8).contains(&factor), "{factor}");
    }

    #[test]
    fn a_market_that_stands_still_keeps_its_intervals() {
        let (plain, adaptive, factor) = market(4000, 0.0);
        assert!((plain - 0.9).abs() < 0.015, "{plain}");
        assert!((adaptive - 0.9).abs() < 0.015, "{adaptive}");
        assert!((factor - 1.0).abs() < 0.1, "{factor}");
    }

    #[test]
    fn the_formula_by_hand() {
        let mut width = AdaptiveWidth::new(0.9);
        for score in 1..LEAST_LABELS {
            width.observe(score as f64 / 50.0);
            assert_eq!(width.factor(), 1.0);
        }
        width.observe(2.0);
        // Scores 0.02 to 2, the ⌈101 · 0.9⌉ = 91st of them.
        assert_eq!(width.level(), 0.9);
        assert_eq!(width.factor(), 1.82);
        width.observe(9.0);
        assert!((width.level() - (0.9 + 0.005 * 0.9)).abs() < 1e-12);
        width.observe(0.0);
        assert!((width.level() - (0.9 + 0.005 * 0.9 - 0.005 * 0.1)).abs() < 1e-12);
    }

    #[test]
    fn the_factor_is_bounded_and_comes_back() {
        let mut width = AdaptiveWidth::new(0.9);
        for _ in 0..10_000 {
            width.observe(1e6);
        }
        assert_eq!((width.factor(), width.level()), (GREATEST_FACTOR, 1.0));
        for _ in 0..2 * WINDOW {
            width.observe(1.0);
        }
        assert_eq!(width.factor(), 1.0);
        for _ in 0..10_000 {
            width.observe(0.0);
        }
        assert_eq!(width.factor(), LEAST_FACTOR);
        assert_eq!(width.recent.len(), WINDOW);
        assert_eq!(width.sorted.len(), WINDOW);
    }

    #[test]
    fn scores_are_half_widths() {
        let score = |link, prediction, actual| AdaptiveWidth::score(link, &prediction, actual);
        let price = interval(100.0, 0.2);
        let above = score(Link::Log, price, 100.0 * 0.2_f64.exp()).expect("a width");
        assert!((above - 1.0).abs() < 1e-12);
        let below = score(Link::Log, price, 100.0 * (-0.1_f64).exp()).expect("a width");
        assert!((below - 0.5).abs() < 1e-12);
        assert_eq!(score(Link::Log, Prediction::plain(100.0), 90.0), None);
        // A count's lower end was held at 0.
        let count = Prediction {
            value: 1.0,
            low: 0.0,
            high: 7.0,
        };
        let found = score(Link::LogOnePlus, count, 0.0).expect("a width");
        assert!((found - 0.5).abs() < 1e-12);
        let narrower = count.widened(Link::LogOnePlus, 0.25);
        assert!((narrower.high - (2.0 * 2.0_f64.sqrt() - 1.0)).abs() < 1e-12);
        assert!((narrower.low - (2.0_f64.sqrt() - 1.0)).abs() < 1e-12);
        // Back again: what a label is compared with does not depend on the factor.
        let wide = price.widened(Link::Log, 3.0);
        let again = wide.widened(Link::Log, 1.0 / 3.0);
        assert!((again.low / price.low - 1.0).abs() < 1e-12);
        assert_eq!(price.widened(Link::Log, 1.0), price);
    }
}
