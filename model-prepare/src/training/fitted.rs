//! What a training hands on to its run.

use std::time::Instant;

use valuation::{FitReport, TrainedModel};

use crate::config::Config;
use crate::listings::Listings;

/// A fitted model, with what it was fitted on.
pub(crate) struct Fitted<'a> {
    pub(crate) config: &'a Config,
    pub(crate) listings: &'a Listings,
    pub(crate) model: &'a TrainedModel,
    pub(crate) report: &'a FitReport,
    /// Where the listings came from.
    pub(crate) source: &'a str,
    /// Listings that the loader had stored by then; `None` for a file.
    pub(crate) arrived: Option<u64>,
    /// When the reading began.
    pub(crate) began: Instant,
}
