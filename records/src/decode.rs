//! JSON messages to columns: a serde visitor writes straight into the row's buffers.

use std::fmt;

use arrow_array::RecordBatch;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::arrival::Arrival;
use crate::columns::Columns;
use crate::digest::{self, Digest};
use crate::limits::MESSAGE_BYTES;
use crate::reject::Reason;
use crate::row::{Row, quoted};
use crate::schema::{Purpose, Schema};

/// A record's key as it was sent, so that an answer can give it back unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The key as the table holds it.
    pub text: String,
    /// Whether the key was a number in the message.
    pub was_number: bool,
}

impl serde::Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.text.parse::<i64>(), self.text.parse::<u64>()) {
            (Ok(number), _) if self.was_number => serializer.serialize_i64(number),
            (_, Ok(number)) if self.was_number => serializer.serialize_u64(number),
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
    /// Of each good row what distinguishes it from another under the same id; of requests only.
    pub digests: Vec<Digest>,
    /// Fields that the schema does not name, over all good rows: ignored, but counted.
    pub unknown_fields: u64,
}

/// Decodes JSON messages of one schema into columns.
#[derive(Debug)]
pub struct Decoder {
    row: Row,
    columns: Columns,
    key_was_number: Vec<bool>,
    /// Listings need none: the loader keeps the newest of them.
    digests: Option<Vec<Digest>>,
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
            digests: (purpose == Purpose::Request).then(Vec::new),
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

    /// The same, of records whose fields may be called by the headers of `column`, as in files.
    #[must_use]
    pub fn with_headers(mut self) -> Decoder {
        self.row = self.row.with_headers();
        self
    }

    /// Decodes one message; `arrival_us` (microseconds since 1970) replaces a missing time.
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
        read(&mut self.row, payload, self.max_message_bytes)?;
        let digest = self.digests.as_ref().map(|_| digest::of(&self.row));
        self.row.finish(arrival, place)?;
        self.columns.push(&self.row);
        if let (Some(digests), Some(digest)) = (&mut self.digests, digest) {
            digests.push(digest);
        }
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
            digests: self
                .digests
                .as_mut()
                .map(std::mem::take)
                .unwrap_or_default(),
            unknown_fields: std::mem::take(&mut self.unknown_fields),
        }
    }
}

/// A text without the byte order mark that programs of Windows write before UTF-8 (RFC 8259, section 8.1, lets a
/// reader of JSON ignore it).
pub fn without_bom(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// A message's values into a row, which is not checked yet.
pub(crate) fn read(row: &mut Row, payload: &[u8], max_bytes: usize) -> Result<(), Reason> {
    let payload = without_bom(payload);
    if payload.len() > max_bytes {
        row.clear();
        return Err(Reason::TooLarge {
            found: payload.len(),
            limit: max_bytes,
        });
    }
    if payload.iter().all(u8::is_ascii_whitespace) {
        row.clear();
        return Err(Reason::Empty);
    }
    match parse(row, payload) {
        // Python's `json` writes NaN and Infinity, which are not JSON, for missing values.
        Err(Reason::Malformed { detail }) => match without_nan(payload) {
            Some(mended) => parse(row, &mended),
            None => Err(Reason::Malformed { detail }),
        },
        other => other,
    }
}

fn parse(row: &mut Row, payload: &[u8]) -> Result<(), Reason> {
    row.clear();
    let mut fault = None;
    let mut parser = serde_json::Deserializer::from_slice(payload);
    let parsed = RecordSeed {
        row,
        fault: &mut fault,
    }
    .deserialize(&mut parser)
    .and_then(|()| parser.end());
    match parsed {
        Ok(()) => Ok(()),
        Err(error) => Err(fault.unwrap_or_else(|| Reason::Malformed {
            detail: brief(&error.to_string()),
        })),
    }
}

/// The key of a rejected message, if it is readable: its sender waits for an answer.
pub fn key_of_reject(schema: &Schema, payload: &[u8]) -> Option<Key> {
    let record: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(without_bom(payload)).ok()?;
    let (text, was_number) = match record.get(&schema.key)? {
        serde_json::Value::String(text) => (text.trim().to_owned(), false),
        serde_json::Value::Number(number) => (number.to_string(), true),
        _ => return None,
    };
    let limit = schema.text_limit(schema.field(&schema.key)?);
    (!text.is_empty() && text.len() <= limit && !text.contains('\0'))
        .then_some(Key { text, was_number })
}

/// A message with `null` for the word `NaN` outside of its texts, and with `Infinity` as a text, which is no
/// number; `None` where it has neither.
pub(crate) fn without_nan(payload: &[u8]) -> Option<Vec<u8>> {
    const WORDS: [(&[u8], &[u8]); 3] = [
        (b"NaN", b"null"),
        (b"Infinity", b"\"Infinity\""),
        (b"-Infinity", b"\"-Infinity\""),
    ];
    // Their first letters: most messages have neither.
    memchr::memchr2(b'N', b'I', payload)?;
    let mut mended = Vec::with_capacity(payload.len() + 16);
    let (mut at, mut is_text, mut is_found) = (0, false, false);
    while let Some(byte) = payload.get(at) {
        let is_here = |word: &&(&[u8], &[u8])| !is_text && payload[at..].starts_with(word.0);
        if let Some((word, instead)) = WORDS.iter().find(is_here) {
            mended.extend_from_slice(instead);
            at += word.len();
            is_found = true;
            continue;
        }
        if is_text && *byte == b'\\' {
            mended.extend(payload[at..].iter().take(2));
            at += 2;
            continue;
        }
        is_text ^= *byte == b'"';
        mended.push(*byte);
        at += 1;
    }
    is_found.then_some(mended)
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
    /// Keeps the reason separately, as serde's error can carry only a text.
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
        let result = self.row.set_unsigned(self.index, value);
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

/// What a parser says, without the text that it may repeat whole: its begin states what, its end states where.
fn brief(message: &str) -> String {
    const BEGIN: usize = 160;
    const END: usize = 60;
    let count = message.chars().count();
    if count <= BEGIN + END {
        return message.to_owned();
    }
    let begin: String = message.chars().take(BEGIN).collect();
    let end: String = message.chars().skip(count - END).collect();
    format!("{begin} … {end}")
}
