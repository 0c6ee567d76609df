//! What pages are read by: a schema, its selectors and its currency.

use std::collections::BTreeMap;

use anyhow::Context;
use records::Schema;
use scraper::Selector;
use serde_json::json;

use super::hash::hash;
use super::html::Selectors;

/// Raised when pages are read in another way: what was read before is then read again.
const EDITION: u32 = 1;

/// Reads pages by one schema.
#[derive(Debug)]
pub struct Reader {
    pub(super) schema: Schema,
    pub(super) selectors: Selectors,
    /// What prices are to be in.
    pub(super) currency: Option<String>,
    rules: String,
}

impl Reader {
    /// Of a schema.
    ///
    /// # Errors
    /// When it does not state how pages are read, or a selector is wrong.
    pub fn new(schema: &Schema) -> anyhow::Result<Reader> {
        let crawl = schema.crawl.as_ref().with_context(|| {
            format!(
                "the schema {} has no table [crawl]: expected one with the places of its fields in \
                 pages, as in schemas/real-estate.toml",
                schema.name
            )
        })?;
        let mut selectors = BTreeMap::new();
        for (name, field) in &crawl.fields {
            let Some(text) = &field.selector else {
                continue;
            };
            let selector = Selector::parse(text).map_err(|error| {
                anyhow::anyhow!(
                    "crawl.field.{name}.selector = {text:?} is not a CSS selector: {error}"
                )
            })?;
            selectors.insert(name.clone(), (selector, field.attribute.clone()));
        }
        let currency = crawl.currency(schema);
        let by = json!([EDITION, crawl, schema]).to_string();
        Ok(Reader {
            currency,
            selectors,
            rules: hash(&by),
            schema: schema.clone(),
        })
    }

    /// Names the rules that pages are read by.
    pub fn rules(&self) -> &str {
        &self.rules
    }
}
