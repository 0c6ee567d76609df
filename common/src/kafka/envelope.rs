//! Envelopes: what Kafka Connect and Debezium put around a record.
//!
//! The setting of a topic decides: with `none` a message is the record, and nothing is looked at.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The byte order mark that programs of Windows write before UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";
/// Most field names that an error lists.
const SHOWN_FIELDS: usize = 8;
/// Longest piece of a message that an error repeats, in characters.
const SHOWN_CHARS: usize = 40;

/// Section `[kafka.envelopes]`: of each topic that is read.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Envelopes {
    /// Records with their price.
    pub new_data: Envelope,
    /// Records that want a price.
    pub requests: Envelope,
    /// Prices learned later.
    pub actuals: Envelope,
}

/// What a topic's messages have around the record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Envelope {
    /// Nothing.
    #[default]
    None,
    /// `{"schema": …, "payload": RECORD}`, as the JSON converter of Kafka Connect writes with its schemas.
    Connect,
    /// `{"before": …, "after": RECORD, "op": …}` of Debezium, also as the payload of Connect's envelope.
    Debezium,
}

/// What a message is within its envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened<'a> {
    /// A record, to be decoded.
    Record(&'a [u8]),
    /// A message that says that a record was deleted; with the record as it was, if the message has it.
    Deleted(Option<&'a [u8]>),
}

/// Why an envelope cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// Bytes that are not one JSON object.
    #[error("expected {expected}; found no JSON object: {detail}")]
    Malformed {
        /// What the setting says.
        expected: &'static str,
        /// What the parser says.
        detail: String,
    },
    /// An object without the fields of the envelope.
    #[error(
        "expected {expected}; found {found} (kafka.envelopes has the form of each topic's messages)"
    )]
    Other {
        /// What the setting says.
        expected: &'static str,
        /// The fields that the message has.
        found: String,
    },
    /// Bytes that are not an Avro value of a known schema.
    #[error("expected Avro in Confluent's wire format; {detail}")]
    Avro {
        /// What is wrong.
        detail: String,
    },
    /// Bytes that are not a Protobuf message of a known schema.
    #[error("expected Protobuf in Confluent's wire format; {detail}")]
    Protobuf {
        /// What is wrong.
        detail: String,
    },
    /// A value that was not looked at, as the schema registry did not answer for one before it.
    #[error("expected a schema of the registry, found none: {detail}")]
    Unknown {
        /// What the registry did.
        detail: String,
    },
    /// A schema registry that does not answer: the message may be right.
    #[error("the schema registry {url} gave no schema in {attempts} attempts: {detail}")]
    Registry {
        /// Its address.
        url: String,
        /// How often it was asked.
        attempts: u32,
        /// Why not.
        detail: String,
    },
    /// An operation that changes no record.
    #[error("expected the op \"c\", \"r\", \"u\" or \"d\"; found {found}")]
    Operation {
        /// What was sent, shortened.
        found: String,
    },
}

impl EnvelopeError {
    /// A short stable name, for metrics and for the `code` column of rejects.
    pub fn code(&self) -> &'static str {
        match self {
            EnvelopeError::Malformed { .. } => "malformed",
            EnvelopeError::Avro { .. } => "avro",
            EnvelopeError::Protobuf { .. } => "protobuf",
            EnvelopeError::Registry { .. } | EnvelopeError::Unknown { .. } => "registry",
            EnvelopeError::Other { .. } | EnvelopeError::Operation { .. } => "envelope",
        }
    }
}

/// The fields of both envelopes, unparsed; `None` where a field is absent, which `null` is not.
#[derive(Deserialize)]
struct Parts<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    schema: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    payload: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    before: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    after: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    op: Option<&'a RawValue>,
}

fn present<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'a RawValue>, D::Error> {
    <&'a RawValue>::deserialize(deserializer).map(Some)
}

