//! The value of a label: a price, whether the record is of the class, or which of several it has.

use records::measure::Reading;
use records::{Field, Kind, Schema, Task, truth};
use serde_json::Value;
use valuation::Link;

use crate::levels::Levels;

/// Levels that a reject names.
const NAMED: usize = 12;

/// What became known.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Label {
    /// A price; of a class 1, of others 0.
    Number(f64),
    /// Of several classes the one that it was.
    Level(String),
}

impl Label {
    pub fn number(&self) -> Option<f64> {
        match self {
            Label::Number(number) => Some(*number),
            Label::Level(_) => None,
        }
    }

    pub fn level(&self) -> Option<&str> {
        match self {
            Label::Number(_) => None,
            Label::Level(level) => Some(level),
        }
    }
}

/// Reads the target of a label. `levels` are those of the model that answers, where it is of several classes; without
/// one any name is taken.
///
/// # Errors
/// What was expected, and what was found.
pub(super) fn read(
    schema: &Schema,
    levels: Option<&Levels>,
    found: Option<&Value>,
) -> Result<Label, String> {
    match schema.task {
        Task::Classification if schema.is_multiclass() => {
            level(schema, levels, found).map(Label::Level)
        }
        Task::Classification => {
            class(schema, found).map(|is_of| Label::Number(f64::from(u8::from(is_of))))
        }
        Task::Regression | Task::Clustering => price(schema, found).map(Label::Number),
    }
}

/// The name of a level, which may be written as a number or a boolean, as in records.
fn level(
    schema: &Schema,
    levels: Option<&Levels>,
    found: Option<&Value>,
) -> Result<String, String> {
    let known = levels.map_or(&[][..], Levels::names);
    let text = match found {
        Some(Value::String(text)) => Some(text.trim().to_owned()),
        Some(Value::Number(number)) => number.as_f64().map(|value| value.to_string()),
        Some(Value::Bool(value)) => Some(value.to_string()),
        _ => None,
    };
    let text = text.filter(|text| !text.is_empty());
    let is_known = |text: &String| known.is_empty() || known.iter().any(|level| **level == **text);
    text.filter(is_known).ok_or_else(|| {
        let target = schema.target.as_deref().unwrap_or_default();
        let found = found.map_or_else(|| "none".to_owned(), Value::to_string);
        let some: Vec<&str> = known.iter().take(NAMED).map(|level| &**level).collect();
        let more = if known.len() > NAMED { ", …" } else { "" };
        let one_of = match some.is_empty() {
            true => String::new(),
            false => format!(" that the model predicts ({}{more})", some.join(", ")),
        };
        format!("{target} must be the name of a level{one_of}; found {found}")
    })
}

fn price(schema: &Schema, found: Option<&Value>) -> Result<f64, String> {
    let target = schema.target.as_deref().unwrap_or("price");
    let field = schema.field(target);
    let link = Link::of(schema);
    let actual = number(field, found).filter(|actual| link.takes(*actual));
    let bound = link.expected();
    let actual = actual.ok_or_else(|| format!("{target} must be a number {bound}"))?;
    within(target, field, 0.0, actual)
}

/// The target as records have it, or true and false.
fn class(schema: &Schema, found: Option<&Value>) -> Result<bool, String> {
    let target = schema.target.as_deref().unwrap_or_default();
    let field = schema.field(target);
    let name = schema.class_name();
    let class = schema.class.as_ref();
    let by_value = if let Some(Value::Bool(is_of)) = found {
        Some(*is_of)
    } else if let Some(level) = class.and_then(|class| class.level.as_deref()) {
        let text = found.and_then(Value::as_str).map(str::trim);
        text.filter(|text| !text.is_empty())
            .map(|text| text == level)
    } else if let Some(at_least) = class.and_then(|class| class.at_least) {
        match number(field, found) {
            Some(value) => Some(within(target, field, f64::MIN, value)? >= at_least),
            None => None,
        }
    } else {
        match found {
            Some(Value::String(text)) => truth::of_word(text.trim()),
            Some(Value::Number(number)) if number.as_f64() == Some(1.0) => Some(true),
            Some(Value::Number(number)) if number.as_f64() == Some(0.0) => Some(false),
            _ => None,
        }
    };
    by_value.ok_or_else(|| {
        let kind = match field.map(|field| field.kind) {
            Some(Kind::Boolean) => "0 or 1".to_owned(),
            Some(Kind::Category) => "the name of a level".to_owned(),
            _ => "a number".to_owned(),
        };
        let found = found.map_or_else(|| "none".to_owned(), Value::to_string);
        format!("{target} must be true or false (whether the record is {name}), or {kind}; found {found}")
    })
}

