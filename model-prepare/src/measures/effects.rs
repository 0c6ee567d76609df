//! What prices go by, whatever the members are.

use std::collections::BTreeMap;

use valuation::{FitReport, TrainedModel};

use crate::listings::Listings;

/// Judged rows that are taken apart to see what their prices go by.
const EXPLAINED_ROWS: usize = 100;

/// What each field moves the price by, the most first; nothing of what is not a price.
pub(crate) fn effects(
    model: &TrainedModel,
    listings: &Listings,
    fit: &FitReport,
) -> anyhow::Result<Vec<(String, f64)>> {
    let (Some(model), Some(report)) = (model.price(), fit.price()) else {
        return Ok(Vec::new());
    };
    let stride = report.judged.len().div_ceil(EXPLAINED_ROWS).max(1);
    let rows: Vec<usize> = report
        .judged
        .iter()
        .step_by(stride)
        .map(|one| one.row)
        .collect();
    let mut shares: BTreeMap<String, f64> = BTreeMap::new();
    for row in &rows {
        let explained = model.explain(&listings.batch, *row, 0)?;
        let amounts = explained.reasons.iter().map(|reason| reason.amount);
        let price = explained.base + amounts.sum::<f64>();
        for reason in explained.reasons {
            *shares.entry(reason.field).or_default() +=
                reason.amount.abs() / price / rows.len() as f64;
        }
    }
    let mut shares: Vec<(String, f64)> = shares.into_iter().collect();
    shares.sort_by(|one, other| other.1.total_cmp(&one.1));
    Ok(shares)
}