impl Envelope {
    /// The record of a message, or that one was deleted. A message without bytes, or of more than `limit`, is
    /// given back as it is: the decoder refuses it.
    ///
    /// # Errors
    /// When the message has another form than the setting says.
    pub fn open(self, message: &[u8], limit: usize) -> Result<Opened<'_>, EnvelopeError> {
        let message = message.strip_prefix(BOM).unwrap_or(message);
        if self == Envelope::None || message.len() > limit || message.trim_ascii().is_empty() {
            return Ok(Opened::Record(message));
        }
        let parts = self.parts(message)?;
        match self {
            Envelope::None => Ok(Opened::Record(message)),
            Envelope::Connect => match (parts.schema, parts.payload) {
                (Some(_), Some(payload)) => {
                    Ok(value(payload).map_or(Opened::Deleted(None), Opened::Record))
                }
                _ => Err(self.other(message)),
            },
            Envelope::Debezium => match (parts.op, parts.payload) {
                (None, Some(payload)) => match value(payload) {
                    None => Ok(Opened::Deleted(None)),
                    Some(event) => self.changed(event, &self.parts(event)?),
                },
                _ => self.changed(message, &parts),
            },
        }
    }

    /// What an event of Debezium reports.
    fn changed<'a>(self, event: &'a [u8], parts: &Parts<'a>) -> Result<Opened<'a>, EnvelopeError> {
        let Some(op) = parts.op else {
            return Err(self.other(event));
        };
        match op.get() {
            r#""c""# | r#""r""# | r#""u""# => {
                let after = parts.after.and_then(value);
                after.map(Opened::Record).ok_or_else(|| self.other(event))
            }
            r#""d""# => Ok(Opened::Deleted(parts.before.and_then(value))),
            other => Err(EnvelopeError::Operation {
                found: shortened(other),
            }),
        }
    }

    /// The key of a message as a plain text: the field `name` of a key of several fields, without the envelope and
    /// the quotes of the JSON converter.
    pub fn key<'a>(self, key: &'a [u8], name: &str) -> Cow<'a, [u8]> {
        if self == Envelope::None {
            return Cow::Borrowed(key);
        }
        let inner = match Parts::of(key) {
            Ok(Parts {
                payload: Some(payload),
                ..
            }) => payload.get().as_bytes(),
            _ => key,
        };
        let text = match inner.trim_ascii().first() {
            Some(b'{') => field(inner, name),
            Some(b'"') => serde_json::from_slice(inner).ok(),
            _ => return Cow::Borrowed(inner),
        };
        text.map_or(Cow::Borrowed(key), |text| Cow::Owned(text.into_bytes()))
    }

    /// What the messages must be.
    fn expected(self) -> &'static str {
        match self {
            Envelope::None => "a JSON object",
            Envelope::Connect => "{\"schema\": …, \"payload\": …} (Kafka Connect)",
            Envelope::Debezium => {
                "{\"before\": …, \"after\": …, \"op\": …} (Debezium), \"after\" with a record unless it \
                 is a deletion"
            }
        }
    }

    fn parts(self, message: &[u8]) -> Result<Parts<'_>, EnvelopeError> {
        Parts::of(message).map_err(|detail| EnvelopeError::Malformed {
            expected: self.expected(),
            detail,
        })
    }

    fn other(self, message: &[u8]) -> EnvelopeError {
        let fields: BTreeMap<String, IgnoredAny> =
            serde_json::from_slice(message).unwrap_or_default();
        let shown: Vec<String> = fields
            .keys()
            .take(SHOWN_FIELDS)
            .map(|name| shortened(name))
            .collect();
        let more = if fields.len() > shown.len() {
            ", …"
        } else {
            ""
        };
        EnvelopeError::Other {
            expected: self.expected(),
            found: match shown.is_empty() {
                true => "an empty object".to_owned(),
                false => format!("the fields {}{more}", shown.join(", ")),
            },
        }
    }
}

