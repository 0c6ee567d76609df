//! What a listing is worth: fitting a hedonic price model, judging it, keeping it in files.
//!
//! Pure computation over Arrow batches: no network, no clock that decides anything. The same input
//! gives the same model, bit for bit, on any number of threads. Estimates are retransformed from the
//! logarithm by the inverse of its [`Link`] alone, so they are medians, not means, of the price.

pub mod artifact;
mod axis;
pub mod baseline;
mod binding;
mod boosted;
mod by_text;
mod cells;
mod check;
mod classification;
pub mod clean;
pub mod clustering;
pub mod comparables;
mod comparison;
pub mod conformal;
mod credibility;
pub mod datamart;
mod draw;
mod equity;
mod estimator;
pub mod explain;
pub mod export;
pub mod features;
pub mod fit;
mod frame;
mod json;
mod learned;
pub mod linear;
mod link;
pub mod member;
pub mod metrics;
pub mod mismatch;
pub mod model;
mod mondrian;
mod neighbours;
pub mod online;
pub mod profile;
pub mod ratio_study;
pub mod segment;
mod space;
pub mod split;
mod stack;
#[doc(hidden)]
pub mod stages;
pub mod useless;

pub use artifact::{ArtifactError, Reading};
pub use boosted::{BoostedOptions, ForestOptions, Growth};
pub use cells::Cell;
pub use classification::{
    Bin, ClassFold, ClassMember, ClassMetrics, ClassModel, ClassReport, Confusion, Importance,
    Interval, LogisticOptions, RocPoint, classes, classify,
};
pub use clustering::{ClusterReport, Clustering, ClusteringError, ClusteringOptions, Clusters};
pub use comparables::Comparable;
pub use comparison::ComparablesOptions;
pub use conformal::Share;
pub use explain::{Explanation, Reason};
pub use fit::{Effort, FitError, FitOptions, FoldBy, SplitBy, fit};
pub use learned::Learned;
pub use linear::ElasticNetOptions;
pub use link::Link;
pub use member::{MemberOptions, NamedMember};
pub use metrics::{Calibration, FoldReport, JudgedRow, MemberReport, Metrics, Report, Stacked};
pub use mismatch::{Difference, SchemaMismatch};
pub use model::{BoundRecord, Model, PredictError, Prediction};
pub use online::{Online, OnlineOptions};
pub use profile::{Drift, Profile, Tally};
pub use ratio_study::RatioStudy;
pub use segment::Segment;
pub use useless::{Dropped, Why};
