//! The values of a topic's messages: JSON, or Avro or Protobuf with a schema registry; in an envelope or not.

use std::borrow::Cow;

use super::envelope::{Envelope, EnvelopeError, Opened};
use super::format::{Format, SchemaRegistryConfig};
#[cfg(any(feature = "avro", feature = "protobuf"))]
use super::wire::Wire;

/// The first byte of a value in Confluent's wire format; the schema's id follows in four bytes.
#[cfg(any(feature = "avro", feature = "protobuf"))]
const MAGIC: u8 = 0;

/// Opens the values of one topic.
pub struct Values {
    envelope: Envelope,
    /// Of a value, in bytes.
    limit: usize,
    #[cfg(any(feature = "avro", feature = "protobuf"))]
    wire: Option<Wire>,
    /// Why no further value can be opened.
    failure: Option<String>,
}

impl Values {
    /// Values of at most `limit` bytes.
    ///
    /// # Errors
    /// When the format needs a feature that this program was built without, or a setting is wrong.
    pub fn new(
        registry: &SchemaRegistryConfig,
        format: Format,
        envelope: Envelope,
        limit: usize,
    ) -> anyhow::Result<Values> {
        #[cfg(any(feature = "avro", feature = "protobuf"))]
        let wire = Wire::of(format, registry)?;
        #[cfg(not(any(feature = "avro", feature = "protobuf")))]
        let _ = (registry, format.require_feature::<()>()?);
        Ok(Values {
            envelope,
            limit,
            #[cfg(any(feature = "avro", feature = "protobuf"))]
            wire,
            failure: None,
        })
    }

    /// The record of a message, or that one was deleted; `buffer` has the JSON of a value of another format. Call outside of
    /// asynchronous code: a schema registry is asked by blocking calls.
    ///
    /// # Errors
    /// When the message has another form than the settings have.
    pub fn open<'a>(
        &mut self,
        payload: &'a [u8],
        buffer: &'a mut Vec<u8>,
    ) -> Result<Opened<'a>, EnvelopeError> {
        #[cfg(any(feature = "avro", feature = "protobuf"))]
        if let Some(wire) = &self.wire
            && !payload.is_empty()
            && payload.len() <= self.limit
        {
            *buffer = match &self.failure {
                // Without asking again for each message that follows.
                Some(why) => {
                    return Err(EnvelopeError::Unknown {
                        detail: why.clone(),
                    });
                }
                None => wire
                    .json(payload)
                    .inspect_err(|error| note(&mut self.failure, error))?,
            };
            // A null is a deletion.
            return match buffer.as_slice() {
                b"null" => Ok(Opened::Deleted(None)),
                json => self.envelope.open(json, usize::MAX),
            };
        }
        buffer.clear();
        self.envelope.open(payload, self.limit)
    }

    /// The key of a message as a plain text, see [`Envelope::key`].
    pub fn key<'a>(&mut self, key: &'a [u8], name: &str) -> Cow<'a, [u8]> {
        #[cfg(any(feature = "avro", feature = "protobuf"))]
        if let Some(wire) = &self.wire
            && key.first() == Some(&MAGIC)
            && self.failure.is_none()
        {
            match wire.json(key) {
                Ok(json) => {
                    let text = Envelope::Debezium.key(&json, name).into_owned();
                    return Cow::Owned(text);
                }
                Err(error) => note(&mut self.failure, &error),
            }
        }
        self.envelope.key(key, name)
    }

    /// Why values could not be opened though they may be right: nothing that was read since may be stored, and the
    /// service must end, so that they are read again.
    ///
    /// # Errors
    /// When there is such a reason.
    pub fn check(&self) -> anyhow::Result<()> {
        match &self.failure {
            None => Ok(()),
            Some(why) => anyhow::bail!(
                "{why}; nothing of the messages is stored, and the next start reads them again"
            ),
        }
    }
}

/// Remembers that a registry did not answer.
#[cfg(any(feature = "avro", feature = "protobuf"))]
fn note(failure: &mut Option<String>, error: &EnvelopeError) {
    if let EnvelopeError::Registry { .. } = error {
        failure.get_or_insert_with(|| error.to_string());
    }
}
