//! Table `[crawl]`: how web pages say what a record has.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Kind, Schema};

/// Units of areas that values can be converted between, by their codes of UN/CEFACT recommendation 20,
/// in square metres.
pub const AREA_UNITS: [(&str, f64); 5] = [
    ("MTK", 1.0),
    ("FTK", 0.092_903_04),
    ("YDK", 0.836_127_36),
    ("ACR", 4_046.856_422_4),
    ("HAR", 10_000.0),
];

/// Properties of schema.org that are of people or are pictures of things: never taken.
const NEVER: [&str; 35] = [
    "accountablePerson",
    "agent",
    "alumni",
    "attendee",
    "author",
    "broker",
    "contactPoint",
    "contactPoints",
    "contributor",
    "copyrightHolder",
    "creator",
    "customer",
    "email",
    "employee",
    "familyName",
    "faxNumber",
    "givenName",
    "image",
    "landlord",
    "logo",
    "member",
    "offeredBy",
    "owner",
    "photo",
    "photos",
    "primaryImageOfPage",
    "provider",
    "publisher",
    "realEstateAgent",
    "review",
    "seller",
    "sponsor",
    "telephone",
    "thumbnail",
    "thumbnailUrl",
];

/// How pages say what a record has.
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

impl Crawl {
    /// The currency that prices are to be in, of a schema.
    pub fn currency(&self, schema: &Schema) -> Option<String> {
        self.currency.clone().or_else(|| {
            let target = schema.field(schema.target.as_deref()?)?;
            currency_of(target.unit.as_deref()?).map(str::to_owned)
        })
    }
}

/// The currency (ISO 4217) that a sign or a word stands for; `None` for what may be several.
pub fn currency_of(sign: &str) -> Option<&str> {
    let known = match sign.trim() {
        "₽" | "руб." | "руб" => "RUB",
        "$" | "US$" => "USD",
        "€" => "EUR",
        "£" => "GBP",
        "₴" => "UAH",
        "₸" => "KZT",
        "zł" => "PLN",
        "₺" => "TRY",
        "₹" => "INR",
        code if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) => code,
        _ => return None,
    };
    Some(known)
}

impl Schema {
    /// What does not fit in `[crawl]` is named with what was expected.
    pub(super) fn check_crawl(&self) -> Result<(), String> {
        let Some(crawl) = &self.crawl else {
            return Ok(());
        };
        if let Some(currency) = &crawl.currency
            && !(currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase()))
        {
            return Err(format!(
                "crawl.currency = {currency:?}: expected a code of ISO 4217, such as \"EUR\""
            ));
        }
        for (name, from) in &crawl.fields {
            let wrong = |why: String| Err(format!("crawl.field.{name}: {why}"));
            let Some(field) = self.field(name) else {
                return wrong("the schema has no such field".to_owned());
            };
            if from.property.is_empty() && from.meta.is_empty() && from.selector.is_none() {
                return wrong("expected property, meta or selector".to_owned());
            }
            if from.attribute.is_some() && from.selector.is_none() {
                return wrong("attribute needs a selector".to_owned());
            }
            let steps = from.property.iter().flat_map(|path| path.split('.'));
            if let Some(step) = steps.clone().find(|step| step.is_empty()) {
                return wrong(format!("property has an empty part: {step:?}"));
            }
            if let Some(step) = steps.clone().find(|step| NEVER.contains(step)) {
                return wrong(format!(
                    "{step:?} belongs to people or pictures, which are not stored; expected a \
                     property of the thing"
                ));
            }
            if let Some(unit) = &from.unit_when_missing {
                if !matches!(field.kind, Kind::Number | Kind::Integer) {
                    return wrong("unit_when_missing is for numbers".to_owned());
                }
                if AREA_UNITS.iter().all(|(code, _)| code != unit) {
                    let known: Vec<&str> = AREA_UNITS.iter().map(|(code, _)| *code).collect();
                    return wrong(format!(
                        "unit_when_missing = {unit:?}; expected one of {}",
                        known.join(", ")
                    ));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(crawl: &str) -> Result<Schema, String> {
        let text = format!(
            "name='x'\nversion=1\ntask='regression'\ntable='x'\nkey='id'\ntarget='price'\n{crawl}\n\
             [[field]]\nname='id'\nkind='text'\n[[field]]\nname='price'\nkind='number'\nunit='€'\n\
             [[field]]\nname='city'\nkind='category'\n"
        );
        Schema::parse(&text, "x").map_err(|error| error.to_string())
    }

    #[test]
    fn a_table_that_fits_is_read_and_is_no_part_of_a_model() {
        let schema =
            parsed("[crawl.field]\nprice={property=['price'],meta=['product:price:amount']}");
        let schema = schema.expect("valid");
        let crawl = schema.crawl.clone().expect("a table");
        assert_eq!(crawl.currency(&schema).as_deref(), Some("EUR"));
        let stored = serde_json::to_string(&schema).expect("serialises");
        assert!(!stored.contains("crawl"), "{stored}");
        let again: Schema = serde_json::from_str(&stored).expect("reads");
        assert_eq!(again.crawl, None);
        assert_eq!(again, schema, "how pages are read is no part of a model");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (crawl, expected) in [
            ("[crawl]\ncurrency='euro'\n[crawl.field]", "ISO 4217"),
            ("[crawl.field]\ntown={property=['x']}", "no such field"),
            (
                "[crawl.field]\ncity={}",
                "expected property, meta or selector",
            ),
            (
                "[crawl.field]\ncity={property=['seller.name']}",
                "people or pictures",
            ),
            (
                "[crawl.field]\ncity={property=['image']}",
                "people or pictures",
            ),
            ("[crawl.field]\ncity={property=['a..b']}", "empty part"),
            (
                "[crawl.field]\ncity={property=['x'],unit_when_missing='MTK'}",
                "for numbers",
            ),
            (
                "[crawl.field]\nprice={property=['x'],unit_when_missing='m2'}",
                "MTK",
            ),
            (
                "[crawl.field]\ncity={property=['x'],attribute='y'}",
                "selector",
            ),
            ("[crawl.field]\ncity={properties=['x']}", "properties"),
        ] {
            let error = parsed(crawl).expect_err(crawl);
            assert!(error.contains(expected), "{crawl}: {error}");
        }
    }
}
