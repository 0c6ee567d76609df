//! Which level a category has: schemas of `task = "classification"` whose target is a category without `[class]`.
//!
//! One versus the rest: every level is a class of its own (`classification`), with its own members, weights and
//! calibration. The calibrated probabilities of a record are divided by their sum (Zadrozny & Elkan 2002, Transforming
//! Classifier Scores into Accurate Multiclass Probability Estimates), raised to one power before, which makes them as sure
//! as they are right on rows that no member had seen.

mod artifact;
mod errors;
mod explain;
mod fit;
mod judge;
mod levels;
mod metrics;
mod model;
mod normalised;
mod report;

pub use self::errors::{MulticlassErrors, ScoredRow};
pub use self::fit::classify_levels;
pub use self::levels::{LEVEL_ROWS, MOST_LEVELS};
pub use self::metrics::{LevelMetrics, MulticlassMetrics};
pub use self::model::MulticlassModel;
pub use self::normalised::predicted_level;
pub use self::report::{LevelMember, LevelReport, MulticlassReport};
