//! How the texts of a field write its values.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// What numbers in texts are multiplied by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scale {
    /// Every text: a column of thousands. Numbers of typed sources stay as they are.
    All(f64),
    /// Texts with a word behind the number: `{ K = 1000, M = 1000000 }`.
    Words(BTreeMap<String, f64>),
}

/// A text, or several.
pub(super) fn one_or_more<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        One(String),
        More(Vec<String>),
    }
    Ok(match Either::deserialize(from)? {
        Either::One(text) => vec![text],
        Either::More(texts) => texts,
    })
}
