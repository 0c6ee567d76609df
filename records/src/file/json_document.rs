//! A JSON document that is one object with the records inside: `{"data": [...]}`, GeoJSON, and the forms of
//! pandas (`orient` of columns, index, split and table).

use std::collections::BTreeMap;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

/// An object's members, as they stand in the text.
type Members = BTreeMap<String, Box<RawValue>>;

/// Names under which programs put a list of records beside other members.
const LISTS: [&str; 20] = [
    "data",
    "records",
    "results",
    "items",
    "listings",
    "rows",
    "features",
    "value",
    "values",
    "objects",
    "offers",
    "properties",
    "homes",
    "hits",
    "docs",
    "documents",
    "elements",
    "entries",
    "content",
    "list",
];
/// Names of objects that only wrap what was asked for.
const WRAPPERS: [&str; 7] = [
    "data",
    "response",
    "result",
    "results",
    "payload",
    "body",
    "_embedded",
];
/// How deep records are looked for.
const DEEPEST: usize = 4;

/// The records inside an object; `None` where it is a record itself, or nothing says which they are.
pub(super) fn records(object: &[u8]) -> Option<Vec<Box<RawValue>>> {
    records_below(object, DEEPEST)
}

fn records_below(object: &[u8], depth: usize) -> Option<Vec<Box<RawValue>>> {
    let members: Members = serde_json::from_slice(object).ok()?;
    if let (Some(columns), Some(data)) = (members.get("columns"), members.get("data"))
        && let Some(records) = split(columns, data)
    {
        return Some(records);
    }
    let mut lists = members.iter().filter_map(|(name, value)| {
        // A record has lists of its own, such as its photos.
        if members.len() > 1 && !LISTS.contains(&name.as_str()) {
            return None;
        }
        let list: Vec<Box<RawValue>> = serde_json::from_str(value.get()).ok()?;
        let is_of_objects = !list.is_empty() && list.iter().all(|item| is_object(item));
        is_of_objects.then_some((name, list))
    });
    match (lists.next(), lists.next()) {
        (Some((name, list)), None) if name == "features" => Some(features(list)),
        (Some((_, list)), None) => Some(list),
        (Some(_), Some(_)) => None,
        (None, _) => wrapped(&members, depth)
            .or_else(|| maps(&members))
            .or_else(|| lists_of_columns(&members)),
    }
}

/// The records inside the only object that may have them.
fn wrapped(members: &Members, depth: usize) -> Option<Vec<Box<RawValue>>> {
    let depth = depth.checked_sub(1)?;
    let may_wrap = |name: &str| members.len() == 1 || WRAPPERS.contains(&name);
    let mut inner = members
        .iter()
        .filter(|(name, value)| may_wrap(name) && is_object(value))
        .filter_map(|(_, value)| records_below(value.get().as_bytes(), depth));
    match (inner.next(), inner.next()) {
        (Some(records), None) => Some(records),
        _ => None,
    }
}

/// A list of values for each column, all of one length.
fn lists_of_columns(members: &Members) -> Option<Vec<Box<RawValue>>> {
    let columns: Vec<(&String, Vec<Box<RawValue>>)> = members
        .iter()
        .map(|(name, values)| Some((name, serde_json::from_str(values.get()).ok()?)))
        .collect::<Option<_>>()?;
    let (_, first) = columns.first()?;
    let is_simple = |value: &RawValue| !value.get().trim_start().starts_with(['{', '[']);
    let is_table = columns.len() > 1
        && !first.is_empty()
        && columns.iter().all(|(_, values)| {
            values.len() == first.len() && values.iter().all(|value| is_simple(value))
        });
    if !is_table {
        return None;
    }
    let row = |index: usize| -> Option<Box<RawValue>> {
        let values = columns.iter().map(|(name, values)| (*name, &values[index]));
        to_raw_value(&values.collect::<BTreeMap<_, _>>()).ok()
    };
    (0..first.len()).map(row).collect()
}

/// Arrays below an array of names; `None` where a list holds something else.
pub(super) fn table(list: &[Box<RawValue>]) -> Option<Vec<Box<RawValue>>> {
    let (names, rows) = list.split_first().filter(|(_, rows)| !rows.is_empty())?;
    let names: Vec<String> = serde_json::from_str(names.get()).ok()?;
    let record = |row: &RawValue| -> Option<Box<RawValue>> {
        let values: Vec<Box<RawValue>> = serde_json::from_str(row.get()).ok()?;
        let members: Members = names.iter().cloned().zip(values).collect();
        to_raw_value(&members).ok()
    };
    rows.iter().map(|row| record(row)).collect()
}