/// A number, also as a text that the field reads.
fn number(field: Option<&Field>, found: Option<&Value>) -> Option<f64> {
    let is_number = |field: &&Field| matches!(field.kind, Kind::Number | Kind::Integer);
    match (found, field.filter(is_number)) {
        (Some(Value::String(text)), Some(field)) => match field.read(text) {
            Reading::Value(value) => Some(value),
            Reading::OtherUnit(_) | Reading::Ambiguous(..) | Reading::NoNumber => None,
        },
        (found, _) => found.and_then(Value::as_f64),
    }
}

/// A number within the field's bounds; `least` is the lower one where the field has none.
fn within(target: &str, field: Option<&Field>, least: f64, actual: f64) -> Result<f64, String> {
    let greatest = field.and_then(|field| field.max).unwrap_or(f64::MAX);
    let least = field.and_then(|field| field.min).unwrap_or(least);
    match (least..=greatest).contains(&actual) {
        true => Ok(actual),
        false => Err(format!(
            "{target}: expected {least} to {greatest}, found {actual}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema(target: &str) -> Schema {
        let text = format!(
            "name = \"x\"\nversion = 1\ntask = \"classification\"\ntable = \"x\"\nkey = \"id\"\n\
             target = \"y\"\n{target}\n[[field]]\nname = \"id\"\nkind = \"text\"\n"
        );
        Schema::parse(&text, "x").expect("a schema")
    }

    fn label(schema: &Schema, value: &Value) -> Result<f64, String> {
        read(schema, None, Some(value)).map(|label| label.number().expect("a number"))
    }

    #[test]
    fn of_several_classes_a_label_is_the_name_of_a_level() {
        let schema = schema("[[field]]\nname = \"y\"\nkind = \"category\"");
        let levels = Levels::named(&["red", "white"]);
        let read = |levels: Option<&Levels>, value: Value| read(&schema, levels, Some(&value));
        let red = Ok(Label::Level("red".to_owned()));
        assert_eq!(read(Some(&levels), json!(" red ")), red);
        // No model is known yet.
        assert_eq!(read(None, json!("red")), red);
        let scores = Levels::named(&["5", "6.5", "false"]);
        for (value, level) in [
            (json!(5), "5"),
            (json!(5.0), "5"),
            (json!(6.5), "6.5"),
            (json!(false), "false"),
        ] {
            let label = read(Some(&scores), value);
            assert_eq!(label, Ok(Label::Level(level.to_owned())));
        }
        for (value, expected) in [
            (
                json!("rosé"),
                "y must be the name of a level that the model predicts (red, white); found \"rosé\"",
            ),
            (json!(1), "found 1"),
            (json!(true), "found true"),
            (json!(" "), "found \" \""),
        ] {
            let error = read(Some(&levels), value).expect_err("no label");
            assert!(error.contains(expected), "{error}");
        }
        let error = read(None, Value::Null).expect_err("no label");
        assert_eq!(error, "y must be the name of a level; found null");
    }

    #[test]
    fn whether_a_record_is_of_the_class_is_read_as_its_target_has_it() {
        let yes_or_no = schema("[[field]]\nname = \"y\"\nkind = \"boolean\"");
        let at_least = "[class]\nname = \"good\"\nat_least = 7\n\
                        [[field]]\nname = \"y\"\nkind = \"integer\"\nmin = 0\nmax = 10";
        let level = "[class]\nname = \"sale\"\nlevel = \"sold\"\n\
                     [[field]]\nname = \"y\"\nkind = \"category\"";
        let (at_least, level) = (schema(at_least), schema(level));
        for (schema, value, expected) in [
            (&yes_or_no, json!(true), 1.0),
            (&yes_or_no, json!(0), 0.0),
            (&yes_or_no, json!(1.0), 1.0),
            (&yes_or_no, json!(" False "), 0.0),
            (&at_least, json!(7), 1.0),
            (&at_least, json!("6"), 0.0),
            (&at_least, json!(1), 0.0),
            (&at_least, json!(true), 1.0),
            (&level, json!("sold"), 1.0),
            (&level, json!("rented"), 0.0),
            (&level, json!(false), 0.0),
        ] {
            assert_eq!(label(schema, &value), Ok(expected), "{value}");
        }
        for (schema, value, expected) in [
            (
                &yes_or_no,
                json!(0.4),
                "y must be true or false (whether the record is y), or 0 or 1; found 0.4",
            ),
            (&yes_or_no, json!("perhaps"), "found \"perhaps\""),
            (&yes_or_no, Value::Null, "found null"),
            (
                &at_least,
                json!("much"),
                "(whether the record is good), or a number",
            ),
            (&at_least, json!(11), "y: expected 0 to 10, found 11"),
            (&level, json!(1), "or the name of a level; found 1"),
            (&level, json!(" "), "found \" \""),
        ] {
            let error = label(schema, &value).expect_err("no label");
            assert!(error.contains(expected), "{value}: {error}");
        }
        let absent = read(&yes_or_no, None, None).expect_err("no label");
        assert!(absent.contains("found none"), "{absent}");
    }
}
