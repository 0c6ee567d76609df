//! Trees as they were grown, and as their file holds them.

use serde::{Deserialize, Serialize};

use super::most::MOST_TREES;
use super::tree::Tree;

/// Version of a file of trees.
pub(super) const FORMAT: u32 = 1;

/// Trees whose values are added to a base.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Ensemble {
    /// Version of the format.
    pub(super) format: u32,
    /// Values of a row.
    pub(super) width: usize,
    /// The mean target.
    pub(super) base: f64,
    #[serde(deserialize_with = "super::most::at_most::<_, _, MOST_TREES>")]
    pub(super) trees: Vec<Tree>,
}

impl Ensemble {
    pub(super) fn new(width: usize, base: f64, trees: Vec<Tree>) -> Ensemble {
        Ensemble {
            format: FORMAT,
            width,
            base,
            trees,
        }
    }
}
