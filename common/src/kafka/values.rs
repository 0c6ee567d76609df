//! The values of a topic's messages: JSON, or Avro with a schema registry; in an envelope or not.

use std::borrow::Cow;

#[cfg(feature = "avro")]
use super::avro::Avro;
use super::envelope::{Envelope, EnvelopeError, Opened};
use super::format::{Format, SchemaRegistryConfig};

/// The first byte of a value in Confluent's wire format; the schema's id follows in four bytes.
#[cfg(feature = "avro")]
const MAGIC: u8 = 0;

/// Opens the values of one topic.
pub struct Values {
    envelope: Envelope,
    /// Of a value, in bytes.
    limit: usize,
    #[cfg(feature = "avro")]
    avro: Option<Avro>,
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
        #[cfg(feature = "avro")]
        let avro = match format {
            Format::Avro => Some(Avro::new(registry)?),
            Format::Json => None,
        };
        #[cfg(not(feature = "avro"))]
        anyhow::ensure!(
            format == Format::Json,
            "kafka.formats: this program was built without Avro (schema registry {:?}): build it with --features \
             avro",
            registry.url
        );
        Ok(Values {
            envelope,
            limit,
            #[cfg(feature = "avro")]
            avro,
            failure: None,
        })
    }

    /// The record of a message, or that one was deleted; `buffer` has the JSON of an Avro value. Call outside of
    /// asynchronous code: a schema registry is asked by blocking calls.
    ///
    /// # Errors
    /// When the message has another form than the settings have.
    pub fn open<'a>(
        &mut self,
        payload: &'a [u8],
        buffer: &'a mut Vec<u8>,
    ) -> Result<Opened<'a>, EnvelopeError> {
        #[cfg(feature = "avro")]
        if let Some(avro) = &self.avro
            && !payload.is_empty()
            && payload.len() <= self.limit
        {
            *buffer = match &self.failure {
                // Without asking again for each message that follows.
                Some(why) => {
                    return Err(EnvelopeError::Avro {
                        detail: why.clone(),
                    });
                }
                None => avro
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
        #[cfg(feature = "avro")]
        if let Some(avro) = &self.avro
            && key.first() == Some(&MAGIC)
            && self.failure.is_none()
        {
            match avro.json(key) {
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
#[cfg(feature = "avro")]
fn note(failure: &mut Option<String>, error: &EnvelopeError) {
    if let EnvelopeError::Registry { .. } = error {
        failure.get_or_insert_with(|| error.to_string());
    }
}
