//! What is reported of vertical equity.

use serde::{Deserialize, Serialize};

/// What the stretch of estimates may cost, as a share of the log error.
pub(crate) const MOST_COST: f64 = 0.003;

/// Whether cheap and expensive homes are estimated alike, out of fold, and what that cost: the stretch of
/// estimates around their mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EquityReport {
    /// How many times as far from the mean log price estimates are set; 1 changes nothing.
    pub slope: f64,
    /// Price-related differential with it.
    pub prd: f64,
    /// Price-related bias with it.
    pub prb: f64,
    /// By what share the log error is greater.
    pub cost: f64,
    /// Whether both are within the IAAO's bands, with some room for the hold-out.
    pub reached: bool,
    /// Whether a greater slope would cost more error than it may.
    pub costs_too_much: bool,
}

impl EquityReport {
    /// Why the bands are not reached, in words; none where they are.
    pub fn reason(&self) -> Option<String> {
        if self.reached {
            return None;
        }
        let why = match self.costs_too_much {
            true => format!(
                "a greater stretch would cost more than {} % of the error",
                100.0 * MOST_COST
            ),
            false => "the greatest stretch is not enough".to_owned(),
        };
        Some(format!(
            "expensive homes stay too low out of fold (PRD {:.3}, PRB {:.3}, stretched by {:.4}): {why}",
            self.prd, self.prb, self.slope
        ))
    }
}
