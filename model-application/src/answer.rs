//! What is said to a request.

use records::decode::Key;
use serde::Serialize;
use valuation::Explanation;

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
    /// What the price is counted in, where the schema says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Which model said so.
    pub model: String,
    /// The newest time among the listings it learned from: the age of its knowledge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_until: Option<String>,
    pub answered_at: String,
    /// From the request's arrival (in Kafka, or over HTTP) to its price.
    pub took_ms: f64,
    /// What each field adds and past records like it, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
    /// The market it belongs to: live quality is told by it.
    #[serde(skip)]
    pub segment: Option<String>,
}

impl Answer {
    /// The message.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an answer has texts for keys, and nothing else can fail")
    }
}

/// What is said to a request that cannot be priced, so that nobody waits in vain. The same request
/// always gets the same bytes.
pub(crate) fn refusal(id: Option<&Key>, code: &str, reason: &str) -> serde_json::Value {
    serde_json::json!({ "id": id, "error": reason, "code": code })
}
