//! Members' log odds into one probability: weights that sum to one (Breiman 1996, Stacked
//! Regressions, on the log loss), then Platt's calibration (Platt 1999, Probabilistic Outputs for
//! Support Vector Machines), both by what members predicted for rows they had not seen.

use crate::classification::log_loss_of;
use crate::equity::Equity;

/// Weights tried: multiples of this share.
const STEP: f64 = 0.05;
/// A member stays out where it does not take this share from the loss.
const HELPS: f64 = 0.0005;
/// Steps of Newton's method at most: it settles in under ten.
const MOST_STEPS: usize = 50;

/// The mean log loss of log odds.
pub(crate) fn loss(log_odds: &[f64], classes: &[bool]) -> f64 {
    let pairs = log_odds.iter().zip(classes);
    let sum: f64 = pairs
        .map(|(log_odds, class)| log_loss_of(*log_odds, *class))
        .sum();
    sum / classes.len().max(1) as f64
}

/// Log odds of the weighted members, by row.
pub(super) fn weighted(predicted: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    let rows = predicted.first().map_or(0, Vec::len);
    let mut sum = vec![0.0; rows];
    for (values, weight) in predicted.iter().zip(weights) {
        if *weight > 0.0 {
            sum.iter_mut()
                .zip(values)
                .for_each(|(sum, value)| *sum += weight * value);
        }
    }
    sum
}

/// Weights of the members: greedily a step at a time to whom the loss after calibration gains most by
/// (Caruana et al. 2004, Ensemble Selection from Libraries of Models). `predicted` is by member and row.
pub(super) fn weights(predicted: &[Vec<f64>], classes: &[bool]) -> Vec<f64> {
    let count = predicted.len();
    let calibrated = |weights: &[f64]| {
        let sum = weighted(predicted, weights);
        let calibration = calibrate(&sum, classes);
        let applied: Vec<f64> = sum.iter().map(|value| calibration.apply(*value)).collect();
        loss(&applied, classes)
    };
    let alone = |member: usize| -> Vec<f64> {
        let weight = |other| f64::from(u8::from(other == member));
        (0..count).map(weight).collect()
    };
    let best = (0..count).map(|member| (calibrated(&alone(member)), alone(member)));
    let Some((mut least, mut found)) = best.min_by(|one, other| one.0.total_cmp(&other.0)) else {
        return Vec::new();
    };
    // Weight goes from one member to another as long as that gains.
    for _ in 0..(1.0 / STEP) as usize * count {
        let mut next: Option<(f64, Vec<f64>)> = None;
        for from in 0..count {
            for to in (0..count).filter(|to| *to != from && found[from] >= STEP - 1e-9) {
                let mut tried = found.clone();
                tried[from] = ((tried[from] - STEP) / STEP).round() * STEP;
                tried[to] = ((tried[to] + STEP) / STEP).round() * STEP;
                // A member that is taken in must be worth it.
                let entry = if found[to] == 0.0 { 1.0 - HELPS } else { 1.0 };
                let loss = calibrated(&tried);
                if loss < least * entry && next.as_ref().is_none_or(|(best, _)| loss < *best) {
                    next = Some((loss, tried));
                }
            }
        }
        match next {
            Some((loss, tried)) => (least, found) = (loss, tried),
            None => break,
        }
    }
    found
}

