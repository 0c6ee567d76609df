//! `price`: records in, prices out, a line of JSON each; of a class its probability, of a clustering the
//! cluster's number.

use std::io::{BufRead, Write};
use std::path::Path;

use anyhow::Context;
use records::{Decoder, Purpose};
use serde_json::json;
use valuation::TrainedModel;

/// Records priced at a time: bounds memory.
const BATCH_ROWS: usize = 8192;

/// Prices every line of `from` by the version at `directory`; a line of `to` has `prediction`, and
/// of prices `low` and `high`. Lines stand for lines: a record that the schema refuses ends it.
///
/// # Errors
/// When the version does not load, a line is not a record, or nothing can be read or written.
pub fn price(directory: &Path, from: impl BufRead, mut to: impl Write) -> anyhow::Result<()> {
    let model = TrainedModel::load(directory)
        .with_context(|| format!("cannot load the version {}", directory.display()))?;
    let mut decoder = Decoder::new(model.schema(), Purpose::Request);
    let now_us = records::timestamp::now_us();
    let mut flush = |decoder: &mut Decoder| -> anyhow::Result<()> {
        for prediction in model.predict(&decoder.finish().batch)? {
            let line = match &model {
                TrainedModel::Price(_) => {
                    json!({ "prediction": prediction.value, "low": prediction.low, "high": prediction.high })
                }
                TrainedModel::Class(_) => json!({ "prediction": prediction.value }),
                TrainedModel::Clusters(_) => json!({ "prediction": prediction.value as u64 }),
            };
            writeln!(to, "{line}")?;
        }
        Ok(())
    };
    for (number, line) in (1_u64..).zip(from.lines()) {
        let line = line.context("cannot read the records")?;
        // Nulls are gaps: other programs' tables have them in every column.
        let mut record: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&line)
            .with_context(|| format!("line {number}: expected a JSON object"))?;
        record.retain(|_, value| !value.is_null());
        // Anyone who asks line by line needs no name for a line.
        let key = record.entry(model.schema().key.clone());
        key.or_insert_with(|| format!("line/{number}").into());
        let payload = serde_json::to_vec(&record)?;
        decoder
            .push(&payload, now_us)
            .map_err(|reason| anyhow::anyhow!("line {number}: {reason}"))?;
        if decoder.len() >= BATCH_ROWS {
            flush(&mut decoder)?;
        }
    }
    flush(&mut decoder)
}