/// Objects one after the other, whatever stands between them.
pub(super) fn one_after_the_other(text: &[u8]) -> Option<Vec<Box<RawValue>>> {
    let objects = serde_json::Deserializer::from_slice(text).into_iter::<Box<RawValue>>();
    let objects: Vec<Box<RawValue>> = objects.collect::<Result<_, _>>().ok()?;
    let are_objects = objects.len() > 1 && objects.iter().all(|value| is_object(value));
    are_objects.then_some(objects)
}

fn is_object(value: &RawValue) -> bool {
    value.get().trim_start().starts_with('{')
}

/// Names in one list, the values of each record in another.
fn split(columns: &RawValue, data: &RawValue) -> Option<Vec<Box<RawValue>>> {
    let columns: Vec<String> = serde_json::from_str(columns.get()).ok()?;
    let data: Vec<Vec<Box<RawValue>>> = serde_json::from_str(data.get()).ok()?;
    let record = |values: Vec<Box<RawValue>>| -> Option<Box<RawValue>> {
        let members: Members = columns.iter().cloned().zip(values).collect();
        to_raw_value(&members).ok()
    };
    data.into_iter().map(record).collect()
}

/// Properties of places, each with the coordinates of its point.
fn features(list: Vec<Box<RawValue>>) -> Vec<Box<RawValue>> {
    let record = |feature: &RawValue| -> Option<Box<RawValue>> {
        let feature: Map<String, Value> = serde_json::from_str(feature.get()).ok()?;
        let mut record = feature.get("properties")?.as_object()?.clone();
        let point = feature
            .get("geometry")
            .filter(|geometry| geometry["type"] == "Point");
        if let Some([longitude, latitude, ..]) =
            point.and_then(|point| point["coordinates"].as_array().map(Vec::as_slice))
        {
            for (name, value) in [("longitude", longitude), ("latitude", latitude)] {
                record.entry(name).or_insert_with(|| value.clone());
            }
        }
        to_raw_value(&record).ok()
    };
    list.into_iter()
        .map(|feature| record(&feature).unwrap_or(feature))
        .collect()
}

/// An object of objects: a column each with the values by row, or a row each.
fn maps(members: &Members) -> Option<Vec<Box<RawValue>>> {
    let inner: Vec<(&String, Members)> = members
        .iter()
        .map(|(name, value)| Some((name, serde_json::from_str(value.get()).ok()?)))
        .collect::<Option<_>>()?;
    let (_, first) = inner.first()?;
    let is_of_columns = !first.is_empty() && first.keys().all(|key| key.parse::<u64>().is_ok());
    if !is_of_columns {
        let rows = inner.iter().map(|(_, row)| to_raw_value(row).ok());
        return (inner.len() > 1).then(|| rows.collect())?;
    }
    // By number, so that row 10 does not come before row 2.
    let mut rows: BTreeMap<u64, BTreeMap<&str, &RawValue>> = BTreeMap::new();
    for (name, values) in &inner {
        for (key, value) in values {
            rows.entry(key.parse().ok()?)
                .or_default()
                .insert(name, value);
        }
    }
    rows.values().map(|row| to_raw_value(row).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_records_of_a_document_are_those_inside() {
        for text in [
            r#"{"data":[{"id":"a","price":1},{"id":"b","price":2}]}"#,
            r#"{"count":2,"results":[{"id":"a","price":1},{"id":"b","price":2}],"tags":["x"]}"#,
            r#"{"columns":["id","price"],"index":[0,1],"data":[["a",1],["b",2]]}"#,
            r#"{"id":{"0":"a","1":"b"},"price":{"0":1,"1":2}}"#,
            r#"{"0":{"id":"a","price":1},"x":{"id":"b","price":2}}"#,
            r#"{"type":"FeatureCollection","features":[
                {"type":"Feature","geometry":null,"properties":{"id":"a","price":1}},
                {"type":"Feature","geometry":null,"properties":{"id":"b","price":2}}]}"#,
        ] {
            let found = records(text.as_bytes()).expect(text);
            let found: Vec<&str> = found.iter().map(|record| record.get()).collect();
            assert_eq!(
                found,
                [r#"{"id":"a","price":1}"#, r#"{"id":"b","price":2}"#],
                "{text}"
            );
        }
        for text in [
            r#"{"id":"a","price":1}"#,
            r#"{"id":"a","place":{"lat":1}}"#,
            r#"{"id":"a","photos":[{"url":"x"},{"url":"y"}]}"#,
            r#"{"a":[{"x":1}],"b":[{"y":1}]}"#,
            "[1]",
        ] {
            assert!(records(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn a_point_gives_its_coordinates() {
        let text = r#"{"features":[{"geometry":{"type":"Point","coordinates":[37.5,55.75]},"properties":{"id":"a"}}]}"#;
        let found = records(text.as_bytes()).expect("a place");
        let found: Value = serde_json::from_str(found[0].get()).expect("an object");
        assert_eq!(
            found,
            serde_json::json!({"id": "a", "longitude": 37.5, "latitude": 55.75})
        );
    }
}
