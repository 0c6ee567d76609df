//! Protobuf in Confluent's wire format: a zero, the id of the schema in a schema registry, which of its messages
//! it is, the message.

use std::sync::OnceLock;

use prost_reflect::SerializeOptions;
use schema_registry_converter::blocking::proto_decoder::ProtoDecoder;

use super::envelope::EnvelopeError;
use super::format::SchemaRegistryConfig;
use super::schema_registry;

/// Decodes messages by the schemas of a registry, each of which is requested once.
pub(super) struct Protobuf {
    config: SchemaRegistryConfig,
    /// Made by the thread that decodes: its HTTP client must not be made in asynchronous code.
    decoder: OnceLock<ProtoDecoder>,
}

impl Protobuf {
    /// # Errors
    /// When a setting is wrong.
    pub fn new(config: &SchemaRegistryConfig) -> anyhow::Result<Protobuf> {
        schema_registry::check(config)?;
        Ok(Protobuf {
            config: config.clone(),
            decoder: OnceLock::new(),
        })
    }

    fn decoder(&self) -> Result<&ProtoDecoder, EnvelopeError> {
        if let Some(decoder) = self.decoder.get() {
            return Ok(decoder);
        }
        let settings = schema_registry::settings(&self.config)?;
        Ok(self.decoder.get_or_init(|| ProtoDecoder::new(settings)))
    }

    /// A message as JSON, with the names of its fields as the schema has them and whole numbers as numbers. A field
    /// without `optional` that is 0 or empty is that value, for the bytes do not distinguish it from one that is
    /// absent.
    ///
    /// # Errors
    /// When the bytes are not a message of a known schema, or the registry does not answer.
    pub fn json(&self, bytes: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        let decoder = self.decoder()?;
        let wrong = |detail: String| EnvelopeError::Protobuf { detail };
        let decoded = schema_registry::decoded(&self.config, wrong, || {
            decoder.decode_with_context(Some(bytes))
        })?;
        let Some(decoded) = decoded else {
            return Ok(b"null".to_vec());
        };
        let options = SerializeOptions::new()
            .use_proto_field_name(true)
            .stringify_64_bit_integers(false)
            .skip_default_fields(false);
        let mut json = Vec::new();
        let mut serializer = serde_json::Serializer::new(&mut json);
        decoded
            .value
            .serialize_with_options(&mut serializer, &options)
            .map_err(|error| wrong(error.to_string()))?;
        Ok(json)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::kafka::test_registry;

    const SCHEMA: &str = "syntax = \"proto3\";\npackage homes;\n\
        message Note { string text = 1; }\n\
        message Home {\n  string id = 1;\n  optional double area = 2;\n  int64 rooms = 3;\n  bool lift = 4;\n}\n";

    #[test]
    fn messages_are_decoded_by_the_schema_of_their_id() {
        crate::telemetry::choose_tls_provider();
        let protobuf = Protobuf::new(&SchemaRegistryConfig {
            url: test_registry::start(json!({ "schemaType": "PROTOBUF", "schema": SCHEMA })),
            timeout_ms: 5000,
            ..SchemaRegistryConfig::default()
        });
        let protobuf = protobuf.expect("valid settings");
        let json = |bytes: &[u8]| -> Value {
            let json = protobuf.json(bytes).expect("a message");
            serde_json::from_slice(&json).expect("JSON")
        };
        // The path to the message: of one step, the second.
        let mut message = vec![0, 0, 0, 0, 7, 2, 2];
        // The field 1 is a text of one byte, the field 2 eight bytes, the field 3 a whole number.
        message.extend([0x0A, 1, b'a', 0x11]);
        message.extend(50.5_f64.to_le_bytes());
        message.extend([0x18, 2]);
        assert_eq!(
            json(&message),
            serde_json::json!({ "id": "a", "area": 50.5, "rooms": 2, "lift": false })
        );
        // What is absent is the schema's 0 without `optional`, and nothing with it.
        assert_eq!(
            json(&[0, 0, 0, 0, 7, 2, 2, 0x0A, 1, b'a']),
            serde_json::json!({ "id": "a", "rooms": 0, "lift": false })
        );
        // The first message has a path of one byte.
        assert_eq!(
            json(&[0, 0, 0, 0, 7, 0, 0x0A, 1, b'a']),
            serde_json::json!({ "text": "a" })
        );
        for bad in [
            &message[..12],
            &[0, 0, 0, 0, 8, 0, 0x0A, 1, b'a'][..],
            b"{\"id\":1}",
        ] {
            let error = protobuf.json(bad).expect_err("no message");
            assert_eq!(error.code(), "protobuf", "{error}");
        }
    }
}
