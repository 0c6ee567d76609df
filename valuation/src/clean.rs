//! Which listings are left out of training. The rules look at the target: they never choose
//! what a model is judged on.

mod bounds;
mod duplicate;
mod outlier;
mod residual;

pub(crate) use self::bounds::PriceBounds;
pub(crate) use self::duplicate::Records;
pub(crate) use self::residual::{Listings, ResidualRule};

/// Makes the median absolute deviation estimate a normal's σ: 1/Φ⁻¹(¾).
const MAD_TO_SIGMA: f64 = 1.4826;
