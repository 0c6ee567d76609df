//! A record put together from what a page says of one listing.

use std::collections::BTreeMap;

use records::schema::{CrawlField, PLACE};
use records::{Crawl, Field};
use serde_json::{Map, Value, json};
use url::Url;

use super::graph::Thing;
use super::html::Page;
use super::value::{Problem, Raw};
use super::{Listing, Reader, identity};

/// A listing as far as a page has it.
#[derive(Debug, Default)]
pub struct Attempt {
    pub id: Option<String>,
    pub record: Map<String, Value>,
    pub provenance: BTreeMap<String, String>,
    /// By field: what was there and not taken.
    pub problems: BTreeMap<String, Problem>,
}

impl Attempt {
    pub fn into_listing(self) -> Listing {
        Listing {
            id: self.id.unwrap_or_default(),
            record: self.record,
            provenance: self.provenance,
        }
    }

    /// For people.
    pub fn describe(&self, refused: Option<&Problem>) -> Value {
        let fields: Map<String, Value> = self
            .record
            .iter()
            .map(|(name, value)| {
                let from = self.provenance.get(name);
                (name.clone(), json!({ "value": value, "from": from }))
            })
            .collect();
        let problems: BTreeMap<&String, String> = self
            .problems
            .iter()
            .map(|(name, (code, why))| (name, format!("{code}: {why}")))
            .collect();
        json!({
            "id": self.id,
            "fields": fields,
            "problems": problems,
            "refused": refused.map(|(code, why)| format!("{code}: {why}")),
        })
    }
}

impl Reader {
    /// Puts a record together: of a thing, of a second one beside it, of the rest of the page.
    pub(super) fn attempt(
        &self,
        thing: Option<&Thing>,
        beside: Option<&Thing>,
        page: Option<&Page>,
        host: &str,
        canonical: &Url,
    ) -> Attempt {
        let mut attempt = Attempt::default();
        let Some(crawl) = &self.schema.crawl else {
            return attempt;
        };
        for (name, from) in &crawl.fields {
            let field = self.schema.field(name).filter(|_| *name != self.schema.key);
            let Some(field) = field else { continue };
            self.fill(
                &mut attempt,
                crawl,
                field,
                from,
                &candidates(name, from, thing, beside, page),
            );
        }
        let key = crawl.fields.get(&self.schema.key);
        let selected = page.and_then(|page| page.selected.get(&self.schema.key));
        let paths = key.map_or(&[][..], |key| &key.property[..]);
        let is_only = page.is_some();
        let id = identity::of(
            thing,
            paths,
            selected.map(String::as_str),
            host,
            canonical,
            is_only,
        );
        if let Some((id, from)) = id {
            if self.schema.key != PLACE {
                attempt
                    .record
                    .insert(self.schema.key.clone(), Value::from(id.as_str()));
                attempt.provenance.insert(self.schema.key.clone(), from);
            }
            attempt.id = Some(id);
        }
        attempt
    }

    /// The first candidate that is a value of the field counts; what is wrong with the first of all is kept
    /// where none is.
    fn fill(
        &self,
        attempt: &mut Attempt,
        crawl: &Crawl,
        field: &Field,
        from: &CrawlField,
        candidates: &[(Raw, String)],
    ) {
        let is_target = self.schema.target.as_deref() == Some(&field.name);
        let price_in = self.currency.as_deref().filter(|_| is_target);
        let mut problem = None;
        for (raw, place) in candidates {
            let may = crawl.currency_may_be_missing;
            match raw.clone().into_field(field, from, price_in, may) {
                Ok(value) => {
                    attempt.record.insert(field.name.clone(), value);
                    attempt.provenance.insert(field.name.clone(), place.clone());
                    return;
                }
                Err((code, why)) => {
                    problem.get_or_insert((code, format!("{why} ({place})")));
                }
            }
        }
        if let Some(problem) = problem {
            attempt.problems.insert(field.name.clone(), problem);
        }
    }
}

/// What a page says of a field, the best first, each with its place.
fn candidates(
    name: &str,
    from: &CrawlField,
    thing: Option<&Thing>,
    beside: Option<&Thing>,
    page: Option<&Page>,
) -> Vec<(Raw, String)> {
    let mut all = Vec::new();
    for thing in [thing, beside].into_iter().flatten() {
        for path in &from.property {
            let found = thing.at(path).into_iter();
            all.extend(found.filter_map(|found| Some((Raw::of(&found)?, found.from))));
        }
    }
    let Some(page) = page else { return all };
    for key in &from.meta {
        let Some(text) = page.meta.get(&key.to_ascii_lowercase()) else {
            continue;
        };
        let mut raw = Raw::text(text);
        // `product:price:amount` goes with `product:price:currency`.
        let currency = key
            .rsplit_once(':')
            .map(|(before, _)| format!("{before}:currency"));
        raw.currency = currency.and_then(|key| page.meta.get(&key).cloned());
        all.push((raw, format!("meta {key}")));
    }
    if let (Some(text), Some(selector)) = (page.selected.get(name), &from.selector) {
        all.push((Raw::text(text), format!("selector {selector}")));
    }
    all
}
