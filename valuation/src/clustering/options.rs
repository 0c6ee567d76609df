//! How clusters are found.

use serde::{Deserialize, Serialize};

use super::error::ClusteringError;

/// Most clusters: more of them nobody can distinguish.
const MOST_CLUSTERS: usize = 100;

/// How clusters are found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusteringOptions {
    /// How many clusters; 0 takes the number, from `least` to `most`, of the best silhouette.
    pub clusters: usize,
    /// The fewest that are tried, 2 or more.
    pub least: usize,
    /// The most that are tried, 100 at most.
    pub most: usize,
    /// Starts of each number of clusters, 1 to 1000: the one of the least inertia counts.
    pub starts: usize,
}

impl Default for ClusteringOptions {
    fn default() -> ClusteringOptions {
        ClusteringOptions {
            clusters: 0,
            least: 2,
            most: 12,
            starts: 30,
        }
    }
}

impl ClusteringOptions {
    /// The numbers of clusters to be tried.
    pub(super) fn tried(&self) -> std::ops::RangeInclusive<usize> {
        match self.clusters {
            0 => self.least..=self.most,
            clusters => clusters..=clusters,
        }
    }

    /// Whether every option is in its range.
    pub(super) fn check(&self) -> Result<(), ClusteringError> {
        let out = |option, expected, found| {
            Err(ClusteringError::Option {
                option,
                expected,
                found,
            })
        };
        let is_some = |clusters: usize| (2..=MOST_CLUSTERS).contains(&clusters);
        if self.clusters != 0 && !is_some(self.clusters) {
            return out("clusters", "0, or 2 to 100", self.clusters);
        }
        if !is_some(self.least) {
            return out("least", "2 to 100", self.least);
        }
        if !is_some(self.most) || self.most < self.least {
            return out("most", "100 at most, and not below least", self.most);
        }
        match self.starts {
            1..=1000 => Ok(()),
            starts => out("starts", "1 to 1000", starts),
        }
    }
}
