//! Things of schema.org: which of them are listings, and the values at the end of a path.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde_json::{Map, Value};
use url::Url;

/// What a listing may be.
const LISTINGS: [&str; 16] = [
    "Car",
    "IndividualProduct",
    "Vehicle",
    "RealEstateListing",
    "Offer",
    "Apartment",
    "House",
    "SingleFamilyResidence",
    "Residence",
    "Accommodation",
    "Product",
    "Room",
    "Suite",
    "ApartmentComplex",
    "GatedResidenceCommunity",
    "OfferForPurchase",
];
/// By these a listing leads to more of itself.
const MORE: [&str; 4] = ["itemOffered", "mainEntity", "about", "offers"];
/// These are of people, or speak for them: nothing in them is kept.
const PEOPLE: [&str; 9] = [
    "Person",
    "ContactPoint",
    "RealEstateAgent",
    "Organization",
    "LocalBusiness",
    "Patient",
    "ProfilePage",
    "Review",
    "Comment",
];
/// Deepest that is checked.
const DEEPEST: usize = 64;
/// Listings of one page, at most.
const MOST: usize = 500;
/// Parts that one listing may have.
const MOST_VIEWS: usize = 16;

/// What references lead to.
type ById<'a> = HashMap<&'a str, &'a Map<String, Value>>;

/// All things of a page that one format has.
pub struct Graph<'a> {
    blocks: &'a [Value],
    by_id: Rc<ById<'a>>,
    format: &'static str,
}

/// A listing: a thing and what it leads to of itself.
pub struct Thing<'a> {
    views: Vec<View<'a>>,
    by_id: Rc<ById<'a>>,
}

#[derive(Clone)]
struct View<'a> {
    map: &'a Map<String, Value>,
    /// `json-ld: Offer.itemOffered`.
    from: String,
}

/// A value: a thing, or none.
#[derive(Clone, Copy)]
pub enum Resolved<'a> {
    /// A thing, such as a quantity.
    Map(&'a Map<String, Value>),
    /// A text, a number, a boolean.
    Plain(&'a Value),
}

/// A value, with the thing that it was found in.
pub struct FoundValue<'a> {
    /// The value.
    pub value: Resolved<'a>,
    /// The thing that has it.
    pub within: &'a Map<String, Value>,
    /// From where it came.
    pub from: String,
}

impl<'a> Graph<'a> {
    /// Of the blocks of a page.
    pub fn new(blocks: &'a [Value], format: &'static str) -> Graph<'a> {
        let mut by_id: ById = HashMap::new();
        let mut waiting: Vec<(&Value, usize)> = blocks.iter().map(|block| (block, 0)).collect();
        while let Some((value, depth)) = waiting.pop() {
            if let Value::Object(map) = value
                && let Some(Value::String(id)) = map.get("@id")
            {
                // Others only refer to it.
                let known = by_id.entry(id).or_insert(map);
                if known.len() < map.len() {
                    *known = map;
                }
            }
            if depth < DEEPEST {
                waiting.extend(children(value).map(|child| (child, depth + 1)));
            }
        }
        Graph {
            blocks,
            by_id: Rc::new(by_id),
            format,
        }
    }

    /// The listings: none of those that another is of.
    pub fn listings(&self) -> Vec<Thing<'a>> {
        let mut maps: Vec<&'a Map<String, Value>> = Vec::new();
        let mut waiting: Vec<(&'a Value, usize)> =
            self.blocks.iter().rev().map(|block| (block, 0)).collect();
        while let Some((value, depth)) = waiting.pop() {
            if let Value::Object(map) = value
                && types(map).any(|kind| LISTINGS.contains(&kind))
            {
                // One that only refers is found where it is.
                if map.len() > 2 || !map.contains_key("@id") {
                    maps.push(map);
                }
                continue;
            }
            if depth < DEEPEST {
                let mut all: Vec<&Value> = children(value).collect();
                all.reverse();
                waiting.extend(all.into_iter().map(|child| (child, depth + 1)));
            }
        }
        maps.truncate(MOST);
        let things: Vec<Thing<'a>> = maps.iter().map(|map| self.thing(map)).collect();
        let mut parts: HashSet<*const Map<String, Value>> = HashSet::new();
        for thing in &things {
            let first_map: *const _ = thing.views[0].map;
            if !parts.contains(&first_map) {
                parts.extend(thing.views[1..].iter().map(|view| view.map as *const _));
            }
        }
        let is_part = |thing: &Thing<'_>| parts.contains(&(thing.views[0].map as *const _));
        things.into_iter().filter(|thing| !is_part(thing)).collect()
    }

    fn thing(&self, map: &'a Map<String, Value>) -> Thing<'a> {
        let kind = types(map)
            .find(|kind| LISTINGS.contains(kind))
            .unwrap_or("Thing");
        let mut views = vec![View {
            map,
            from: format!("{}: {kind}", self.format),
        }];
        let mut next = 0;
        while next < views.len() && views.len() < MOST_VIEWS {
            let view = views[next].clone();
            next += 1;
            for key in MORE {
                for part in maps(&self.by_id, view.map, key) {
                    let is_known = views.iter().any(|known| std::ptr::eq(known.map, part));
                    if !is_known && !is_of_people(part) && views.len() < MOST_VIEWS {
                        views.push(View {
                            map: part,
                            from: format!("{}.{key}", view.from),
                        });
                    }
                }
            }
        }
        Thing {
            views,
            by_id: Rc::clone(&self.by_id),
        }
    }
}

