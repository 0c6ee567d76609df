//! Whether `[crawl]` fits.

use crate::schema::{AREA_UNITS, Kind, Schema};

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
