//! Tensors of the Open Inference Protocol, one a field, to records and back.

use records::schema::{Field, Kind};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::binary::SIZE;

/// An input: values of one field, a row each.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    pub name: String,
    pub shape: Vec<usize>,
    pub datatype: String,
    /// Not there where the values are binary.
    #[serde(default)]
    pub data: Option<Value>,
    /// What the client says of the data besides: its encoding must not be passed over.
    #[serde(default)]
    pub parameters: Map<String, Value>,
}

/// Encodings of data that mean what the datatype says (MLServer's names).
const CONTENT_TYPES: [&str; 5] = ["str", "np", "pd", "datetime", "hg_json"];

/// Refuses data in an encoding that is not read, such as base64: taken as it is, it would be another value.
///
/// # Errors
/// What was found and what is expected.
pub(super) fn check_content_type(
    whose: &str,
    parameters: &Map<String, Value>,
) -> Result<(), String> {
    match parameters.get("content_type") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(found)) if CONTENT_TYPES.contains(&found.as_str()) => Ok(()),
        Some(found) => Err(format!(
            "{whose}: expected no content_type, or one of {}, found {found}: send the values themselves",
            CONTENT_TYPES.join(", ")
        )),
    }
}

/// The protocol's name of a field's type.
pub(super) fn datatype(field: &Field) -> &'static str {
    match field.kind {
        Kind::Category | Kind::Text | Kind::Timestamp => "BYTES",
        Kind::Number => "FP64",
        Kind::Integer => "INT64",
        Kind::Boolean => "BOOL",
    }
}

/// Datatypes that are taken for a field of a kind: those whose values the field takes in JSON. A text is read
/// as any text is; a name may be a whole number, and a boolean 0 or 1.
fn takes(kind: Kind, datatype: &str) -> bool {
    const WHOLE: [&str; 8] = [
        "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64",
    ];
    let is_whole = WHOLE.contains(&datatype);
    let is_number = is_whole || ["FP16", "FP32", "FP64"].contains(&datatype);
    let is_boolean = datatype == "BOOL";
    datatype == "BYTES"
        || match kind {
            Kind::Category | Kind::Text | Kind::Boolean => is_whole || is_boolean,
            Kind::Timestamp | Kind::Number | Kind::Integer => is_number,
        }
}

/// Sets the field of each record; all inputs have the same count of rows.
///
/// # Errors
/// What is wrong with the tensor, and what was expected.
pub(super) fn set(
    records: &mut Vec<Map<String, Value>>,
    input: &Input,
    field: &Field,
    is_first: bool,
) -> Result<(), String> {
    let Input {
        name,
        shape,
        datatype: found,
        data,
        parameters,
    } = input;
    check_content_type(&format!("input {name}"), parameters)?;
    if !takes(field.kind, found) {
        let expected = datatype(field);
        return Err(format!(
            "input {name}: expected the datatype {expected}, found {found}"
        ));
    }
    let rows = match shape[..] {
        [rows] | [rows, 1] => rows,
        _ => {
            return Err(format!(
                "input {name}: expected the shape [rows] or [rows, 1], found {shape:?}"
            ));
        }
    };
    let data = data.as_ref().ok_or_else(|| {
        format!("input {name}: expected data, or the parameter {SIZE} and values after the JSON")
    })?;
    let mut values = Vec::new();
    flatten(data, &mut values);
    if values.len() != rows {
        let found = values.len();
        return Err(format!(
            "input {name}: expected {rows} values, as its shape says, found {found}"
        ));
    }
    if is_first {
        records.resize_with(rows, Map::new);
    }
    if records.len() != rows {
        let expected = records.len();
        return Err(format!(
            "input {name}: expected {expected} rows, as the first input has, found {rows}"
        ));
    }
    for (record, value) in records.iter_mut().zip(values) {
        if !value.is_null() {
            record.insert(name.clone(), value.clone());
        }
    }
    Ok(())
}

/// The protocol allows data to be nested as its shape is.
fn flatten<'a>(data: &'a Value, values: &mut Vec<&'a Value>) {
    match data {
        Value::Array(parts) => parts.iter().for_each(|part| flatten(part, values)),
        value => values.push(value),
    }
}
