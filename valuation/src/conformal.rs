//! Split-conformal intervals (Lei et al. 2018, Distribution-Free Predictive Inference for
//! Regression), scaled by how far off estimates of such records usually are (Papadopoulos et al. 2011,
//! Regression Conformal Prediction with Nearest Neighbours: normalised nonconformity).

use serde::{Deserialize, Serialize};

/// The ⌈(n+1)·level⌉-th smallest absolute residual; the greatest where that is beyond n.
/// 0 for no residuals.
pub fn half_width(residuals: &[f64], level: f64) -> f64 {
    let mut sizes: Vec<f64> = residuals.iter().map(|residual| residual.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let rank = ((sizes.len() as f64 + 1.0) * level).ceil() as usize;
    let index = rank.clamp(1, sizes.len().max(1)) - 1;
    sizes.get(index).copied().unwrap_or(0.0)
}

/// A share and its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The share.
    pub value: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Share {
    /// `hits` of `all`, with the interval of Wilson (1927, Probable Inference); 0 to 1 for none.
    pub fn of(hits: usize, all: usize) -> Share {
        let z = 1.959_963_984_540_054_f64;
        if all == 0 {
            return Share {
                value: 0.0,
                low: 0.0,
                high: 1.0,
            };
        }
        let count = all as f64;
        let value = hits as f64 / count;
        let middle = value + z * z / (2.0 * count);
        let half = z * (value * (1.0 - value) / count + z * z / (4.0 * count * count)).sqrt();
        let scale = 1.0 + z * z / count;
        Share {
            value,
            low: ((middle - half) / scale).max(0.0),
            high: ((middle + half) / scale).min(1.0),
        }
    }
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

    #[test]
    fn a_share_has_wilsons_interval() {
        // statsmodels 0.14 proportion_confint(90, 100, method="wilson").
        let found = Share::of(90, 100);
        assert!((found.low - 0.825_633_4).abs() < 1e-6 && (found.high - 0.944_770_9).abs() < 1e-6);
        assert_eq!(Share::of(0, 0).high, 1.0);
    }
}
