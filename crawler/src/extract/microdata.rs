//! Microdata (`itemscope`, `itemprop`) in the form of JSON-LD, so that both are read in one way.

use scraper::ElementRef;
use serde_json::{Map, Value};
use url::Url;

/// Things within things, at most.
const DEEPEST: usize = 16;
/// Properties of one thing, at most.
const MOST: usize = 200;

/// A thing, with the things in it.
pub fn thing(element: ElementRef, base: &Url) -> Value {
    of(element, base, 0)
}

fn of(element: ElementRef, base: &Url, depth: usize) -> Value {
    let mut map = Map::new();
    if let Some(kind) = element.attr("itemtype") {
        let kinds = kind.split_ascii_whitespace().map(Value::from);
        map.insert("@type".to_owned(), Value::Array(kinds.collect()));
    }
    if let Some(id) = element.attr("itemid") {
        map.insert("@id".to_owned(), Value::from(id));
    }
    if depth < DEEPEST {
        // By hand, as what is in a thing is not descended into.
        let mut waiting: Vec<ElementRef> = element.child_elements().collect();
        waiting.reverse();
        while let Some(child) = waiting.pop() {
            let is_thing = child.attr("itemscope").is_some();
            if let Some(names) = child.attr("itemprop")
                && map.len() < MOST
            {
                let value = match is_thing {
                    true => of(child, base, depth + 1),
                    false => Value::from(text(child, base)),
                };
                for name in names.split_ascii_whitespace() {
                    add(&mut map, name, value.clone());
                }
            }
            if !is_thing {
                let mut children: Vec<ElementRef> = child.child_elements().collect();
                children.reverse();
                waiting.extend(children);
            }
        }
    }
    Value::Object(map)
}

/// The value of a property, as the HTML standard says for each element.
fn text(element: ElementRef, base: &Url) -> String {
    let attribute = |name: &str| element.attr(name).unwrap_or_default().trim().to_owned();
    let address = |name: &str| {
        let to = attribute(name);
        base.join(&to).map_or(to, |url| url.to_string())
    };
    match element.value().name() {
        "a" | "area" | "link" => address("href"),
        "audio" | "embed" | "iframe" | "img" | "source" | "track" | "video" => address("src"),
        "object" => address("data"),
        // Many give it to other elements, too.
        _ if element.attr("content").is_some() => attribute("content"),
        "data" | "meter" => attribute("value"),
        "time" if element.attr("datetime").is_some() => attribute("datetime"),
        _ => {
            let text: String = element.text().collect();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        }
    }
}

/// A second value of a property makes a list of it.
fn add(map: &mut Map<String, Value>, name: &str, value: Value) {
    match map.get_mut(name) {
        None => {
            map.insert(name.to_owned(), value);
        }
        Some(Value::Array(all)) => all.push(value),
        Some(first) => {
            let one = first.take();
            *first = Value::Array(vec![one, value]);
        }
    }
}