impl<'a> Parts<'a> {
    /// # Errors
    /// What the parser says.
    fn of(message: &'a [u8]) -> Result<Parts<'a>, String> {
        // serde takes an array for the fields in their order.
        if message.trim_ascii_start().first() != Some(&b'{') {
            let begin = String::from_utf8_lossy(&message[..message.len().min(4 * SHOWN_CHARS)]);
            return Err(shortened(&begin));
        }
        serde_json::from_slice(message).map_err(|error| error.to_string())
    }
}

/// The bytes of a value that is not `null`.
fn value(raw: &RawValue) -> Option<&[u8]> {
    (raw.get() != "null").then(|| raw.get().as_bytes())
}

/// The text or number in a field of an object.
pub fn field(object: &[u8], name: &str) -> Option<String> {
    let fields: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(object).ok()?;
    let found = fields.get(name)?.get();
    match found.as_bytes().first()? {
        b'"' => serde_json::from_str(found).ok(),
        b'-' | b'0'..=b'9' => Some(found.to_owned()),
        _ => None,
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 1 << 20;

    fn record(envelope: Envelope, message: &str) -> String {
        match envelope.open(message.as_bytes(), LIMIT) {
            Ok(Opened::Record(record)) => String::from_utf8_lossy(record).into_owned(),
            other => panic!("{message}: {other:?}"),
        }
    }

    fn deleted(envelope: Envelope, message: &str) -> Option<String> {
        match envelope.open(message.as_bytes(), LIMIT) {
            Ok(Opened::Deleted(before)) => {
                before.map(|before| String::from_utf8_lossy(before).into_owned())
            }
            other => panic!("{message}: {other:?}"),
        }
    }

    #[test]
    fn a_record_is_taken_out_unchanged() {
        let plain = r#"{"id": 1, "payload": {"op":"d"}}"#;
        assert_eq!(record(Envelope::None, plain), plain);
        let wrapped = r#" {"schema":{"type":"struct"},"payload": {"id": 1.50} }"#;
        assert_eq!(record(Envelope::Connect, wrapped), r#"{"id": 1.50}"#);
        for op in ["c", "r", "u"] {
            let event = format!(
                r#"{{"before":null,"after":{{"id":"a"}},"source":{{"op":1}},"op":"{op}","ts_ms":5}}"#
            );
            assert_eq!(record(Envelope::Debezium, &event), r#"{"id":"a"}"#);
            let wrapped = format!(r#"{{"schema":{{}},"payload":{event}}}"#);
            assert_eq!(record(Envelope::Debezium, &wrapped), r#"{"id":"a"}"#);
        }
    }

    #[test]
    fn deletions_are_seen_with_what_was_there_before() {
        let event = r#"{"before":{"id":7},"after":null,"op":"d"}"#;
        let before = Some(r#"{"id":7}"#.to_owned());
        assert_eq!(deleted(Envelope::Debezium, event), before);
        let wrapped = format!(r#"{{"schema":{{}},"payload":{event}}}"#);
        assert_eq!(deleted(Envelope::Debezium, &wrapped), before);
        assert_eq!(deleted(Envelope::Debezium, r#"{"op":"d"}"#), None);
        for envelope in [Envelope::Connect, Envelope::Debezium] {
            assert_eq!(deleted(envelope, r#"{"schema":null,"payload":null}"#), None);
        }
    }

    #[test]
    fn what_has_another_form_says_what_was_expected_and_found() {
        for (envelope, message, code, found) in [
            (
                Envelope::Connect,
                r#"{"id":1,"city":"Kazan"}"#,
                "envelope",
                "the fields city, id",
            ),
            (
                Envelope::Connect,
                r#"{"payload":{"id":1}}"#,
                "envelope",
                "the fields payload",
            ),
            (Envelope::Debezium, "{}", "envelope", "an empty object"),
            (
                Envelope::Debezium,
                r#"{"op":"c","after":null}"#,
                "envelope",
                "the fields after, op",
            ),
            (
                Envelope::Debezium,
                r#"{"op":"t"}"#,
                "envelope",
                "found \"t\"",
            ),
            (
                Envelope::Debezium,
                r#"[1,{"op":"c"}]"#,
                "malformed",
                "[1,{\"op\"",
            ),
            (
                Envelope::Debezium,
                r#"{"op":"c""#,
                "malformed",
                "line 1 column",
            ),
            (
                Envelope::Debezium,
                r#"{"schema":1,"payload":[1]}"#,
                "malformed",
                "[1]",
            ),
        ] {
            let error = envelope.open(message.as_bytes(), LIMIT).expect_err(message);
            assert_eq!(error.code(), code, "{message}");
            let text = error.to_string();
            assert!(
                text.contains("expected") && text.contains(found),
                "{message}: {text}"
            );
        }
        let long = format!(r#"{{"op":"{}"}}"#, "x".repeat(10_000));
        let error = Envelope::Debezium
            .open(long.as_bytes(), LIMIT)
            .expect_err("no op");
        assert!(error.to_string().len() < 200, "{error}");
    }

    #[test]
    fn what_the_decoder_refuses_is_left_to_it() {
        for message in ["", " \n", r#"{"op":"c","after":{}}"#] {
            assert_eq!(
                Envelope::Debezium
                    .open(message.as_bytes(), 10)
                    .expect("is given back"),
                Opened::Record(message.as_bytes())
            );
        }
    }

    #[test]
    fn keys_lose_their_envelope_and_quotes() {
        let key = |envelope: Envelope, key: &str| {
            String::from_utf8_lossy(&envelope.key(key.as_bytes(), "id")).into_owned()
        };
        assert_eq!(key(Envelope::None, r#"{"id":7}"#), r#"{"id":7}"#);
        for (sent, expected) in [
            ("a-7", "a-7"),
            ("7", "7"),
            (r#""a \"7\"""#, r#"a "7""#),
            (r#"{"id":7}"#, "7"),
            (r#"{"area":1,"id":"a"}"#, "a"),
            (r#"{"schema":{"type":"struct"},"payload":{"id":"a"}}"#, "a"),
            (r#"{"schema":{"type":"int32"},"payload":7}"#, "7"),
            (r#"{"schema":{"type":"string"},"payload":"a"}"#, "a"),
            (r#"{"number":7}"#, r#"{"number":7}"#),
        ] {
            assert_eq!(key(Envelope::Debezium, sent), expected, "{sent}");
        }
    }
}
