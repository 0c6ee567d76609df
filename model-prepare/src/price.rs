//! `price`: records in, prices out, a line of JSON each; of a class its probability, of several the predicted one and the
//! probability of each, of a clustering the cluster's number.

use std::io::{BufRead, Write};
use std::path::Path;

use anyhow::{Context, bail};
use records::{Decoder, Purpose};
use serde_json::{Map, Value, json};
use valuation::{TrainedModel, predicted_level};

/// Records priced at a time: bounds memory.
const BATCH_ROWS: usize = 8192;

/// What became of the lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Priced {
    /// Lines that have a price.
    pub rows: u64,
    /// Lines that have an error.
    pub refused: u64,
}

/// Prices every line of `from` by the version at `directory`. Lines stand for lines: one of `to` has
/// `prediction`, and of prices `low` and `high`; or `error` and `code` where the line is no record that the schema
/// takes. Where `is_strict`, such a line ends it. With `comparables` a prediction has its `explanation` too: what each
/// field adds, and for a price so many past records like it.
///
/// # Errors
/// When the version does not load, nothing can be read or written, a line is not a record and `is_strict`, or a cluster is
/// to be explained.
pub fn price(
    directory: &Path,
    from: impl BufRead,
    mut to: impl Write,
    is_strict: bool,
    comparables: Option<usize>,
) -> anyhow::Result<Priced> {
    let model = TrainedModel::load(directory)
        .with_context(|| format!("cannot load the version {}", directory.display()))?;
    if comparables.is_some() && model.clusters().is_some() {
        bail!(
            "expected a model of prices or of a class for --explain, found a clustering: price without it"
        );
    }
    let mut decoder = Decoder::new(model.schema(), Purpose::Request);
    let now_us = records::timestamp::now_us();
    let mut priced = Priced::default();
    // Of each line that waits: what is wrong with it.
    let mut lines: Vec<Option<Value>> = Vec::new();
    let mut flush = |decoder: &mut Decoder, lines: &mut Vec<Option<Value>>| -> anyhow::Result<()> {
        let batch = decoder.finish().batch;
        let mut predictions = model.predict(&batch)?.into_iter().enumerate();
        let probabilities = match model.multiclass() {
            Some(model) => model.probabilities(&batch)?,
            None => Vec::new(),
        };
        for refusal in lines.drain(..) {
            let line = match (refusal, &model) {
                (Some(refusal), _) => {
                    priced.refused += 1;
                    refusal
                }
                (None, model) => {
                    priced.rows += 1;
                    let (row, prediction) =
                        predictions.next().context("a record has no prediction")?;
                    // As the service says it.
                    let prediction = model.stated(prediction);
                    let mut answer = match model {
                        TrainedModel::Price(_) => {
                            json!({ "prediction": prediction.value, "low": prediction.low, "high": prediction.high })
                        }
                        TrainedModel::Class(_) => json!({ "prediction": prediction.value }),
                        TrainedModel::Multiclass(model) => {
                            let row = probabilities.get(row).context("a record has no answer")?;
                            let levels = model.levels();
                            let by_level = levels.iter().cloned().zip(row.iter().map(|p| json!(p)));
                            let by_level: Map<String, Value> = by_level.collect();
                            json!({ "prediction": prediction.value, "class": levels[predicted_level(row)],
                                    "probabilities": by_level })
                        }
                        TrainedModel::Clusters(_) => {
                            json!({ "prediction": prediction.value as u64 })
                        }
                    };
                    if let Some(comparables) = comparables
                        && let Some(explained) = model.explain(&batch, row, comparables)?
                    {
                        answer["explanation"] = serde_json::to_value(explained.stated())?;
                    }
                    answer
                }
            };
            writeln!(to, "{line}")?;
        }
        Ok(())
    };
    for (number, line) in (1_u64..).zip(from.lines()) {
        let line = line.context("cannot read the records")?;
        let refusal = match record(&line, number, &model.schema().key) {
            Ok(payload) => match decoder.push(&payload, now_us) {
                Ok(()) => None,
                Err(reason) => Some((reason.code(), reason.to_string())),
            },
            Err(error) => Some(("not_json", format!("expected a JSON object: {error}"))),
        };
        if let (Some((_, error)), true) = (&refusal, is_strict) {
            bail!("line {number}: {error}");
        }
        lines.push(refusal.map(|(code, error)| json!({ "error": error, "code": code })));
        if lines.len() >= BATCH_ROWS {
            flush(&mut decoder, &mut lines)?;
        }
    }
    flush(&mut decoder, &mut lines)?;
    to.flush()?;
    Ok(priced)
}

/// A line as a record that has a key.
fn record(line: &str, number: u64, key: &str) -> serde_json::Result<Vec<u8>> {
    let mut record: Map<String, Value> = serde_json::from_str(line)?;
    // Nulls are gaps: other programs' tables have them in every column.
    record.retain(|_, value| !value.is_null());
    // Whoever asks line by line needs no name for a line.
    let key = record.entry(key.to_owned());
    key.or_insert_with(|| format!("line/{number}").into());
    serde_json::to_vec(&record)
}
