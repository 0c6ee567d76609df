//! Table `[crawl]`: how web pages state what a record has.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Units of areas that values can be converted between, by their codes of UN/CEFACT recommendation 20,
/// in square metres.
pub const AREA_UNITS: [(&str, f64); 5] = [
    ("MTK", 1.0),
    ("FTK", 0.092_903_04),
    ("YDK", 0.836_127_36),
    ("ACR", 4_046.856_422_4),
    ("HAR", 10_000.0),
];

/// How pages state what a record has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crawl {
    /// What prices are in, such as `RUB` (ISO 4217): one in another currency is refused, not converted.
    /// Left out, it follows from the target's unit where that is a sign such as ₽.
    #[serde(default)]
    pub currency: Option<String>,
    /// Whether a price is taken from a page that names no currency.
    #[serde(default)]
    pub currency_may_be_missing: bool,
    /// Where each field is found.
    #[serde(rename = "field")]
    pub fields: BTreeMap<String, CrawlField>,
}

/// Where a field is found: in JSON-LD, else in microdata, else in a `meta` element, else by a selector.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrawlField {
    /// Properties of schema.org, the first that is there counts: `floorSize`, `address.addressLocality`.
    #[serde(default)]
    pub property: Vec<String>,
    /// `property` or `name` of `meta` elements (OpenGraph), such as `product:price:amount`.
    #[serde(default)]
    pub meta: Vec<String>,
    /// A CSS selector; the first element that has it counts.
    #[serde(default)]
    pub selector: Option<String>,
    /// Which attribute of that element has the value; its text, where this is left out.
    #[serde(default)]
    pub attribute: Option<String>,
    /// The unit that a number is in where the page names none: `MTK`, `FTK`, … Without it such a number is
    /// refused, where the field has a unit that others can be converted to.
    #[serde(default)]
    pub unit_when_missing: Option<String>,
}
