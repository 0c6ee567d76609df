//! What a clustering came to.

use serde::{Deserialize, Serialize};

use super::columns::Feature;
use crate::uninformative::Dropped;

/// What a clustering came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterReport {
    /// Records clustered.
    pub rows: usize,
    /// How many clusters there are.
    pub clusters: usize,
    /// Whether their number was given; else it is the one of the best silhouette.
    pub given: bool,
    /// The mean silhouette of all records, −1 to 1, on squared Euclidean distances of standardised
    /// features, as Spark's `ClusteringEvaluator` has it.
    pub silhouette: f64,
    /// The sum of squared distances of standardised features to the record's centre.
    pub inertia: f64,
    /// Every number of clusters that was tried.
    pub tried: Vec<Tried>,
    /// The clusters by number, the largest first.
    pub found: Vec<Cluster>,
    /// What the records were compared by.
    pub features: Vec<Feature>,
    /// Fields that carry no information, and are left out.
    pub dropped: Vec<Dropped>,
    /// The plane in which records differ most.
    pub picture: Picture,
    /// Seed of the starts.
    pub seed: u64,
    /// Starts of each number of clusters.
    pub starts: usize,
    /// Seconds of the fit; 0 in a loaded model.
    #[serde(skip)]
    pub fit_seconds: f64,
    /// The cluster of every record, in their order; empty in a loaded model.
    #[serde(skip)]
    pub members: Vec<usize>,
}

/// A number of clusters that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// How many.
    pub clusters: usize,
    /// The mean silhouette.
    pub silhouette: f64,
    /// The sum of squared distances to the centres.
    pub inertia: f64,
}

/// A cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// How many records of training are in it.
    pub size: usize,
    /// The mean silhouette of its records: how well it is set off.
    pub silhouette: f64,
    /// By feature, in its own unit: the mean of its records; the share of a level.
    pub centre: Vec<f64>,
    /// Where the centre is in the picture.
    pub place: [f64; 2],
}

/// Records and clusters in the plane of their first two principal components.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// Share of the variance of the standardised features in each direction.
    pub explained: [f64; 2],
    /// By feature: how much of it is in the two directions.
    pub directions: Vec<[f64; 2]>,
    /// Some of the records: their place and their cluster; empty in a loaded model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Point>,
}

/// A record in the picture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Where it lies.
    pub place: [f64; 2],
    /// Its cluster.
    pub cluster: usize,
}
