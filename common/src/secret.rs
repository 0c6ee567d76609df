//! A text that is not shown.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Marks a secret that is in a file, such as `file:/run/secrets/database_url`.
const FILE: &str = "file:";

/// A password, key or URL that carries one: `Debug` and `Display` hide it.
///
/// In settings, `file:PATH` stands for the content of a file, without the line's end.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        let text = String::deserialize(deserializer)?;
        let Some(path) = text.strip_prefix(FILE) else {
            return Ok(Secret(text));
        };
        let content = std::fs::read_to_string(path).map_err(|error| {
            D::Error::custom(format!("cannot read the secret file {path}: {error}"))
        })?;
        Ok(Secret(content.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("[hidden]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("[hidden]")
    }
}
