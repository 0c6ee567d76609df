//! Fields of a record that the schema does not have, and which of its fields may be meant.

use std::collections::BTreeMap;

use records::{Purpose, Schema};
use serde::de::IgnoredAny;

use crate::answer::{UnknownFields, shortened};
use crate::near_names::NearNames;
use crate::request_options;

/// Fields that are named at most, and characters of a name: bounds the answer.
const MOST_FIELDS: usize = 20;
const NAME_CHARS: usize = 64;

/// The unknown fields of a record; none where it is not a JSON object.
pub(super) fn of(schema: &Schema, record: &[u8]) -> UnknownFields {
    let Ok(fields) = serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(record) else {
        return UnknownFields::new();
    };
    let is_unknown =
        |name: &&String| schema.field(name).is_none() && *name != request_options::FIELD;
    let unknown: Vec<&String> = fields.keys().filter(is_unknown).take(MOST_FIELDS).collect();
    if unknown.is_empty() {
        return UnknownFields::new();
    }
    let known = schema.columns(Purpose::Request);
    let near = NearNames::new(known.map(|field| field.name.as_str()));
    let named = unknown.into_iter().map(|name| {
        // A field that the record has is not the one that is meant.
        let meant = near.of(name).into_iter();
        let mut meant = meant.filter(|meant| !fields.contains_key(*meant));
        (
            shortened(name, NAME_CHARS).into_owned(),
            meant.next().map(str::to_owned),
        )
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_are_named_with_those_that_may_be_meant() {
        let schema = Schema::real_estate();
        for (record, expected) in [
            (r#"{"id":1,"city":"Kazan","explain":true}"#, "{}"),
            (r#"{"id":1,"citty":"Kazan"}"#, r#"{"citty":"city"}"#),
            (r#"{"id":1,"City":"Kazan"}"#, r#"{"City":"city"}"#),
            (r#"{"id":1,"city":"a","City":"b"}"#, r#"{"City":null}"#),
            (r#"{"id":1,"colour":"red"}"#, r#"{"colour":null}"#),
            (r#"{"id":1,"price":5}"#, "{}"),
            ("no JSON", "{}"),
            ("[1]", "{}"),
        ] {
            let found = serde_json::to_string(&of(&schema, record.as_bytes())).unwrap();
            assert_eq!(found, expected, "{record}");
        }
    }
}
