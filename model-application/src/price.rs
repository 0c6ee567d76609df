//! The one code path from a request's bytes to its answer.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use records::decode::{Decoded, Key};
use records::{Schema, timestamp};
use serde::Serialize;
use valuation::Explanation;

use crate::serving::Loaded;

/// The price given for a request.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Answer {
    /// As the request had it: a number stays a number.
    pub id: Key,
    pub prediction: f64,
    pub low: f64,
    pub high: f64,
    /// Nominal share of prices within low and high.
    pub confidence: f64,
    /// Which model said so.
    pub model: String,
    pub answered_at: String,
    /// What each field adds and past records like it, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

impl Answer {
    /// The message.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::json!(self).to_string().into_bytes()
    }
}

/// What is published for a request that cannot be priced, so that nobody waits in vain.
pub(crate) fn refusal(id: Option<&Key>, code: &str, reason: &str) -> serde_json::Value {
    serde_json::json!({ "id": id, "error": reason, "code": code })
}

/// Prices decoded requests with one model, in their order.
///
/// # Errors
/// When the model does not take the columns: the schema has changed under it.
pub(crate) fn price(
    schema: &Schema,
    decoded: &Decoded,
    loaded: &Loaded,
) -> anyhow::Result<Vec<Answer>> {
    let predictions = loaded.model.predict(&decoded.batch)?;
    let answered_at = timestamp::format(timestamp::now_us());
    let confidence = loaded.model.confidence();
    Ok(keys(schema, &decoded.batch)
        .zip(&decoded.key_was_number)
        .zip(predictions)
        .map(|((text, was_number), prediction)| Answer {
            id: Key {
                text,
                was_number: *was_number,
            },
            prediction: prediction.value,
            low: prediction.low,
            high: prediction.high,
            confidence,
            model: loaded.name.clone(),
            answered_at: answered_at.clone(),
            explanation: None,
        })
        .collect())
}

/// Adds to each answer what its price is made of and so many past records like it.
///
/// # Errors
/// When the model does not take the columns.
pub(crate) fn explain(
    answers: &mut [Answer],
    batch: &RecordBatch,
    loaded: &Loaded,
    comparables: usize,
) -> anyhow::Result<()> {
    for (row, answer) in answers.iter_mut().enumerate() {
        answer.explanation = Some(loaded.model.explain(batch, row, comparables)?);
    }
    Ok(())
}

fn keys<'a>(schema: &Schema, batch: &'a RecordBatch) -> impl Iterator<Item = String> + 'a {
    let column = batch
        .column_by_name(&schema.key)
        .expect("every schema has its key among its fields: it is checked when parsed")
        .as_string::<i32>();
    column.iter().map(|key| key.unwrap_or_default().to_owned())
}
