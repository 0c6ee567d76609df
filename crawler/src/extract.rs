//! Listings out of pages, by the table `[crawl]` of the schema: JSON-LD first, then microdata, `meta`
//! elements (OpenGraph) and CSS selectors. Each value says from where it came.

mod graph;
mod hash;
mod html;
mod identity;
mod listing;
mod microdata;
mod number;
mod reader;
mod record;
mod value;

use records::Purpose;
use serde_json::{Value, json};
use url::Url;

use graph::{Graph, Thing};
use html::Page;
use record::Attempt;

pub use listing::Listing;
pub use reader::Reader;

/// What was found in a page.
#[derive(Debug, Default)]
pub struct Reading {
    /// Where it leads.
    pub links: Vec<Url>,
    /// Its listings.
    pub listings: Vec<Listing>,
    /// What was found and what was not taken, for people.
    pub extraction: Value,
    /// Why there is no listing; `None` where there is one.
    pub reason: Option<&'static str>,
    /// The same in words.
    pub detail: Option<String>,
}

impl Reader {
    /// Reads a page. `host` precedes the ids that it gives, `tag` is its `X-Robots-Tag`.
    ///
    /// # Errors
    /// When its elements lie too deep in each other.
    pub fn read(
        &self,
        text: &str,
        url: &Url,
        host: &str,
        max_nesting: usize,
        tag: &str,
    ) -> Result<Reading, String> {
        html::check_nesting(text, max_nesting)?;
        let page = Page::parse(text, url, tag, &self.selectors);
        let mut reading = Reading {
            links: page.links.clone(),
            ..Reading::default()
        };
        if page.is_not_indexed {
            reading.reason = Some("noindex");
            reading.detail = Some("the page asks not to be indexed".to_owned());
            reading.extraction = json!({ "listings": [] });
            return Ok(reading);
        }
        let json_ld = Graph::new(&page.json_ld, "json-ld");
        let microdata = Graph::new(&page.microdata, "microdata");
        let mut things = json_ld.listings();
        if things.is_empty() {
            things = microdata.listings();
        }
        self.judge(&page, &things, &microdata, url, host, &mut reading);
        Ok(reading)
    }

    fn judge<'a>(
        &self,
        page: &Page,
        things: &[Thing<'a>],
        microdata: &Graph<'a>,
        url: &Url,
        host: &str,
        reading: &mut Reading,
    ) {
        let canonical = page.canonical.as_ref().unwrap_or(url);
        let is_only = things.len() <= 1;
        let second = microdata.listings();
        // A page that is of one thing may say the rest of it elsewhere in itself.
        let mut attempts: Vec<Attempt> = Vec::new();
        for thing in things {
            if !is_only && let Some(elsewhere) = thing.elsewhere(canonical, url) {
                reading.links.push(elsewhere);
                continue;
            }
            let beside = if is_only { second.first() } else { None };
            attempts.push(self.attempt(
                Some(thing),
                beside,
                is_only.then_some(page),
                host,
                canonical,
            ));
        }
        if things.is_empty() {
            let attempt = self.attempt(None, None, Some(page), host, canonical);
            let target = self.schema.target.as_deref().unwrap_or(&self.schema.key);
            if attempt.record.contains_key(target) {
                attempts.push(attempt);
            }
        }
        let mut all = Vec::new();
        for mut attempt in attempts {
            let refused = self.settle(&mut attempt);
            all.push(attempt.describe(refused.as_ref()));
            match refused {
                None => reading.listings.push(attempt.into_listing()),
                Some((code, why)) => {
                    reading.reason.get_or_insert(code);
                    reading.detail.get_or_insert(why);
                }
            }
        }
        if !reading.listings.is_empty() {
            reading.reason = None;
        } else if reading.reason.is_none() {
            reading.reason = Some("no_listing");
            reading.detail = page.problems.first().cloned();
        }
        reading.extraction = json!({ "listings": all, "problems": page.problems });
    }

    /// Whether the record is one by the schema: why not. An optional field that is not is left out.
    fn settle(&self, attempt: &mut Attempt) -> Option<(&'static str, String)> {
        if attempt.id.is_none() {
            let why = "the page has several listings, and this one has neither an identifier nor \
                       an address";
            return Some(("no_identity", why.to_owned()));
        }
        let arrival_us = chrono::Utc::now().timestamp_micros();
        loop {
            let mut decoder = records::Decoder::new(&self.schema, Purpose::Listing);
            let payload = json!(attempt.record).to_string();
            let reason = match decoder.push(payload.as_bytes(), arrival_us) {
                Ok(()) => return None,
                Err(reason) => reason,
            };
            let name = reason.field().unwrap_or_default().to_owned();
            let is_optional = self
                .schema
                .field(&name)
                .is_some_and(|field| !field.required && field.name != self.schema.key);
            let is_target = self.schema.target.as_deref() == Some(name.as_str());
            if is_target || !is_optional || attempt.record.remove(&name).is_none() {
                let known = attempt.problems.get(&name);
                let code = known.map_or(reason.code(), |(code, _)| *code);
                let why =
                    known.map_or_else(|| reason.to_string(), |(_, why)| format!("{name}: {why}"));
                return Some((code, why));
            }
            attempt.provenance.remove(&name);
            attempt
                .problems
                .insert(name, (reason.code(), reason.to_string()));
        }
    }
}
