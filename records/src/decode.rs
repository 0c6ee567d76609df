//! JSON messages to columns: a serde visitor writes straight into the row's buffers.

use std::fmt;

use arrow_array::RecordBatch;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::arrival::Arrival;
use crate::columns::Columns;
use crate::limits::MESSAGE_BYTES;
use crate::reject::Reason;
use crate::row::{Row, quoted};
use crate::schema::{Purpose, Schema};

/// A record's key as it was sent, so that an answer can give it back unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The key as the table holds it.
    pub text: String,
    /// The message carried a number, not a text.
    pub was_number: bool,
}

impl serde::Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.text.parse::<i64>() {
            Ok(number) if self.was_number => serializer.serialize_i64(number),
            _ => serializer.serialize_str(&self.text),
        }
    }
}

/// What a run of messages decoded to.
#[derive(Debug)]
pub struct Decoded {
    /// The good rows, in the order they were pushed.
    pub batch: RecordBatch,
    /// For each good row, whether its key was sent as a number.
    pub key_was_number: Vec<bool>,
    /// Fields that the schema does not name, over all good rows: ignored, but counted.
    pub unknown_fields: u64,
}

/// Decodes JSON messages of one schema into columns.
#[derive(Debug)]
pub struct Decoder {
    row: Row,
    columns: Columns,
    key_was_number: Vec<bool>,
    unknown_fields: u64,
    /// Larger messages are refused before they are parsed.
    max_message_bytes: usize,
}

impl Decoder {
    /// A decoder with empty columns.
    pub fn new(schema: &Schema, purpose: Purpose) -> Decoder {
        Decoder {
            row: Row::new(schema, purpose),
            columns: Columns::new(schema, purpose),
            key_was_number: Vec::new(),
            unknown_fields: 0,
            max_message_bytes: MESSAGE_BYTES,
        }
    }

    /// The same, of messages of so many bytes at most.
    #[must_use]
    pub fn with_max_message_bytes(mut self, bytes: usize) -> Decoder {
        self.max_message_bytes = bytes;
        self
    }

    /// Decodes one message; `arrival_us` (microseconds since 1970) stands in for a missing time.
    ///
    /// # Errors
    /// The reason why the message is rejected; the columns are then as they were before.
    pub fn push(&mut self, payload: &[u8], arrival_us: i64) -> Result<(), Reason> {
        self.push_from(payload, arrival_us, &"")
    }

    /// The same; `place`, where the message came from, is the key where the schema has none.
    ///
    /// # Errors
    /// As [`Decoder::push`].
    pub fn push_from(
        &mut self,
        payload: &[u8],
        arrival: impl Into<Arrival>,
        place: &dyn fmt::Display,
    ) -> Result<(), Reason> {
        self.row.clear();
        if payload.len() > self.max_message_bytes {
            return Err(Reason::TooLarge {
                found: payload.len(),
                limit: self.max_message_bytes,
            });
        }
        if payload.iter().all(u8::is_ascii_whitespace) {
            return Err(Reason::Empty);
        }
        let mut fault = None;
        let mut parser = serde_json::Deserializer::from_slice(payload);
        let parsed = RecordSeed {
            row: &mut self.row,
            fault: &mut fault,
        }
        .deserialize(&mut parser)
        .and_then(|()| parser.end());
        if let Err(error) = parsed {
            return Err(fault.unwrap_or_else(|| Reason::Malformed {
                detail: error.to_string(),
            }));
        }
        self.row.finish(arrival, place)?;
        self.columns.push(&self.row);
        self.key_was_number.push(self.row.key_was_number());
        self.unknown_fields += self.row.unknown_fields();
        Ok(())
    }

    /// Good rows since the last [`Decoder::finish`].
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is no good row since the last [`Decoder::finish`].
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The good rows so far; the decoder is empty afterwards.
    pub fn finish(&mut self) -> Decoded {
        Decoded {
            batch: self.columns.finish(),
            key_was_number: std::mem::take(&mut self.key_was_number),
            unknown_fields: std::mem::take(&mut self.unknown_fields),
        }
    }
}

/// The key of a message that was rejected, where it can still be read: its sender waits for it.
pub fn key_of_reject(schema: &Schema, payload: &[u8]) -> Option<Key> {
    let record: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(payload).ok()?;
    let (text, was_number) = match record.get(&schema.key)? {
        serde_json::Value::String(text) => (text.clone(), false),
        serde_json::Value::Number(number) => (number.to_string(), true),
        _ => return None,
    };
    let limit = schema.text_limit(schema.field(&schema.key)?);
    (!text.trim().is_empty() && text.len() <= limit && !text.contains('\0'))
        .then_some(Key { text, was_number })
}

struct RecordSeed<'a> {
    row: &'a mut Row,
    fault: &'a mut Option<Reason>,
}

impl<'de> DeserializeSeed<'de> for RecordSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RecordSeed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(found) = map.next_key_seed(NameSeed { row: self.row })? {
            match found {
                Some(index) => map.next_value_seed(CellSeed {
                    row: self.row,
                    fault: self.fault,
                    index,
                })?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct NameSeed<'a> {
    row: &'a mut Row,
}

impl<'de> DeserializeSeed<'de> for NameSeed<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameSeed<'_> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a field name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.row.find(name))
    }
}

struct CellSeed<'a> {
    row: &'a mut Row,
    fault: &'a mut Option<Reason>,
    index: usize,
}

impl CellSeed<'_> {
    /// Keeps the reason beside serde's error, which can carry only a text.
    fn keep<E: de::Error>(self, result: Result<(), Reason>) -> Result<(), E> {
        result.map_err(|reason| {
            *self.fault = Some(reason);
            E::custom("rejected")
        })
    }
}

impl<'de> DeserializeSeed<'de> for CellSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CellSeed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.row.set_null(self.index);
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        let result = self.row.set_boolean(self.index, value);
        self.keep(result)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        let result = self.row.set_integer(self.index, value);
        self.keep(result)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        let result = match i64::try_from(value) {
            Ok(value) => self.row.set_integer(self.index, value),
            Err(_) => self.row.set_number(self.index, value as f64),
        };
        self.keep(result)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        let result = self.row.set_number(self.index, value);
        self.keep(result)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        let result = self.row.set_text(self.index, value);
        self.keep(result)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        let result = Err(self.row.wrong_type(self.index, "an array"));
        self.keep(result)
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        let result = Err(self.row.wrong_type(self.index, "an object"));
        self.keep(result)
    }
}

/// Text of bytes that may not be UTF-8, shortened: for logs and the console, not for storage.
pub fn excerpt(payload: &[u8]) -> String {
    quoted(&String::from_utf8_lossy(payload))
}
