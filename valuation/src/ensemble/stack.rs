//! The weights of the members: non-negative, and they sum to one (Breiman 1996, Stacked
//! Regressions), from predictions that no member made of rows it had seen.

/// A member is dropped where the others alone are off by no more than this share more.
const HELPS: f64 = 0.0003;
/// Sweeps over all pairs: a bound, the weights of few members settle long before.
const MOST_SWEEPS: usize = 500;

/// Weights of the members for the least mean square; 0 for a member that does not help.
/// `predictions` are by member and row.
pub(super) fn weights(predictions: &[Vec<f64>], targets: &[f64]) -> Vec<f64> {
    let count = predictions.len();
    let products = products(predictions, targets);
    let mut kept: Vec<usize> = (0..count).collect();
    let mut found = solve(&products, &kept);
    // The least useful goes first, as long as it is not missed.
    while kept.len() > 1 {
        let loss = loss(&products, &found);
        let without = kept.iter().map(|member| {
            let rest: Vec<usize> = kept.iter().copied().filter(|m| m != member).collect();
            let weights = solve(&products, &rest);
            (self::loss(&products, &weights), rest, weights)
        });
        let best = without.min_by(|one, other| one.0.total_cmp(&other.0));
        match best {
            Some((least, rest, weights)) if least.sqrt() <= loss.sqrt() * (1.0 + HELPS) => {
                (kept, found) = (rest, weights);
            }
            _ => break,
        }
    }
    found
}

/// Mean products of the members' residuals.
fn products(predictions: &[Vec<f64>], targets: &[f64]) -> Vec<Vec<f64>> {
    let product = |one: &[f64], other: &[f64]| {
        let sum: f64 = one
            .iter()
            .zip(other)
            .zip(targets)
            .map(|((one, other), target)| (target - one) * (target - other))
            .sum();
        sum / targets.len().max(1) as f64
    };
    predictions
        .iter()
        .map(|one| {
            predictions
                .iter()
                .map(|other| product(one, other))
                .collect()
        })
        .collect()
}

/// Mean square of the weighted residuals.
fn loss(products: &[Vec<f64>], weights: &[f64]) -> f64 {
    weights
        .iter()
        .zip(products)
        .map(|(weight, row)| {
            let sum: f64 = row.iter().zip(weights).map(|(p, other)| p * other).sum();
            weight * sum
        })
        .sum()
}

/// The least square on the simplex of the members `kept`, by moving weight between pairs: each
/// move is the exact optimum of its line.
fn solve(products: &[Vec<f64>], kept: &[usize]) -> Vec<f64> {
    let mut weights = vec![0.0; products.len()];
    for member in kept {
        weights[*member] = 1.0 / kept.len() as f64;
    }
    for _ in 0..MOST_SWEEPS {
        let mut moved = 0.0_f64;
        for (position, one) in kept.iter().enumerate() {
            for other in &kept[position + 1..] {
                let slope = |member: usize| -> f64 {
                    let row = &products[member];
                    row.iter().zip(&weights).map(|(p, weight)| p * weight).sum()
                };
                let bend =
                    products[*one][*one] + products[*other][*other] - 2.0 * products[*one][*other];
                if bend <= 0.0 {
                    continue;
                }
                let step = (slope(*other) - slope(*one)) / bend;
                let step = step.clamp(-weights[*one], weights[*other]);
                weights[*one] += step;
                weights[*other] -= step;
                moved = moved.max(step.abs());
            }
        }
        if moved < 1e-9 {
            break;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_the_least_squares_on_the_simplex() {
        // Errors of two members, uncorrelated, variances 1 and 3: weights 3/4 and 1/4.
        let targets = vec![0.0; 4];
        let root = 3.0_f64.sqrt();
        let one = vec![1.0, -1.0, 1.0, -1.0];
        let other = vec![root, root, -root, -root];
        let found = weights(&[one.clone(), other], &targets);
        assert!((found[0] - 0.75).abs() < 1e-9 && (found[1] - 0.25).abs() < 1e-9);
        // A member that is only worse is dropped, and so is one of two that say the same.
        let worse: Vec<f64> = one.iter().map(|error| 2.0 * error).collect();
        assert_eq!(weights(&[one.clone(), worse], &targets), [1.0, 0.0]);
        let twins = weights(&[one.clone(), one], &targets);
        assert_eq!(twins.iter().filter(|weight| **weight > 0.0).count(), 1);
        assert!((twins.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
