//! A model's trial on recent requests, before anybody gets its answers.

use std::fmt;
use std::time::Instant;

use anyhow::ensure;
use arrow_array::RecordBatch;
use serde::Serialize;
use valuation::{Model, TrainedModel};

/// What a model says of recent requests, beside the one before. It has run by then: what it needs is
/// in memory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Shadow {
    pub rows: usize,
    /// Median of new price / old price.
    pub median_ratio: Option<f64>,
    /// Median of how far prices move either way, as a factor of at least 1.
    pub median_change: Option<f64>,
    /// Time for a row.
    pub us_per_row: f64,
}

impl Shadow {
    /// Tries a model; `None` where there are no requests yet.
    ///
    /// # Errors
    /// When a price is none, or prices move by more than `max_change` (a factor; 0 for any) in the
    /// median.
    pub fn of(
        model: &TrainedModel,
        before: Option<&TrainedModel>,
        recent: &[RecordBatch],
        max_change: f64,
    ) -> anyhow::Result<Option<Shadow>> {
        let began = Instant::now();
        let mut predicted = Vec::new();
        for batch in recent {
            predicted.extend(model.predict(batch)?);
        }
        if predicted.is_empty() {
            return Ok(None);
        }
        let us_per_row = began.elapsed().as_secs_f64() * 1e6 / predicted.len() as f64;
        for price in &predicted {
            let (low, value, high) = (price.low, price.value, price.high);
            ensure!(
                high.is_finite() && low >= 0.0 && low <= value && value <= high,
                "for a recent request it predicts {value} in the interval {low} to {high}: \
                 expected finite numbers in order; fit another model"
            );
        }
        let mut logs = Vec::new();
        // A probability is not an amount, nor is a number that names something.
        let link = model.price().map(Model::link);
        if let (Some(before), Some(link)) = (before, link) {
            let mut new = predicted.iter();
            for batch in recent {
                let old = before.predict(batch)?;
                logs.extend(
                    old.iter()
                        .zip(&mut new)
                        .map(|(old, new)| link.ratio(new.value, old.value).ln()),
                );
            }
        }
        let median_ratio = median(&mut logs).map(f64::exp);
        logs.iter_mut().for_each(|log| *log = log.abs());
        let median_change = median(&mut logs).map(f64::exp);
        if let (Some(change), true) = (median_change, max_change > 0.0) {
            ensure!(
                change <= max_change,
                "it moves the prices of {} recent requests by a median factor of {change:.2}; \
                 expected at most {max_change} (applier.max_swap_change). If this is correct, \
                 activate it by hand",
                logs.len()
            );
        }
        Ok(Some(Shadow {
            rows: predicted.len(),
            median_ratio,
            median_change,
            us_per_row,
        }))
    }
}

fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let (_, median, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    Some(*median)
}

impl fmt::Display for Shadow {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} recent requests in {:.0} µs each",
            self.rows, self.us_per_row
        )?;
        if let Some(ratio) = self.median_ratio {
            write!(
                out,
                ", prices {:+.1} % in the median",
                100.0 * (ratio - 1.0)
            )?;
        }
        Ok(())
    }
}
