//! The values of a topic's messages: JSON, or Avro with a schema registry; in an envelope or not.

use std::borrow::Cow;

use serde::Deserialize;

use super::KafkaConfig;
#[cfg(feature = "avro")]
use super::avro::Avro;
use super::envelope::{Envelope, EnvelopeError, Opened};
use crate::secret::Secret;

/// The first byte of a value in Confluent's wire format; the schema's id follows in four bytes.
#[cfg(feature = "avro")]
const MAGIC: u8 = 0;

/// How the messages of a topic are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON.
    #[default]
    Json,
    /// Avro in Confluent's wire format.
    Avro,
}

/// Section `[kafka.formats]`: of each topic that is read.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Formats {
    /// Records with their price.
    pub new_data: Format,
    /// Records that want a price.
    pub requests: Format,
    /// Prices learned later.
    pub actuals: Format,
}

/// Section `[kafka.schema_registry]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SchemaRegistryConfig {
    /// Its address.
    pub url: String,
    /// For basic authentication; empty for none.
    pub user: String,
    /// For the user.
    pub password: Secret,
    /// Longest wait for an answer.
    pub timeout_ms: u64,
}

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
        kafka: &KafkaConfig,
        format: Format,
        envelope: Envelope,
        limit: usize,
    ) -> anyhow::Result<Values> {
        #[cfg(feature = "avro")]
        let avro = match format {
            Format::Avro => Some(Avro::new(&kafka.schema_registry)?),
            Format::Json => None,
        };
        #[cfg(not(feature = "avro"))]
        anyhow::ensure!(
            format == Format::Json,
            "kafka.formats: this program was built without Avro (schema registry {:?}): build it with --features \
             avro",
            kafka.schema_registry.url
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
            *buffer = avro.json(payload).inspect_err(|error| {
                if let EnvelopeError::Registry { .. } = error {
                    self.failure.get_or_insert_with(|| error.to_string());
                }
            })?;
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
    pub fn key<'a>(&self, key: &'a [u8], name: &str) -> Cow<'a, [u8]> {
        #[cfg(feature = "avro")]
        if let Some(avro) = &self.avro
            && key.first() == Some(&MAGIC)
            && let Ok(json) = avro.json(key)
        {
            let text = Envelope::Debezium.key(&json, name).into_owned();
            return Cow::Owned(text);
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
