//! Records as the document describes them.

use records::schema::{Field, Kind};
use records::{Purpose, Schema};
use serde_json::{Map, Value, json};

use crate::http::tensor;

/// A record as JSON Schema. It states what is certainly taken; a little more is (numbers in texts).
pub(super) fn record(schema: &Schema) -> Value {
    let fields: Vec<&Field> = schema.columns(Purpose::Request).collect();
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| schema.is_asked_for(field))
        .map(|field| field.name.as_str())
        .collect();
    let mut properties: Map<String, Value> = fields
        .iter()
        .map(|field| (field.name.clone(), property(schema, field)))
        .collect();
    properties.entry("explain").or_insert(json!({
        "type": ["boolean", "integer"], "minimum": 0,
        "description": "true, or how many past records like it: reasons come with the price" }));
    json!({ "type": "object", "required": required, "properties": properties,
        "additionalProperties": true })
}

fn property(schema: &Schema, field: &Field) -> Value {
    let is_key = field.name == schema.key;
    let kind = match field.kind {
        // A key may be a number, and is given back as it came.
        Kind::Text if is_key => json!(["string", "integer"]),
        Kind::Category | Kind::Text => json!("string"),
        Kind::Timestamp => json!("string"),
        Kind::Number => json!("number"),
        Kind::Integer => json!("integer"),
        Kind::Boolean => json!("boolean"),
    };
    let mut property = json!({ "type": kind });
    if matches!(field.kind, Kind::Category | Kind::Text) {
        property["minLength"] = 1.into();
        // In bytes; a character has at most four.
        property["maxLength"] = (schema.text_limit(field) / 4).max(1).into();
        // Neither only spaces nor with a NUL.
        property["pattern"] = r"^[^\u0000]*[^\s\u0000][^\u0000]*$".into();
    }
    if field.kind == Kind::Timestamp {
        property["format"] = "date-time".into();
    }
    if let Some(min) = field.min {
        property["minimum"] = min.into();
    }
    if let Some(max) = field.max {
        property["maximum"] = max.into();
    }
    let texts = [
        field.about.clone(),
        field.unit.as_ref().map(|unit| match field.is_measured() {
            true => format!("in {unit}; a text such as \"1,234 {unit}\" is taken too"),
            false => format!("in {unit}"),
        }),
    ];
    let about: Vec<String> = texts.into_iter().flatten().collect();
    if !about.is_empty() {
        property["description"] = about.join("; ").into();
    }
    property
}

/// A record that is taken, to begin with.
pub(super) fn example(schema: &Schema) -> Value {
    let fields = schema.columns(Purpose::Request);
    let asked = fields.filter(|field| schema.is_asked_for(field));
    let values = asked.map(|field| {
        let at_least = field.min.unwrap_or(1.0).max(1.0);
        let value = match field.kind {
            Kind::Number => json!(at_least),
            Kind::Integer => json!(at_least as i64),
            Kind::Boolean => json!(true),
            Kind::Timestamp => json!("2026-01-31T12:00:00Z"),
            Kind::Category | Kind::Text => json!(match field.name.as_str() {
                "city" => "Kazan",
                "street" => "Lenina",
                _ => "1",
            }),
        };
        (field.name.clone(), value)
    });
    Value::Object(values.collect())
}

/// The same as tensors of one row.
pub(super) fn tensors(schema: &Schema) -> Value {
    let example = example(schema);
    let fields = schema.columns(Purpose::Request);
    let inputs = fields.filter_map(|field| {
        let value = example.get(&field.name)?;
        Some(json!({ "name": field.name, "shape": [1],
            "datatype": tensor::datatype(field), "data": [value] }))
    });
    json!({ "inputs": inputs.collect::<Vec<_>>() })
}