/// The calibration of log odds f: σ(slope·(f − centre) + centre + shift) has the least log loss, by
/// Newton's method. Targets are drawn to the middle as in Platt 1999, so that classes that are told
/// apart without a mistake are not predicted to be certain.
pub(super) fn calibrate(log_odds: &[f64], classes: &[bool]) -> Equity {
    let rows = classes.len().max(1) as f64;
    let centre = log_odds.iter().sum::<f64>() / rows;
    let of_class = classes.iter().filter(|class| **class).count() as f64;
    let high = (of_class + 1.0) / (of_class + 2.0);
    let low = 1.0 / (rows - of_class + 2.0);
    let (mut slope, mut level) = (1.0, centre);
    for _ in 0..MOST_STEPS {
        let (mut gradient, mut hessian) = ([0.0; 2], [0.0, 0.0, 0.0]);
        for (value, class) in log_odds.iter().zip(classes) {
            let from = value - centre;
            let predicted = crate::boosted::probability(slope * from + level);
            let off = predicted - if *class { high } else { low };
            let weight = predicted * (1.0 - predicted);
            gradient[0] += off * from;
            gradient[1] += off;
            hessian[0] += weight * from * from;
            hessian[1] += weight * from;
            hessian[2] += weight;
        }
        // A touch of ridge: where all rows say the same, there is no slope to estimate.
        let (a, b, c) = (
            hessian[0] + 1e-6 * rows,
            hessian[1],
            hessian[2] + 1e-9 * rows,
        );
        let determinant = a * c - b * b;
        let steps = [
            (c * gradient[0] - b * gradient[1]) / determinant,
            (a * gradient[1] - b * gradient[0]) / determinant,
        ];
        if !steps.iter().all(|step| step.is_finite()) {
            break;
        }
        // Steps of more than two are not believed: the loss is flat out there.
        slope = (slope - steps[0].clamp(-2.0, 2.0)).max(0.0);
        level -= steps[1].clamp(-2.0, 2.0);
        if steps.iter().all(|step| step.abs() < 1e-10) {
            break;
        }
    }
    Equity {
        centre,
        slope,
        shift: level - centre,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (Vec<f64>, Vec<bool>) {
        let row = |i: usize| {
            let log_odds = (i * 37 % 101) as f64 / 10.0 - 5.0;
            // Twice as sure as it may be, and too high.
            let likely = crate::boosted::probability(0.5 * log_odds - 0.7);
            (log_odds, (i * 53 % 97) as f64 / 97.0 < likely)
        };
        (0..4000).map(row).unzip()
    }

    #[test]
    fn what_is_too_sure_is_drawn_in_and_the_loss_is_least() {
        let (predicted, classes) = made();
        let found = calibrate(&predicted, &classes);
        let at_zero = found.apply(0.0);
        assert!((found.slope - 0.5).abs() < 0.05, "{found:?}");
        assert!((at_zero + 0.7).abs() < 0.1, "{at_zero}");
        let applied =
            |own: &Equity| -> Vec<f64> { predicted.iter().map(|f| own.apply(*f)).collect() };
        let least = loss(&applied(&found), &classes);
        for (slope, shift) in [(0.03, 0.0), (-0.03, 0.0), (0.0, 0.05), (0.0, -0.05)] {
            let other = Equity {
                slope: found.slope + slope,
                shift: found.shift + shift,
                ..found
            };
            assert!(loss(&applied(&other), &classes) > least - 1e-6);
        }
    }

    #[test]
    fn weight_goes_to_who_tells_and_none_to_who_does_not() {
        let (predicted, classes) = made();
        let noise: Vec<f64> = (0..predicted.len())
            .map(|i| (i * 29 % 31) as f64 / 10.0)
            .collect();
        let found = weights(&[noise, predicted.clone()], &classes);
        assert_eq!(found, [0.0, 1.0]);
        // Two halves of what is to be known.
        let (even, odd): (Vec<f64>, Vec<f64>) = predicted
            .iter()
            .enumerate()
            .map(|(i, own)| {
                if i % 2 == 0 {
                    (*own, -0.7)
                } else {
                    (-0.7, *own)
                }
            })
            .unzip();
        let found = weights(&[even, odd], &classes);
        assert!((found[0] - 0.5).abs() < 0.11, "{found:?}");
        assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_breaks_where_classes_are_told_without_a_mistake() {
        let predicted: Vec<f64> = (0..200).map(|i| f64::from(i) - 99.5).collect();
        let classes: Vec<bool> = predicted.iter().map(|log_odds| *log_odds > 0.0).collect();
        let found = calibrate(&predicted, &classes);
        assert!(found.slope.is_finite() && found.apply(50.0).is_finite());
        let same = calibrate(&[2.0; 50], &[true, false].repeat(25));
        assert!(same.apply(2.0).abs() < 0.05, "{same:?}");
    }
}
