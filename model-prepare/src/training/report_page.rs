//! The report of a training as a page.

use std::time::Instant;

use records::{Decoder, Purpose, Schema};
use report::html::evaluation_page;
use report::{Evaluated, Speed};
use valuation::{FitReport, Model, SplitBy, TrainedModel};

use crate::config::Config;
use crate::listings::{self, Listings};
use crate::measures::effects::effects;

/// Rows timed: a training is not to wait for its report.
const TIMED_ROWS: usize = 2_000;
const TIMED_SINGLE: usize = 100;

/// The page of a training, with a short measurement of the speed.
pub(super) fn report_page(
    config: &Config,
    listings: &Listings,
    model: &TrainedModel,
    report: &FitReport,
) -> anyhow::Result<String> {
    let schema: &Schema = &config.schema;
    let evaluated = Evaluated {
        schema: schema.name.clone(),
        version: env!("CARGO_PKG_VERSION"),
        split: match config.prepare.fit_options().split {
            SplitBy::Random => "random",
            SplitBy::Time => "time",
        },
        test_fraction: config.prepare.holdout_fraction,
        seed: config.prepare.seed,
        rows_rejected: listings.rejected.len(),
        refused: listings.refused.clone(),
        columns_ignored: listings.ignored.clone(),
        fields_empty: listings::empty_fields(schema, &listings.batch)
            .into_iter()
            .map(str::to_owned)
            .collect(),
        interval: config.prepare.interval,
        fit_seconds: report.fit_seconds(),
        fit_processor_seconds: None,
        speed: speed(model, listings)?,
        effects: effects(model, listings, report)?,
        importance: model.price().map_or_else(Vec::new, Model::importance),
        report: report.clone(),
    };
    Ok(evaluation_page(&evaluated, schema, &listings.batch))
}

/// A short look at the speed; an evaluation measures it at length.
fn speed(model: &TrainedModel, listings: &Listings) -> anyhow::Result<Speed> {
    let batch = &listings.batch;
    let rows = batch.num_rows();
    let stride = (rows / TIMED_SINGLE).max(1);
    let (mut columns, mut json) = (Vec::new(), Vec::new());
    let mut decoder = Decoder::new(model.schema(), Purpose::Request);
    for row in (0..rows).step_by(stride).take(TIMED_SINGLE) {
        let one = batch.slice(row, 1);
        let started = Instant::now();
        model.predict(&one)?;
        columns.push(started.elapsed().as_secs_f64() * 1e6);
        let bytes = serde_json::to_vec(&records::encode::to_json(batch, row))?;
        let started = Instant::now();
        decoder.push(&bytes, records::timestamp::now_us())?;
        model.predict(&decoder.finish().batch)?;
        json.push(started.elapsed().as_secs_f64() * 1e6);
    }
    let part = batch.slice(0, rows.min(TIMED_ROWS));
    let started = Instant::now();
    model.predict(&part)?;
    let seconds = started.elapsed().as_secs_f64();
    columns.sort_by(f64::total_cmp);
    json.sort_by(f64::total_cmp);
    let at = |times: &[f64], share: f64| {
        let index = ((times.len().max(1) - 1) as f64 * share).round() as usize;
        times.get(index).copied().unwrap_or(0.0)
    };
    Ok(Speed {
        one_row_us: at(&columns, 0.5),
        one_row_p99_us: at(&columns, 0.99),
        one_json_us: at(&json, 0.5),
        rows_per_second: part.num_rows() as f64 / seconds.max(f64::MIN_POSITIVE),
    })
}
