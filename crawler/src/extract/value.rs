//! One value of a page as one of a field: kind, unit, currency, nothing personal.

use records::schema::{CrawlField, currency_of};
use records::{Field, Kind};
use serde_json::{Map, Value};

use super::graph::{FoundValue, Resolved, is_of_people, values};
use super::number;
use crate::personal;

/// A value as a page has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Raw {
    /// A text, a number or a boolean.
    pub value: Value,
    /// Its unit, as written; empty where there is none.
    pub unit: String,
    /// Its currency, as written.
    pub currency: Option<String>,
}

/// Why a value is not taken: a short stable name, and words.
pub type Problem = (&'static str, String);

impl Raw {
    /// A text of a page.
    pub fn text(text: &str) -> Raw {
        Raw {
            value: Value::from(text.trim()),
            ..Raw::default()
        }
    }

    /// A value of structured data: a plain one, or a quantity, a price, a thing with a name. `None` where it
    /// has no such value, or is a person's.
    pub fn of(found: &FoundValue) -> Option<Raw> {
        let stated = |map: &Map<String, Value>, names: &[&str]| {
            let texts = names
                .iter()
                .flat_map(|name| values(map, name))
                .filter_map(Value::as_str);
            texts
                .map(str::to_owned)
                .find(|text| !text.trim().is_empty())
        };
        let currencies = ["priceCurrency", "currency"];
        let outer = stated(found.within, &currencies).or_else(|| {
            let parts = values(found.within, "priceSpecification");
            parts
                .filter_map(Value::as_object)
                .find_map(|map| stated(map, &currencies))
        });
        match found.value {
            Resolved::Plain(value) => Some(Raw {
                value: plain(value)?,
                unit: String::new(),
                currency: outer,
            }),
            Resolved::Map(map) if is_of_people(map) => None,
            Resolved::Map(map) => {
                let names = ["@value", "value", "price", "minValue", "name"];
                let inner = names
                    .iter()
                    .flat_map(|name| values(map, name))
                    .find_map(plain)?;
                // From one to another is not a value.
                let ends = ["minValue", "maxValue"].map(|name| values(map, name).next());
                if values(map, "value").next().is_none() && ends[0] != ends[1] {
                    return None;
                }
                Some(Raw {
                    value: inner,
                    unit: stated(map, &["unitCode", "unitText"]).unwrap_or_default(),
                    currency: stated(map, &currencies).or(outer),
                })
            }
        }
    }

    /// The value as one of a field.
    ///
    /// # Errors
    /// Why it is none; the words do not repeat a text, which may be personal.
    pub fn into_field(
        self,
        field: &Field,
        from: &CrawlField,
        price_in: Option<&str>,
        currency_may_be_missing: bool,
    ) -> Result<Value, Problem> {
        match field.kind {
            Kind::Number | Kind::Integer => {
                self.into_number(field, from, price_in, currency_may_be_missing)
            }
            Kind::Boolean => self.into_boolean(),
            Kind::Category | Kind::Text => self.into_text(personal::is_personal),
            // Its digits are in groups, too.
            Kind::Timestamp => self.into_text(personal::has_mail),
        }
    }

    fn into_text(self, is_personal: fn(&str) -> bool) -> Result<Value, Problem> {
        let text = match &self.value {
            Value::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
            Value::Number(number) => number.to_string(),
            _ => return Err(("wrong_type", "expected a text".to_owned())),
        };
        if text.is_empty() {
            return Err(("empty", "it is empty".to_owned()));
        }
        if text.contains('\u{fffd}') {
            let why = "it has characters that are not in the page's character set";
            return Err(("charset", why.to_owned()));
        }
        if is_personal(&text) {
            let why = "it has an e-mail address or a telephone number, which are not stored";
            return Err(("personal", why.to_owned()));
        }
        Ok(Value::from(text))
    }

    fn into_boolean(self) -> Result<Value, Problem> {
        let word = match &self.value {
            Value::Bool(is) => return Ok(Value::from(*is)),
            Value::String(word) => word.rsplit('/').next().unwrap_or_default().to_lowercase(),
            _ => String::new(),
        };
        match word.as_str() {
            "true" | "yes" | "1" => Ok(Value::from(true)),
            "false" | "no" | "0" => Ok(Value::from(false)),
            _ => Err(("wrong_type", "expected true or false".to_owned())),
        }
    }

    fn into_number(
        self,
        field: &Field,
        from: &CrawlField,
        price_in: Option<&str>,
        currency_may_be_missing: bool,
    ) -> Result<Value, Problem> {
        let (value, behind) = match &self.value {
            Value::Number(number) => (number.as_f64().unwrap_or(f64::NAN), String::new()),
            Value::String(text) => number::read(text).ok_or_else(|| {
                (
                    "wrong_type",
                    "expected one number, with or without a unit".to_owned(),
                )
            })?,
            _ => return Err(("wrong_type", "expected a number".to_owned())),
        };
        if !value.is_finite() {
            return Err(("wrong_type", "expected a number".to_owned()));
        }
        let unit = if self.unit.is_empty() {
            behind.clone()
        } else {
            self.unit.clone()
        };
        let value = if let Some(expected) = price_in {
            let stated = self.currency.as_deref().unwrap_or(&behind);
            match currency_of(&stated.to_uppercase()).or(currency_of(stated)) {
                Some(found) if found == expected => value,
                Some(found) => {
                    return Err((
                        "currency",
                        format!("expected a price in {expected}, found {found}"),
                    ));
                }
                None if stated.trim().is_empty() && currency_may_be_missing => value,
                None => {
                    let why = format!(
                        "expected a price in {expected}, found one without a known currency"
                    );
                    return Err(("currency", why));
                }
            }
        } else {
            in_unit(value, &unit, field, from)?
        };
        if field.kind == Kind::Integer {
            if value.fract() != 0.0 || value.abs() > 9e15 {
                return Err((
                    "wrong_type",
                    format!("expected a whole number, found {value}"),
                ));
            }
            return Ok(Value::from(value as i64));
        }
        Ok(Value::from(value))
    }
}

/// A number in the field's unit.
fn in_unit(value: f64, unit: &str, field: &Field, from: &CrawlField) -> Result<f64, Problem> {
    let Some(of_field) = field.unit.as_deref() else {
        // A count of rooms may say that it counts rooms.
        return Ok(value);
    };
    let Some(to) = number::area_unit(of_field) else {
        let is_own = unit.is_empty()
            || unit == of_field
            || field.spellings.iter().any(|known| known == unit);
        return match is_own {
            true => Ok(value),
            false => Err((
                "wrong_unit",
                format!("expected {of_field}, found {:?}", short(unit)),
            )),
        };
    };
    let code = match (unit.trim(), &from.unit_when_missing) {
        ("", Some(assumed)) => Some(assumed.as_str()),
        ("", None) => {
            let why = format!(
                "expected a unit, such as {to}; crawl.field.{}.unit_when_missing sets a default",
                field.name
            );
            return Err(("no_unit", why));
        }
        (stated, _) => number::area_unit(stated),
    };
    match code {
        Some(code) => Ok(number::convert(value, code, to)),
        None => Err((
            "wrong_unit",
            format!(
                "expected {of_field} or another unit of areas, found {:?}",
                short(unit)
            ),
        )),
    }
}

fn short(unit: &str) -> String {
    unit.chars().take(12).collect()
}

fn plain(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(_) | Value::Number(_) | Value::Bool(_) => Some(value.clone()),
        _ => None,
    }
}
