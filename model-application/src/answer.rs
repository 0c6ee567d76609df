//! The answer to a request.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use records::Digest;
use records::decode::Key;
use serde::{Deserialize, Serialize, Serializer};
use valuation::{Explanation, Warning};

use crate::levels::{AnsweredClass, Probabilities};
use crate::unseen::Unseen;

/// Names of fields that are not in the schema, each with a field that has nearly the same name.
pub type UnknownFields = BTreeMap<String, Option<String>>;

/// The price given for a request. Texts that all answers of a batch have are shared.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// As the request had it: a number stays a number.
    pub id: Key,
    /// The price; of a class, how likely the record is of it, of several that of the predicted one; of a clustering, the
    /// cluster's number.
    #[serde(serialize_with = "in_short")]
    pub prediction: f64,
    /// The lower end of the price's range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// The upper end of its range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Nominal share of prices within low and high.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// What the width of the model's interval was multiplied by on the scale of logarithms, where labels of earlier answers
    /// adapt it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_factor: Option<f64>,
    /// Whether the record is predicted to be of the class: its probability reaches the threshold. Of several classes the
    /// predicted one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<AnsweredClass>,
    /// Of several classes the probability of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probabilities: Option<Probabilities>,
    /// The probability from which on it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// What the price is counted in, where the schema says so.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_text_if_any"
    )]
    pub unit: Option<Arc<str>>,
    /// The model that made it.
    #[serde(serialize_with = "as_text")]
    pub model: Arc<str>,
    /// The newest time among the listings it learned from: the age of its knowledge.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "as_text_if_any"
    )]
    pub data_until: Option<Arc<str>>,
    /// In UTC, as RFC 3339 writes it.
    #[serde(serialize_with = "as_text")]
    pub answered_at: Arc<str>,
    /// From the request's arrival (in Kafka, or over HTTP) to its price.
    pub took_ms: f64,
    /// Names that the model knows nothing of: they are priced as an average of the others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<Unseen>,
    /// Fields of the record that the schema does not have, each with the field that may be meant; over HTTP.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unknown_fields: UnknownFields,
    /// What each field adds and past records like it, where they were requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
    /// Values that lie outside of what the model has learned from: its range is wider for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// The market it belongs to: live quality is reported by it.
    #[serde(skip)]
    pub segment: Option<String>,
}

fn as_text<S: Serializer>(text: &Arc<str>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(text)
}

fn as_text_if_any<S: Serializer>(text: &Option<Arc<str>>, to: S) -> Result<S::Ok, S::Error> {
    text.as_deref().serialize(to)
}

/// A whole number without its point: a cluster is 3, not 3.0.
fn in_short<S: Serializer>(prediction: &f64, to: S) -> Result<S::Ok, S::Error> {
    /// Beyond it a float no longer distinguishes whole numbers (2^53).
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match prediction.fract() == 0.0 && prediction.abs() < EXACT {
        true => to.serialize_i64(*prediction as i64),
        false => to.serialize_f64(*prediction),
    }
}

/// Code of a request whose id another record has.
pub(crate) const CONFLICT: &str = "conflict";
/// Why such a request gets no price; the same words each time.
pub(crate) const CONFLICT_REASON: &str = "an earlier request with this id has another record, and \
                                          its answer stays; expected the same record, or a new id";
/// Longest reason in an error answer, in characters: an answer must fit into a Kafka message whatever
/// the request was.
const REASON_CHARS: usize = 1000;

/// Bytes that an answer without reasons has, and some more: room for it is made once.
const USUAL_BYTES: usize = 512;

/// Which requests' ids mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Namespace {
    /// Those of requests over Kafka.
    #[default]
    Shared,
    /// Those given over HTTP, so that a stranger there decides nothing for a request over Kafka.
    Http,
}

impl Namespace {
    /// Bytes that it adds to an id, at most.
    pub const LONGEST: usize = 5;

    /// What a request over HTTP means where it does not say.
    pub fn http() -> Namespace {
        Namespace::Http
    }

    /// The id that an answer is stored under.
    pub fn request_id(self, id: &str) -> Cow<'_, str> {
        match self {
            Namespace::Shared => Cow::Borrowed(id),
            Namespace::Http => Cow::Owned(format!("http:{id}")),
        }
    }
}

/// An answer and its bytes, which are made once: what is stored, published and replied.
#[derive(Debug)]
pub(crate) struct Worded {
    pub answer: Answer,
    pub payload: Bytes,
    /// Of the record it was given to.
    pub digest: Digest,
    /// The record's fields as JSON, if they are stored.
    pub record: Option<Vec<u8>>,
    namespace: Namespace,
}

impl Worded {
    pub fn new(
        answer: Answer,
        digest: Digest,
        record: Option<Vec<u8>>,
        namespace: Namespace,
    ) -> Worded {
        let mut payload = Vec::with_capacity(USUAL_BYTES);
        serde_json::to_writer(&mut payload, &answer)
            .expect("an answer has texts for keys, and nothing else can fail");
        Worded {
            answer,
            payload: payload.into(),
            digest,
            record,
            namespace,
        }
    }

    /// The id that it is stored under.
    pub fn request_id(&self) -> Cow<'_, str> {
        self.namespace.request_id(&self.answer.id.text)
    }
}

/// The answer to a request that cannot be priced, so that the client does not wait. The same request
/// always gets the same bytes.
pub(crate) fn refusal(id: Option<&Key>, code: &str, reason: &str) -> serde_json::Value {
    serde_json::json!({ "id": id, "error": shortened(reason, REASON_CHARS), "code": code })
}

/// At most so many characters of a text.
pub(crate) fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}
