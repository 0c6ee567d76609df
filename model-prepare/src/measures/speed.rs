//! How quickly a model answers.

use std::time::Instant;

use records::{Decoder, Purpose, Schema};
use report::Speed;
use valuation::TrainedModel;

use crate::listings::Listings;

/// Single rows timed for the latency.
const SINGLE_ROWS: usize = 2_000;
/// Rows of the batch that is timed: the file's own, repeated.
const BATCH_ROWS: usize = 100_000;
/// Runs of the batch; the median counts.
const BATCH_RUNS: usize = 3;

/// Times single rows and batches of the file's own.
pub(crate) fn speed(
    model: &TrainedModel,
    schema: &Schema,
    listings: &Listings,
) -> anyhow::Result<Speed> {
    let batch = &listings.batch;
    let rows = batch.num_rows();
    let stride = (rows / SINGLE_ROWS).max(1);
    let single: Vec<usize> = (0..rows).step_by(stride).take(SINGLE_ROWS).collect();
    let (mut one_row, mut one_json) = (Vec::new(), Vec::new());
    for row in &single {
        let alone = batch.slice(*row, 1);
        let started = Instant::now();
        model.predict(&alone)?;
        one_row.push(started.elapsed().as_secs_f64() * 1e6);
    }
    let mut decoder = Decoder::new(schema, Purpose::Request);
    for row in &single {
        let record = serde_json::to_vec(&records::encode::to_json(batch, *row))?;
        let started = Instant::now();
        if decoder.push(&record, records::timestamp::now_us()).is_ok() {
            model.predict(&decoder.finish().batch)?;
            one_json.push(started.elapsed().as_secs_f64() * 1e6);
        }
    }
    let repeats = BATCH_ROWS.div_ceil(rows);
    let parts = vec![batch; repeats];
    let many = arrow_select::concat::concat_batches(&batch.schema(), parts)?;
    let many = many.slice(0, BATCH_ROWS.min(many.num_rows()));
    let mut runs = Vec::new();
    for _ in 0..BATCH_RUNS {
        let started = Instant::now();
        model.predict(&many)?;
        runs.push(many.num_rows() as f64 / started.elapsed().as_secs_f64());
    }
    let at = |values: &mut Vec<f64>, share: f64| {
        values.sort_by(f64::total_cmp);
        let last = values.len().saturating_sub(1) as f64;
        values
            .get((last * share).round() as usize)
            .copied()
            .unwrap_or(0.0)
    };
    Ok(Speed {
        one_row_us: at(&mut one_row, 0.5),
        one_row_p99_us: at(&mut one_row, 0.99),
        one_json_us: at(&mut one_json, 0.5),
        rows_per_second: at(&mut runs, 0.5),
    })
}
