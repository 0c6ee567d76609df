//! What the columns of the trees are made of.

use serde::{Deserialize, Serialize};

use super::target_mean::TargetMeans;

/// What is made of a field, or of two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Made {
    /// The number itself; yes is 1.
    Value,
    /// Days since 1970, held to the training range: trees would not go beyond it anyway.
    Trend {
        /// Newest in training.
        high: f64,
    },
    /// Day of the year over its length, 0 to 1.
    Season,
    /// The field over a partner, where both are above 0.
    Ratio {
        /// What it is divided by.
        over: String,
    },
    /// The position along an axis: latitude · sin + longitude · cos, in degrees of latitude.
    Rotated {
        /// The field of longitudes.
        longitude: String,
        /// Weight of the latitude.
        sin: f64,
        /// Weight of the longitude: a degree of it is shorter away from the equator.
        cos: f64,
    },
    /// Three columns: mean log target of the level, out of fold in training; how frequent it is; its
    /// number, a name that trees may split on by sets. A fourth where a line was laid through the numbers: the
    /// mean of what it leaves, out of fold in training.
    Level(Box<TargetMeans>),
}
