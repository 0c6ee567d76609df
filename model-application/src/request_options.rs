//! What a request asks for besides a price.

use serde::Deserialize;

/// Past records shown with an answer, at most: finding them takes milliseconds.
pub(crate) const MOST_COMPARABLES: usize = 50;
/// Shown where a request says `"explain": true`.
const COMPARABLES: usize = 5;
/// The field that asks for reasons.
pub(crate) const FIELD: &str = "explain";

/// What a request asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RequestOptions {
    /// Reasons, and so many past records like it; `None` for neither.
    pub comparables: Option<usize>,
}

/// `"explain": true`, or how many past records: anything else asks for nothing.
#[derive(Deserialize)]
struct Question {
    #[serde(default)]
    explain: Explain,
}

#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Explain {
    Whether(bool),
    Comparables(usize),
    Other(serde::de::IgnoredAny),
    #[default]
    Absent,
}

impl RequestOptions {
    /// Reasons and so many past records, within what is shown at most.
    pub fn reasons(comparables: usize) -> RequestOptions {
        let comparables = Some(comparables.min(MOST_COMPARABLES));
        RequestOptions { comparables }
    }

    /// What a good request asks for. `schema` may have a field of the same name, which is then
    /// just that.
    pub fn of(schema: &records::Schema, payload: &[u8]) -> RequestOptions {
        let is_named = memchr::memmem::find(payload, FIELD.as_bytes()).is_some();
        if !is_named || schema.field(FIELD).is_some() {
            return RequestOptions::default();
        }
        match serde_json::from_slice(payload).map(|question: Question| question.explain) {
            Ok(Explain::Whether(true)) => RequestOptions::reasons(COMPARABLES),
            Ok(Explain::Comparables(comparables)) => RequestOptions::reasons(comparables),
            _ => RequestOptions::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_asked_for_by_a_field() {
        let schema = records::Schema::real_estate();
        for (payload, comparables) in [
            (r#"{"id":1}"#, None),
            (r#"{"id":1,"explain":true}"#, Some(5)),
            (r#"{"id":1,"explain":false}"#, None),
            (r#"{"id":1,"explain":3}"#, Some(3)),
            (r#"{"id":1,"explain":0}"#, Some(0)),
            (r#"{"id":1,"explain":100000}"#, Some(MOST_COMPARABLES)),
            (r#"{"id":1,"explain":-1}"#, None),
            (r#"{"id":1,"explain":{"a":[]}}"#, None),
            (r#"{"id":1,"explain":null}"#, None),
            (r#"{"street":"explain"}"#, None),
        ] {
            let options = RequestOptions::of(&schema, payload.as_bytes());
            assert_eq!(options.comparables, comparables, "{payload}");
        }
    }
}
