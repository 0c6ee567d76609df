//! What a listing is worth: fitting a hedonic price model, judging it, keeping it in files.
//!
//! Pure computation over Arrow batches: no network, no clock that decides anything. The same input
//! gives the same model, bit for bit, on any number of threads. Estimates are retransformed from the
//! logarithm by the inverse of its [`Link`] alone, so they are medians, not means, of the price.
//!
//! [`train`] fits a model of the schema's task (regression, classification or clustering) and judges it on a
//! hold-out; [`TrainedModel`] predicts, and is saved and loaded as an artifact.
//!
//! ```
//! use records::{Decoder, Purpose, Schema};
//! use valuation::{Effort, FitOptions, TrainedModel, Provenance, train};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let schema = Schema::real_estate();
//! let now_us = 1_767_225_600_000_000;
//! let mut listings = Decoder::new(&schema, Purpose::Listing);
//! for id in 0..400 {
//!     let (rooms, floor) = (1 + id % 4, 1 + id % 9);
//!     let price = 2_000_000 + 1_500_000 * rooms + 50_000 * floor + 1_000 * (id * 37 % 101);
//!     let listing = format!(
//!         r#"{{"id": {id}, "listed_at": {}, "city": "Kazan", "street": "Baumana",
//!             "floor": {floor}, "rooms": {rooms}, "price": {price}}}"#,
//!         1_690_000_000 + 3600 * id
//!     );
//!     listings.push(listing.as_bytes(), now_us).map_err(|reason| format!("{reason:?}"))?;
//! }
//! let batch = listings.finish().batch;
//!
//! let options = FitOptions { effort: Effort::Quick, ..FitOptions::default() };
//! let provenance = Provenance { code_version: "1.0".to_owned(), trained_at_us: now_us };
//! let (model, report) = train(&schema, &batch, &options, provenance)?;
//! let errors = &report.price().expect("a regression").model;
//! println!("median absolute error on the hold-out: {:.1} %", 100.0 * errors.mdape);
//! assert!(errors.mdape < 0.05);
//!
//! let prediction = model.predict(&batch.slice(0, 1))?[0];
//! assert!(prediction.low < prediction.value && prediction.value < prediction.high);
//!
//! let directory = std::env::temp_dir().join(format!("valuation-{}", std::process::id()));
//! std::fs::create_dir(&directory)?;
//! model.save(&directory)?;
//! assert_eq!(TrainedModel::load(&directory)?.predict(&batch.slice(0, 1))?[0], prediction);
//! # std::fs::remove_dir_all(&directory)?;
//! # Ok(())
//! # }
//! ```

mod adaptive;
mod artifact;
mod assessed;
mod axis;
pub mod baseline;
mod binding;
mod boosted;
mod by_text;
mod carried;
mod cells;
mod check;
mod classification;
mod clean;
pub mod clustering;
mod comparables;
pub mod conformal;
mod credibility;
pub mod datamart;
mod ensemble;
mod equity;
mod equity_report;
mod estimator;
mod explain;
pub mod export;
mod fit;
mod fit_error;
mod fit_report;
mod folds;
mod import;
mod json;
mod kd_tree;
mod known;
mod likeness;
mod linear;
mod linear_design;
mod link;
mod members;
mod metrics;
mod mismatch;
mod model;
mod mondrian;
mod multiclass;
mod name_codes;
mod name_tables;
mod names;
mod neighbours;
pub mod online;
mod part_error;
mod predict_error;
mod prediction;
mod profile;
mod progress;
mod provenance;
pub mod ratio_study;
mod reading;
mod report;
mod rng;
mod segment;
mod solver_error;
mod split;
#[doc(hidden)]
pub mod stages;
mod stated;
mod train;
mod trained_model;
mod tree_features;
mod tree_inputs;
mod uninformative;
mod widths_by_estimate;

pub use adaptive::AdaptiveWidth;
pub use artifact::{ArtifactError, Reading};
pub use assessed::{Assessed, UnseenName};
pub use boosted::{BoostedOptions, ForestOptions, Growth, Names, TreeError};
pub use cells::Cell;
pub use classification::{
    Bin, ClassErrors, ClassFold, ClassMember, ClassMetrics, ClassModel, ClassReport, Confusion,
    Importance, Interval, RocPoint, classes, classify,
};
pub use clustering::{ClusterReport, Clustering, ClusteringError, ClusteringOptions, Clusters};
pub use comparables::{Comparable, FieldDifference};
pub use conformal::Share;
pub use equity_report::EquityReport;
pub use explain::{Explanation, Reason, Scale};
pub use fit::{Effort, FitOptions, fit};
pub use fit_error::FitError;
pub use fit_report::FitReport;
pub use folds::FoldBy;
pub use import::{ImportError, ImportReport};
pub use known::Warning;
pub use link::Link;
pub use members::{
    ComparablesOptions, ElasticNetOptions, LinearOptions, LogisticOptions, MemberOptions,
    NamedMember,
};
pub use metrics::{JudgedRow, Metrics};
pub use mismatch::{Difference, SchemaMismatch};
pub use model::Model;
pub use multiclass::{
    LEVEL_ROWS, LevelMember, LevelMetrics, LevelReport, MOST_LEVELS, MulticlassErrors,
    MulticlassMetrics, MulticlassModel, MulticlassReport, ScoredRow, classify_levels,
    predicted_level,
};
pub use online::{Online, OnlineOptions};
pub use predict_error::PredictError;
pub use prediction::Prediction;
pub use profile::{Drift, Profile, Tally};
pub use progress::{FitObserver, FitProgress, FitStage, Measure, MemberProgress, Observer};
pub use provenance::Provenance;
pub use ratio_study::RatioStudy;
pub use reading::BoundRecord;
pub use report::{Calibration, FoldReport, MemberReport, RecipeReport, Report, Stacked};
pub use segment::Segment;
pub use solver_error::SolverError;
pub use split::SplitBy;
pub use train::train;
pub use trained_model::TrainedModel;
pub use uninformative::{Dropped, Why};
