//! How the messages of topics are written.

use serde::Deserialize;

use crate::secret::Secret;

/// How the messages of a topic are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON.
    #[default]
    Json,
    /// Avro in Confluent's wire format.
    Avro,
    /// Protobuf in Confluent's wire format.
    Protobuf,
}

#[cfg(not(all(feature = "avro", feature = "protobuf")))]
impl Format {
    /// # Errors
    /// When the format is of a feature, which this program was built without.
    pub(super) fn require_feature<T>(self) -> anyhow::Result<Option<T>> {
        let feature = match self {
            Format::Json => return Ok(None),
            Format::Avro => "avro",
            Format::Protobuf => "protobuf",
        };
        anyhow::bail!(
            "kafka.formats: expected a program built with --features {feature}, found one without; build it so, or \
             send JSON"
        )
    }
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
