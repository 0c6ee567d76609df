//! Values in Confluent's wire format, by the format that the settings name.

#[cfg(feature = "avro")]
use super::avro::Avro;
use super::envelope::EnvelopeError;
use super::format::{Format, SchemaRegistryConfig};
#[cfg(feature = "protobuf")]
use super::protobuf::Protobuf;

/// A decoder of values.
pub(super) enum Wire {
    /// Of Avro.
    #[cfg(feature = "avro")]
    Avro(Box<Avro>),
    /// Of Protobuf.
    #[cfg(feature = "protobuf")]
    Protobuf(Box<Protobuf>),
}

impl Wire {
    /// The decoder of a format; none for JSON.
    ///
    /// # Errors
    /// When this program was built without the format, or a setting is wrong.
    pub fn of(format: Format, registry: &SchemaRegistryConfig) -> anyhow::Result<Option<Wire>> {
        match format {
            Format::Json => Ok(None),
            #[cfg(feature = "avro")]
            Format::Avro => Ok(Some(Wire::Avro(Box::new(Avro::new(registry)?)))),
            #[cfg(feature = "protobuf")]
            Format::Protobuf => Ok(Some(Wire::Protobuf(Box::new(Protobuf::new(registry)?)))),
            #[cfg(not(all(feature = "avro", feature = "protobuf")))]
            other => other.require_feature(),
        }
    }

    /// A value as JSON.
    ///
    /// # Errors
    /// When the bytes are not a value of a known schema, or the registry does not answer.
    pub fn json(&self, bytes: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        match self {
            #[cfg(feature = "avro")]
            Wire::Avro(avro) => avro.json(bytes),
            #[cfg(feature = "protobuf")]
            Wire::Protobuf(protobuf) => protobuf.json(bytes),
        }
    }
}
