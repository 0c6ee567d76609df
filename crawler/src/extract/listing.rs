//! What a page has of one listing.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::hash::hash;

/// One listing of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// Its id, the same for as long as the source calls it the same.
    pub id: String,
    /// The record: the schema's fields, nothing else.
    pub record: Map<String, Value>,
    /// From where each field came.
    pub provenance: BTreeMap<String, String>,
}

impl Listing {
    /// Differs where the record differs.
    pub fn digest(&self) -> String {
        hash(&json!(self.record).to_string())
    }
}
