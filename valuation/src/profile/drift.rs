//! How far a field has moved.

use serde::{Deserialize, Serialize};

/// Added to the count of every part on both sides, so that an empty one has a logarithm: half a row
/// (Jeffreys' prior of a multinomial).
const SMOOTHING: f64 = 0.5;

/// How far a field has moved from what it was in training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The field; "prediction" for what the model predicted.
    pub field: String,
    /// Whether it is what the model predicted, and no field of the records.
    pub is_prediction: bool,
    /// Population stability index, from 0: Σ (now − then) · ln(now / then) over the shares of the
    /// parts, where rows without a value are a part too (Siddiqi 2006, Credit Risk Scorecards; that
    /// is Jeffreys' divergence, Kullback & Leibler 1951). Half a row is added to each count on both
    /// sides. By custom below 0.1 is stable, above 0.25 has moved.
    pub psi: f64,
    /// What the index is on average where nothing has moved, (parts − 1) · (1/then + 1/now) in rows
    /// (Yurdakul 2018, Statistical Properties of the Population Stability Index): with few rows
    /// chance alone goes beyond 0.1.
    pub by_chance: f64,
    /// Share of the rows now that have no value.
    pub missing_share: f64,
}

impl Drift {
    /// Of the counts by part, those without a value last, in training and now.
    pub(super) fn of(field: &str, is_prediction: bool, then: &[u64], now: &[u64]) -> Drift {
        let sum = |counts: &[u64]| counts.iter().map(|count| *count as f64).sum::<f64>();
        let (before, after) = (sum(then), sum(now));
        // Parts that no row was ever in show nothing, and would only be counted.
        let used: Vec<(f64, f64)> = then
            .iter()
            .zip(now)
            .filter(|(then, now)| **then > 0 || **now > 0)
            .map(|(then, now)| (*then as f64, *now as f64))
            .collect();
        let parts = used.len() as f64;
        let share = |count: f64, all: f64| (count + SMOOTHING) / (all + SMOOTHING * parts);
        let index = used.iter().map(|(one, other)| {
            let (then, now) = (share(*one, before), share(*other, after));
            (now - then) * (now / then).ln()
        });
        let missing = now.last().map_or(0.0, |count| *count as f64);
        Drift {
            field: field.to_owned(),
            is_prediction,
            psi: index.sum(),
            by_chance: (parts - 1.0).max(0.0) * (1.0 / before.max(1.0) + 1.0 / after.max(1.0)),
            missing_share: missing / after.max(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_what_numpy_says() {
        // then = numpy.array([100, 300, 400, 150, 0, 50]) + .5; now = numpy.array([80, 250, 500, 120,
        // 0, 30]) + .5, both without the fifth; then /= then.sum(); now /= now.sum();
        // ((now - then) * numpy.log(now / then)).sum()
        let found = Drift::of(
            "area",
            false,
            &[100, 300, 400, 150, 0, 50],
            &[80, 250, 500, 120, 0, 30],
        );
        assert!(
            (found.psi - 0.052570635539471).abs() < 1e-12,
            "{}",
            found.psi
        );
        assert!((found.missing_share - 30.0 / 980.0).abs() < 1e-12);
        assert!((found.by_chance - 4.0 * (1.0 / 1000.0 + 1.0 / 980.0)).abs() < 1e-12);
        // The same of [500, 500, 0] and [0, 200, 800]: an empty part has a logarithm.
        let found = Drift::of("city", false, &[500, 500, 0], &[0, 200, 800]);
        assert!((found.psi - 9.6170967205767).abs() < 1e-10, "{}", found.psi);
        assert_eq!(found.missing_share, 0.8);
    }

    #[test]
    fn what_has_not_moved_is_near_what_chance_gives() {
        let then = [1000; 10];
        assert_eq!(Drift::of("x", false, &then, &then).psi, 0.0);
        // Ten parts, 1000 rows each side drawn alike: by chance 9 · (1/10000 + 1/1000) = 0.0099.
        let mut rng = crate::rng::Rng::new(3);
        let mut total = 0.0;
        for _ in 0..200 {
            let mut now = [0_u64; 10];
            (0..1000).for_each(|_| now[rng.below(10)] += 1);
            total += Drift::of("x", false, &then, &now).psi / 200.0;
        }
        let drawn = 9.0 / 1000.0;
        assert!((total / drawn - 1.0).abs() < 0.15, "{total} for {drawn}");
    }
}
