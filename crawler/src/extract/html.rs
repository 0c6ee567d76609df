//! A page taken apart: links, structured data, `meta` elements, what selectors find.

use std::collections::BTreeMap;

use scraper::{ElementRef, Html, Selector};
use serde_json::Value;
use url::Url;

use super::microdata;

/// Links looked at in one page, before those of other sites are left out.
const MOST_LINKS: usize = 20_000;
/// Blocks of JSON-LD, and things of microdata, that are read in one page.
const MOST_BLOCKS: usize = 100;
/// Longest value of a `meta` element or of a selector, in bytes.
const LONGEST_VALUE: usize = 4096;
/// Names under which a page speaks to this crawler.
const ROBOTS: [&str; 2] = ["robots", "hedoniccrawler"];
/// Elements without an end, or whose end may be left out: they do not lie in each other.
const FLAT: [&str; 33] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr", "p", "li", "dt", "dd", "option", "optgroup", "tr", "td", "th", "thead",
    "tbody", "tfoot", "colgroup", "html", "head", "body", "rt", "rp", "caption",
];

/// A selector for each field that has one, and the attribute that has the value; its text without one.
pub type Selectors = BTreeMap<String, (Selector, Option<String>)>;

/// What a page has.
#[derive(Debug, Default)]
pub struct Page {
    /// Where it leads, without links that it asks not to be followed.
    pub links: Vec<Url>,
    /// The address that it calls its own, on the same host.
    pub canonical: Option<Url>,
    /// It asks not to be indexed.
    pub is_not_indexed: bool,
    /// Blocks of JSON-LD.
    pub json_ld: Vec<Value>,
    /// Things of microdata, in the form of JSON-LD.
    pub microdata: Vec<Value>,
    /// `meta` elements by `property` or `name`; the first of each.
    pub meta: BTreeMap<String, String>,
    /// What selectors find, by field.
    pub selected: BTreeMap<String, String>,
    /// What could not be read.
    pub problems: Vec<String>,
}

/// Whether elements lie deeper in each other than allowed: the time of an HTML parser grows with it.
///
/// # Errors
/// When they do.
pub fn check_nesting(text: &str, most: usize) -> Result<(), String> {
    let bytes = text.as_bytes();
    let mut depth: usize = 0;
    for (at, _) in text.match_indices('<') {
        let is_end = bytes.get(at + 1) == Some(&b'/');
        let from = at + 1 + usize::from(is_end);
        let name: String = bytes[from.min(bytes.len())..]
            .iter()
            .take(16)
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .map(|byte| char::from(byte.to_ascii_lowercase()))
            .collect();
        if name.is_empty() || FLAT.contains(&name.as_str()) {
            continue;
        }
        match is_end {
            true => depth = depth.saturating_sub(1),
            false => depth += 1,
        }
        if depth > most {
            return Err(format!("elements are nested more than {most} levels deep"));
        }
    }
    Ok(())
}

impl Page {
    /// Takes a page apart, however broken.
    pub fn parse(text: &str, url: &Url, tag: &str, selectors: &Selectors) -> Page {
        let document = Html::parse_document(text);
        let mut page = Page::default();
        let mut is_not_followed = false;
        page.obey(tag, &mut is_not_followed);
        let mut base = url.clone();
        for element in document.root_element().descendent_elements() {
            match element.value().name() {
                "a" | "area" => page.link(element, &base),
                "base" => {
                    let to = element.attr("href").and_then(|to| url.join(to).ok());
                    base = to.unwrap_or(base);
                }
                "meta" => {
                    let name = element.attr("property").or(element.attr("name"));
                    let (Some(name), Some(content)) = (name, element.attr("content")) else {
                        continue;
                    };
                    let name = name.trim().to_ascii_lowercase();
                    if ROBOTS.contains(&name.as_str()) {
                        page.obey(&content.to_lowercase(), &mut is_not_followed);
                    } else if content.len() <= LONGEST_VALUE {
                        page.meta
                            .entry(name)
                            .or_insert_with(|| content.trim().to_owned());
                    }
                }
                "link" if has_word(element.attr("rel"), "canonical") => {
                    let target = element.attr("href").and_then(|to| base.join(to).ok());
                    let target = target.and_then(crate::page_url::normalised);
                    page.canonical = target
                        .filter(|address| address.origin() == url.origin())
                        .or(page.canonical.take());
                }
                "script" => page.script(element),
                _ => {}
            }
            let is_thing =
                element.attr("itemscope").is_some() && element.attr("itemprop").is_none();
            if is_thing && page.microdata.len() < MOST_BLOCKS {
                page.microdata.push(microdata::thing(element, &base));
            }
        }
        for (name, (selector, attribute)) in selectors {
            let Some(element) = document.select(selector).next() else {
                continue;
            };
            let text: String = match attribute {
                Some(attribute) => element.attr(attribute).unwrap_or_default().to_owned(),
                None => element.text().collect(),
            };
            if text.len() <= LONGEST_VALUE {
                page.selected.insert(name.clone(), text);
            }
        }
        if is_not_followed {
            page.links.clear();
        }
        page
    }

