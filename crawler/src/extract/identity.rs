//! The id of a listing: what the source calls it, else its address.

use url::Url;

use super::graph::{Resolved, Thing};
use super::hash::hash;
use super::value::Raw;
use crate::personal;

/// Where sources state what they call a listing.
const IDENTIFIERS: [&str; 4] = ["identifier", "productID", "sku", "mpn"];
/// Longest identifier that is taken, in bytes.
const LONGEST: usize = 128;

/// The id and from where it came: `host/identifier`, as two hosts may call two listings the same, else a
/// hash of the listing's address. `None` for one of several in a page that has neither.
pub fn of(
    thing: Option<&Thing>,
    paths: &[String],
    selected: Option<&str>,
    host: &str,
    canonical: &Url,
    is_only: bool,
) -> Option<(String, String)> {
    let identifiers = IDENTIFIERS.map(str::to_owned);
    let paths = if paths.is_empty() {
        &identifiers[..]
    } else {
        paths
    };
    for path in paths {
        for found in thing.map(|thing| thing.at(path)).unwrap_or_default() {
            // A reference is not a name.
            if let Resolved::Map(map) = found.value
                && map.len() == 1
            {
                continue;
            }
            let id = Raw::of(&found).and_then(|raw| identifier(&raw.value));
            if let Some(id) = id {
                return Some((format!("{host}/{id}"), found.from));
            }
        }
    }
    if let Some(id) = selected.and_then(|text| identifier(&text.into())) {
        return Some((format!("{host}/{id}"), "selector".to_owned()));
    }
    if is_only {
        return Some((hash(canonical.as_str()), format!("hash of {canonical}")));
    }
    let address = thing.and_then(|thing| thing.address(canonical))?;
    Some((hash(address.as_str()), format!("hash of {address}")))
}

fn identifier(value: &serde_json::Value) -> Option<String> {
    let text = match value {
        serde_json::Value::String(text) => text.trim().to_owned(),
        serde_json::Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let is_plain = !text.is_empty() && text.len() <= LONGEST && !text.contains(char::is_control);
    (is_plain && !text.contains('\u{fffd}') && !personal::has_mail(&text)).then_some(text)
}