impl<'a> Thing<'a> {
    /// All values at the end of a path such as `address.addressLocality`, in the thing and its parts.
    pub fn at(&self, path: &str) -> Vec<FoundValue<'a>> {
        let steps: Vec<&str> = path.split('.').collect();
        let Some((last, before)) = steps.split_last() else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for view in &self.views {
            let mut within = vec![view.map];
            for step in before {
                within = within
                    .into_iter()
                    .flat_map(|map| maps(&self.by_id, map, step))
                    .filter(|map| !is_of_people(map))
                    .collect();
            }
            for map in within {
                found.extend(values(map, last).map(|value| FoundValue {
                    value: self.resolved(value),
                    within: map,
                    from: format!("{}.{path}", view.from),
                }));
            }
        }
        found
    }

    /// What a reference leads to; any other value as it is.
    fn resolved(&self, value: &'a Value) -> Resolved<'a> {
        match value {
            Value::Object(map) => match map.get("@id") {
                Some(Value::String(id)) => {
                    Resolved::Map(self.by_id.get(id.as_str()).copied().unwrap_or(map))
                }
                _ => Resolved::Map(map),
            },
            other => Resolved::Plain(other),
        }
    }

    /// The address of a listing that is not of this page but of another one of the site.
    pub fn elsewhere(&self, canonical: &Url, url: &Url) -> Option<Url> {
        let address = self.address(url)?;
        (address != *canonical && address != *url).then_some(address)
    }

    /// The address that the listing calls its own, on the site of `url`.
    pub fn address(&self, url: &Url) -> Option<Url> {
        let texts = self
            .views
            .iter()
            .flat_map(|view| values(view.map, "url").chain(values(view.map, "@id")));
        texts
            .filter_map(Value::as_str)
            .filter(|text| !text.starts_with('#') && !text.starts_with('_'))
            .filter_map(|text| url.join(text).ok())
            .filter(|address| address.origin() == url.origin() && address.fragment().is_none())
            .find_map(crate::page_url::normalised)
    }
}

/// Whether a thing is a person, or speaks for one.
pub fn is_of_people(map: &Map<String, Value>) -> bool {
    types(map).any(|kind| PEOPLE.contains(&kind))
}

/// The values of a property, by any of its spellings; lists are taken apart.
pub fn values<'a>(
    map: &'a Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'a Value> + use<'a> {
    let spellings = ["", "schema:", "http://schema.org/", "https://schema.org/"];
    let value = spellings
        .iter()
        .find_map(|before| map.get(&format!("{before}{name}")));
    let all: &[Value] = match value {
        None => &[],
        Some(Value::Array(all)) => all,
        Some(one) => std::slice::from_ref(one),
    };
    all.iter()
}

/// The things that a property has, those it refers to included.
fn maps<'a>(
    by_id: &ById<'a>,
    map: &'a Map<String, Value>,
    name: &str,
) -> Vec<&'a Map<String, Value>> {
    values(map, name)
        .filter_map(|value| match value {
            Value::Object(map) => Some(map),
            _ => None,
        })
        .map(|map| match map.get("@id") {
            Some(Value::String(id)) => by_id.get(id.as_str()).copied().unwrap_or(map),
            _ => map,
        })
        .collect()
}

/// The types of a thing, without what precedes their names.
fn types(map: &Map<String, Value>) -> impl Iterator<Item = &str> {
    values(map, "@type")
        .chain(values(map, "type"))
        .filter_map(|kind| {
            let kind = kind.as_str()?;
            Some(kind.rsplit(['/', '#', ':']).next().unwrap_or(kind))
        })
}

fn children(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(all) => Box::new(all.iter()),
        Value::Object(map) => Box::new(map.values()),
        _ => Box::new(std::iter::empty()),
    }
}
