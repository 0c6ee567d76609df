//! Avro in Confluent's wire format: a zero, the id of the schema in a schema registry, the value.

use std::sync::OnceLock;

use apache_avro::types::Value as AvroValue;
use schema_registry_converter::blocking::avro::AvroDecoder;
use serde_json::{Map, Number, Value};

use super::envelope::EnvelopeError;
use super::format::SchemaRegistryConfig;
use super::schema_registry;

/// Decodes values by the schemas of a registry, each of which is requested once.
pub(super) struct Avro {
    config: SchemaRegistryConfig,
    /// Made by the thread that decodes: its HTTP client must not be made in asynchronous code.
    decoder: OnceLock<AvroDecoder>,
}

impl Avro {
    /// # Errors
    /// When a setting is wrong.
    pub fn new(config: &SchemaRegistryConfig) -> anyhow::Result<Avro> {
        schema_registry::check(config)?;
        Ok(Avro {
            config: config.clone(),
            decoder: OnceLock::new(),
        })
    }

    fn decoder(&self) -> Result<&AvroDecoder, EnvelopeError> {
        if let Some(decoder) = self.decoder.get() {
            return Ok(decoder);
        }
        let settings = schema_registry::settings(&self.config)?;
        Ok(self.decoder.get_or_init(|| AvroDecoder::new(settings)))
    }

    /// A value as JSON: unions without their type, NaN as null.
    ///
    /// # Errors
    /// When the bytes are not a value of a known schema, or the registry does not answer.
    pub fn json(&self, bytes: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        let decoder = self.decoder()?;
        let wrong = |detail: String| EnvelopeError::Avro { detail };
        let decoded =
            schema_registry::decoded(&self.config, wrong, || decoder.decode(Some(bytes)))?;
        let value = to_json(decoded.value).map_err(|error| wrong(error.to_string()))?;
        serde_json::to_vec(&value).map_err(|error| wrong(error.to_string()))
    }
}

/// # Errors
/// When a value has no JSON.
fn to_json(value: AvroValue) -> Result<Value, apache_avro::Error> {
    Ok(match value {
        AvroValue::Union(_, value) => to_json(*value)?,
        AvroValue::Record(fields) => object(fields)?,
        AvroValue::Map(fields) => object(fields)?,
        AvroValue::Array(values) => {
            let values = values.into_iter().map(to_json);
            Value::Array(values.collect::<Result<_, _>>()?)
        }
        AvroValue::Float(value) => number(value.into()),
        AvroValue::Double(value) => number(value),
        other => other.try_into()?,
    })
}

/// # Errors
/// When a value has no JSON.
fn object(
    fields: impl IntoIterator<Item = (String, AvroValue)>,
) -> Result<Value, apache_avro::Error> {
    let mut object = Map::new();
    for (name, value) in fields {
        object.insert(name, to_json(value)?);
    }
    Ok(Value::Object(object))
}

fn number(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::test_registry;

    const SCHEMA: &str = r#"{"type":"record","name":"Home","fields":[{"name":"id","type":"string"},
        {"name":"area","type":["null","double"]},{"name":"rooms","type":"int"}]}"#;

    #[test]
    fn values_are_decoded_by_the_schema_of_their_id() {
        crate::telemetry::choose_tls_provider();
        let avro = Avro::new(&SchemaRegistryConfig {
            url: test_registry::start(serde_json::json!({ "schema": SCHEMA })),
            timeout_ms: 5000,
            ..SchemaRegistryConfig::default()
        });
        let avro = avro.expect("valid settings");
        // "a", the second type of the union with 50.5, and 2.
        let mut message = vec![0, 0, 0, 0, 7, 2, b'a', 2];
        message.extend(50.5_f64.to_le_bytes());
        message.push(4);
        let json = avro.json(&message).expect("a value");
        let json: Value = serde_json::from_slice(&json).expect("JSON");
        assert_eq!(
            json,
            serde_json::json!({ "id": "a", "area": 50.5, "rooms": 2 })
        );
        let none = avro.json(&[0, 0, 0, 0, 7, 2, b'a', 0, 4]).expect("a value");
        let none: Value = serde_json::from_slice(&none).expect("JSON");
        assert_eq!(none["area"], Value::Null);
        for bad in [&message[..9], &[0, 0, 0, 0, 8, 2, b'a'][..], b"{\"id\":1}"] {
            let error = avro.json(bad).expect_err("no value");
            assert_eq!(error.code(), "avro", "{error}");
        }
    }

    #[test]
    fn settings_are_checked() {
        let config = SchemaRegistryConfig {
            url: "localhost:8081".to_owned(),
            timeout_ms: 1,
            ..SchemaRegistryConfig::default()
        };
        let error = Avro::new(&config).err().expect("no URL").to_string();
        assert!(error.contains("expected an address such as"), "{error}");
    }
}
