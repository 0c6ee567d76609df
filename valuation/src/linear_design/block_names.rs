//! What a block of names is by the numbers of the names.

use super::one_hot::Encoded;
use crate::name_codes::{ByName, ByPair};

/// What a block of names is by their numbers.
#[derive(Debug)]
pub(crate) enum BlockNames {
    /// By level: its column.
    OneHot(ByName<Encoded>),
    /// By level within its group: its deviation.
    LevelMeans(ByPair<f64>),
}
