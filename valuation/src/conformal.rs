//! Split-conformal intervals (Lei et al. 2018, Distribution-Free Predictive Inference for
//! Regression).

/// The ⌈(n+1)·level⌉-th smallest absolute residual; the greatest where that is beyond n.
/// 0 for no residuals.
pub fn half_width(residuals: &[f64], level: f64) -> f64 {
    let mut sizes: Vec<f64> = residuals.iter().map(|residual| residual.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let rank = ((sizes.len() as f64 + 1.0) * level).ceil() as usize;
    let index = rank.clamp(1, sizes.len().max(1)) - 1;
    sizes.get(index).copied().unwrap_or(0.0)
}

/// Fraction of the second half of `residuals` inside the interval set by the first half.
pub fn coverage(residuals: &[f64], level: f64) -> f64 {
    let (first, second) = residuals.split_at(residuals.len() / 2);
    let width = half_width(first, level);
    let inside = second
        .iter()
        .filter(|residual| residual.abs() <= width)
        .count();
    inside as f64 / second.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_finite_sample_quantile() {
        let residuals: Vec<f64> = (1..=19).map(|size| -f64::from(size)).collect();
        // ⌈20·0.9⌉ = 18.
        assert_eq!(half_width(&residuals, 0.9), 18.0);
        assert_eq!(half_width(&[3.0, 1.0], 0.9), 3.0);
        assert_eq!(half_width(&[], 0.9), 0.0);
    }
}
