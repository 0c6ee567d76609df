//! Reports as text: tables for a terminal, and predictions as CSV.

mod clusters;
mod evaluation;
mod grid;
mod multiclass;
mod predictions;
mod summary;
mod training;

pub use clusters::clusters;
pub use evaluation::evaluation;
pub use grid::grid;
pub use predictions::{cluster_predictions, predictions};
pub use summary::summary;
pub use training::{rejected, training};

pub(crate) use evaluation::members_used;
