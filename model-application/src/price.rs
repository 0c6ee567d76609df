//! The one code path from decoded requests to their answers.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use records::decode::{Decoded, Key};
use records::encode::Record;
use records::{Schema, timestamp};
use valuation::{Assessed, Explanation, Model, PredictError, Prediction};

use crate::answer::{Answer, Namespace, UnknownFields, Worded};
use crate::levels::{AnsweredClass, Probabilities};
use crate::request_options::RequestOptions;
use crate::serving::Loaded;

/// A request's place in time, and what it asks for besides a price.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    /// When it arrived, microseconds since 1970.
    pub arrival_us: i64,
    pub options: RequestOptions,
}

/// Answers and the predictions they hold, row by row.
pub(crate) struct Priced {
    pub answers: Vec<Answer>,
    pub predictions: Vec<Prediction>,
}

impl Priced {
    /// The answers' bytes; `decoded` is what was priced. With the `key` of the schema also the fields of the
    /// requests but for it, to be stored.
    pub fn worded(
        self,
        decoded: &Decoded,
        key: Option<&str>,
        namespace: Namespace,
    ) -> impl Iterator<Item = Worded> {
        let answers = self.answers.into_iter().zip(&decoded.digests).enumerate();
        answers.map(move |(index, (answer, digest))| {
            let record = key.map(|without| {
                let batch = &decoded.batch;
                let record = Record {
                    batch,
                    index,
                    without,
                };
                serde_json::to_vec(&record)
                    .expect("a record has texts for keys, and nothing else can fail")
            });
            Worded::new(answer, *digest, record, namespace)
        })
    }
}

/// Prices decoded requests with one model, in their order; `asked` has one element a row.
///
/// # Errors
/// When the model does not take the columns: the schema has changed under it.
pub(crate) fn price(
    schema: &Schema,
    decoded: &Decoded,
    asked: &[Asked],
    loaded: &Loaded,
) -> Result<Priced, PredictError> {
    let batch = &decoded.batch;
    let model = &loaded.model;
    let assessed = loaded.assess(batch)?;
    let now_us = timestamp::now_us();
    let answered_at: Arc<str> = timestamp::format(now_us).into();
    let name: Arc<str> = loaded.name.as_str().into();
    let data_until: Option<Arc<str>> = loaded.data_until.as_deref().map(Arc::from);
    let (confidence, threshold) = (model.confidence(), model.threshold());
    let adapted = loaded.adapted();
    let link = model.price().map(Model::link).unwrap_or_default();
    // A probability has no unit.
    let is_class = threshold.is_some() || loaded.levels.is_some();
    let target = schema.target.as_deref().filter(|_| !is_class);
    let unit = target.and_then(|target| schema.field(target)?.unit.as_deref());
    let unit: Option<Arc<str>> = unit.map(Arc::from);
    let keys = texts(batch, &schema.key).expect("every schema has its key among its columns");
    let segments = model.group().and_then(|field| texts(batch, field));
    let mut predictions = Vec::with_capacity(assessed.len());
    let mut answers = Vec::with_capacity(assessed.len());
    for (row, assessed) in assessed.into_iter().enumerate() {
        let Assessed {
            prediction,
            warnings,
            unseen,
            probabilities,
        } = assessed;
        predictions.push(prediction);
        let prediction = match adapted {
            Some(factor) => prediction.widened(link, factor),
            None => prediction,
        };
        let prediction = model.stated(prediction);
        let Asked {
            arrival_us,
            options,
        } = asked[row];
        let segments = segments.filter(|segments| segments.is_valid(row));
        answers.push(Answer {
            id: Key {
                text: keys.value(row).to_owned(),
                was_number: decoded.key_was_number[row],
            },
            prediction: prediction.value,
            low: confidence.map(|_| prediction.low),
            high: confidence.map(|_| prediction.high),
            confidence,
            interval_factor: adapted,
            class: match (&loaded.levels, threshold) {
                (Some(levels), _) => levels.predicted(&probabilities).map(AnsweredClass::Level),
                (None, threshold) => {
                    threshold.map(|threshold| AnsweredClass::IsOf(prediction.value >= threshold))
                }
            },
            probabilities: loaded.levels.as_ref().map(|levels| Probabilities {
                levels: levels.clone(),
                values: probabilities,
            }),
            threshold,
            unit: unit.clone(),
            model: Arc::clone(&name),
            data_until: data_until.clone(),
            answered_at: Arc::clone(&answered_at),
            // A producer's clock may be ahead of ours.
            took_ms: (now_us - arrival_us).max(0) as f64 / 1000.0,
            unseen: loaded.names.unseen(unseen),
            unknown_fields: UnknownFields::new(),
            explanation: match options.comparables {
                Some(comparables) => {
                    let explained = model.explain(batch, row, comparables)?;
                    explained.map(Explanation::stated)
                }
                None => None,
            },
            warnings,
            segment: segments.map(|segments| segments.value(row).to_owned()),
        });
    }
    Ok(Priced {
        answers,
        predictions,
    })
}

/// A column of texts.
pub(crate) fn texts<'a>(
    batch: &'a RecordBatch,
    column: &str,
) -> Option<&'a arrow_array::StringArray> {
    batch.column_by_name(column)?.as_string_opt::<i32>()
}