    /// `noindex` and `nofollow`, wherever they stand.
    fn obey(&mut self, words: &str, is_not_followed: &mut bool) {
        for word in words.split([',', ' ', ':']) {
            match word.trim() {
                "noindex" => self.is_not_indexed = true,
                "nofollow" => *is_not_followed = true,
                "none" => (self.is_not_indexed, *is_not_followed) = (true, true),
                _ => {}
            }
        }
    }

    fn link(&mut self, element: ElementRef, base: &Url) {
        if self.links.len() >= MOST_LINKS || has_word(element.attr("rel"), "nofollow") {
            return;
        }
        let to = element
            .attr("href")
            .and_then(|to| base.join(to.trim()).ok());
        self.links
            .extend(to.filter(|to| matches!(to.scheme(), "http" | "https")));
    }

    fn script(&mut self, element: ElementRef) {
        let kind = element
            .attr("type")
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        if !kind.starts_with("application/ld+json") || self.json_ld.len() >= MOST_BLOCKS {
            return;
        }
        let text: String = element.text().collect();
        match json(&text) {
            Ok(value) => self.json_ld.push(value),
            Err(error) => self
                .problems
                .push(format!("invalid block of JSON-LD: {error}")),
        }
    }
}

/// JSON as pages have it: within a comment or a CDATA section, with line ends within texts, with a
/// semicolon behind.
fn json(text: &str) -> Result<Value, serde_json::Error> {
    let mut text = text.trim();
    for (before, after) in [
        ("<!--", "-->"),
        ("//<![CDATA[", "//]]>"),
        ("<![CDATA[", "]]>"),
    ] {
        text = text.strip_prefix(before).unwrap_or(text).trim();
        text = text.strip_suffix(after).unwrap_or(text).trim();
    }
    text = text.trim_end_matches(';').trim_end();
    serde_json::from_str(text).or_else(|error| {
        if !text.contains(char::is_control) {
            return Err(error);
        }
        serde_json::from_str(&text.replace(char::is_control, " "))
    })
}

fn has_word(attribute: Option<&str>, word: &str) -> bool {
    let mut words = attribute.unwrap_or_default().split_ascii_whitespace();
    words.any(|value| value.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Page {
        let url = Url::parse("https://e.com/a/b").expect("a URL");
        Page::parse(text, &url, "", &BTreeMap::new())
    }

    #[test]
    fn links_are_joined_and_those_not_to_be_followed_are_left() {
        let page = parse(
            "<base href='/base/'><a href='x'>1</a><a href=' //f.com/y '>2</a><a rel='nofollow' href='z'>\
             <a href='mailto:a@b.c'><a href='javascript:x()'>",
        );
        let links: Vec<&str> = page.links.iter().map(Url::as_str).collect();
        assert_eq!(links, ["https://e.com/base/x", "https://f.com/y"]);
        assert!(parse("<meta name=robots content='NoIndex, follow'><a href=x>").is_not_indexed);
        assert!(
            parse("<meta name=robots content='none'><a href=x>")
                .links
                .is_empty()
        );
    }

    #[test]
    fn json_ld_is_read_as_pages_have_it_and_what_is_broken_is_named() {
        let page = parse(
            "<script type='application/ld+json'><!-- {\"a\": \"x\ny\"}; --></script>\
             <script type='application/ld+json; charset=utf-8'>[1</script><script>{}</script>",
        );
        assert_eq!(page.json_ld, [serde_json::json!({ "a": "x y" })]);
        assert_eq!(page.problems.len(), 1);
    }

    #[test]
    fn deep_pages_are_refused_and_long_ones_are_not() {
        assert!(check_nesting(&"<div>".repeat(1001), 1000).is_err());
        assert!(check_nesting(&"<b><i>".repeat(600), 1000).is_err());
        check_nesting(&"<p>x<br><li>y".repeat(10_000), 1000).expect("flat");
        check_nesting(&"<div>x</div>".repeat(10_000), 1000).expect("flat");
        check_nesting("a < b <", 1).expect("no elements");
    }
}
