//! What a listing is worth: fitting a hedonic price model, judging it, keeping it in files.
//!
//! Pure computation over Arrow batches: no network, no clock that decides anything. The same input
//! gives the same model, bit for bit, on any number of threads. Estimates are retransformed from the
//! logarithm by the inverse of its [`Link`] alone, so they are medians, not means, of the price.

mod artifact;
mod axis;
pub mod baseline;
mod binding;
mod boosted;
mod by_text;
mod cells;
mod check;
mod classification;
mod clean;
pub mod clustering;
mod comparables;
pub mod conformal;
mod credibility;
pub mod datamart;
mod draw;
mod ensemble;
mod equity;
mod estimator;
mod explain;
pub mod export;
mod features;
mod fit;
mod fit_error;
mod folds;
mod frame;
mod json;
mod learned;
mod linear;
mod link;
mod members;
mod metrics;
mod mismatch;
mod model;
mod mondrian;
mod neighbours;
pub mod online;
mod part_error;
mod predict_error;
mod prediction;
mod profile;
pub mod ratio_study;
mod reading;
mod report;
mod segment;
mod solver_error;
mod space;
mod split;
#[doc(hidden)]
pub mod stages;
mod tree_inputs;
mod useless;

pub use artifact::{ArtifactError, Reading};
pub use boosted::{BoostedOptions, ForestOptions, Growth, TreeError};
pub use cells::Cell;
pub use classification::{
    Bin, ClassFold, ClassMember, ClassMetrics, ClassModel, ClassReport, Confusion, Importance,
    Interval, RocPoint, classes, classify,
};
pub use clustering::{ClusterReport, Clustering, ClusteringError, ClusteringOptions, Clusters};
pub use comparables::Comparable;
pub use conformal::Share;
pub use explain::{Explanation, Reason};
pub use fit::{Effort, FitOptions, fit};
pub use fit_error::FitError;
pub use folds::FoldBy;
pub use learned::Learned;
pub use link::Link;
pub use members::{
    ComparablesOptions, ElasticNetOptions, LinearOptions, LogisticOptions, MemberOptions,
    NamedMember,
};
pub use metrics::{JudgedRow, Metrics};
pub use mismatch::{Difference, SchemaMismatch};
pub use model::Model;
pub use online::{Online, OnlineOptions};
pub use predict_error::PredictError;
pub use prediction::Prediction;
pub use profile::{Drift, Profile, Tally};
pub use ratio_study::RatioStudy;
pub use reading::BoundRecord;
pub use report::{Calibration, FoldReport, MemberReport, Report, Stacked};
pub use segment::Segment;
pub use solver_error::SolverError;
pub use split::SplitBy;
pub use useless::{Dropped, Why};
