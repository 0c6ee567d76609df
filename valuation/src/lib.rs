//! What a listing is worth: fitting a hedonic price model, judging it, keeping it in files.
//!
//! Pure computation over Arrow batches: no network, no threads, no clock that decides anything.
//! The same input gives the same model, bit for bit. Estimates are retransformed from the
//! logarithm by `exp` alone, so they are medians, not means, of the price.

pub mod artifact;
pub mod baseline;
mod cells;
mod check;
pub mod clean;
pub mod conformal;
pub mod features;
pub mod fit;
pub mod linear;
pub mod metrics;
pub mod mismatch;
pub mod model;
pub mod split;

pub use artifact::ArtifactError;
pub use fit::{FitError, FitOptions, fit};
pub use metrics::{Metrics, Report};
pub use mismatch::{Difference, SchemaMismatch};
pub use model::{Model, PredictError, Prediction};
