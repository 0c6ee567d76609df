//! Queries over the table of records, whose columns follow from the schema.

use std::fmt::Write;

use records::identifier::{literal, quoted};
use records::schema::{Field, Kind};
use records::{Purpose, Schema};
use serde_json::{Map, Value};

/// Records that statistics are made of: the newest.
const SAMPLE: usize = 20_000;
/// Records among which similar ones are looked for, and that the map shows: the newest.
const NEWEST: usize = 50_000;
/// Levels of a field that are listed.
const LEVELS: usize = 400;

/// The newest records, by the time of the schema where it has one: it has an index.
fn newest_rows(schema: &Schema, many: usize) -> String {
    let table = quoted(&schema.table);
    match &schema.time {
        Some(time) => format!(
            "(SELECT * FROM {table} ORDER BY {} DESC LIMIT {many})",
            quoted(time)
        ),
        None => format!("(SELECT * FROM {table} LIMIT {many})"),
    }
}

pub(super) fn newest(schema: &Schema, many: i64) -> String {
    let many = usize::try_from(many).unwrap_or(1);
    let rows = newest_rows(schema, many);
    format!("SELECT coalesce(json_agg(one), '[]')::text FROM {rows} AS one")
}

pub(super) fn by_ids(schema: &Schema, ids: &[&str]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| literal(id)).collect();
    let (table, key) = (quoted(&schema.table), quoted(&schema.key));
    format!(
        "SELECT coalesce(json_agg(one), '[]')::text FROM \
         (SELECT * FROM {table} WHERE {key} IN ({}) LIMIT 50) AS one",
        ids.join(", ")
    )
}

/// What stored records hold in each field: levels with their counts, or quantiles.
pub(super) fn statistics(schema: &Schema) -> String {
    let mut parts = String::new();
    for field in schema.columns(Purpose::Listing) {
        let Some(part) = statistic(field) else {
            continue;
        };
        if !parts.is_empty() {
            parts.push_str(", ");
        }
        write!(parts, "{}, {part}", literal(&field.name)).expect("writing to a String cannot fail");
    }
    format!(
        "WITH kept AS MATERIALIZED {} SELECT json_build_object('rows', (SELECT count(*) FROM kept), \
         'fields', json_build_object({parts}))::text",
        newest_rows(schema, SAMPLE)
    )
}

fn statistic(field: &Field) -> Option<String> {
    let name = quoted(&field.name);
    Some(match field.kind {
        Kind::Text => return None,
        Kind::Category | Kind::Boolean => format!(
            "(SELECT json_build_object('levels', coalesce(json_agg(json_build_array(level, count)), '[]')) FROM \
             (SELECT {name} AS level, count(*) FROM kept WHERE {name} IS NOT NULL GROUP BY 1 \
             ORDER BY 2 DESC, 1 LIMIT {LEVELS}) AS levels)"
        ),
        Kind::Number | Kind::Integer => format!(
            "(SELECT json_build_object('quantiles', percentile_cont(ARRAY[0, 0.02, 0.25, 0.5, 0.75, 0.98, 1]) \
             WITHIN GROUP (ORDER BY {name}::float8), 'known', count({name})) FROM kept)"
        ),
        Kind::Timestamp => {
            format!(
                "(SELECT json_build_object('first', min({name}), 'last', max({name})) FROM kept)"
            )
        }
    })
}

/// Levels of a field among records that have another field's value.
pub(super) fn levels(field: &str, within: Option<(&str, &str)>, schema: &Schema) -> String {
    let name = quoted(field);
    let condition = within.map_or_else(String::new, |(other, value)| {
        format!(" AND {} = {}", quoted(other), literal(value))
    });
    format!(
        "SELECT coalesce(json_agg(json_build_array(level, count)), '[]')::text FROM (\
         SELECT {name} AS level, count(*) FROM {} AS kept WHERE {name} IS NOT NULL{condition} \
         GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {LEVELS}) AS levels",
        newest_rows(schema, NEWEST)
    )
}

/// The field whose levels are markets: the first category of the schema.
pub(super) fn market(schema: &Schema) -> Option<&Field> {
    schema.features().find(|field| field.kind == Kind::Category)
}

/// Past records like one, the most alike first: of the same market where it names one. A difference of
/// numbers counts by the spread of the field, another level as one.
pub(super) fn similar(
    schema: &Schema,
    record: &Map<String, Value>,
    spreads: &Value,
    many: usize,
) -> String {
    let mut distance = String::from("0");
    let mut condition = String::from("true");
    let first = market(schema).map(|field| field.name.as_str());
    for field in schema.features() {
        let (name, value) = (quoted(&field.name), record.get(&field.name));
        match (field.kind, value) {
            (Kind::Category, Some(Value::String(level))) => {
                let level = literal(level);
                if Some(field.name.as_str()) == first {
                    condition = format!("{name} = {level}");
                } else {
                    distance += &format!(
                        " + CASE WHEN {name} = {level} THEN 0 WHEN {name} IS NULL THEN 0.5 ELSE 1 END"
                    );
                }
            }
            (Kind::Number | Kind::Integer, Some(Value::Number(number))) => {
                let quantiles = &spreads["fields"][&field.name]["quantiles"];
                let at = |index: usize| quantiles[index].as_f64();
                let spread = at(4).zip(at(2)).map(|(high, low)| high - low);
                let spread = spread.filter(|spread| *spread > 0.0).unwrap_or(1.0);
                let Some(number) = number.as_f64().filter(|number| number.is_finite()) else {
                    continue;
                };
                distance += &format!(
                    " + coalesce(least(abs({name}::float8 - ({number:e})) / ({spread:e}), 3), 0.5)"
                );
            }
            _ => {}
        }
    }
    let target = schema.target.as_deref().map_or_else(String::new, |target| {
        format!(" AND {} IS NOT NULL", quoted(target))
    });
    format!(
        "SELECT coalesce(json_agg(one), '[]')::text FROM (SELECT *, {distance} AS distance FROM {} AS kept \
         WHERE {condition}{target} ORDER BY distance LIMIT {many}) AS one",
        newest_rows(schema, NEWEST)
    )
}

/// Which places the map shows.
pub(super) struct PlaceFilter<'a> {
    /// Records of the last N seconds; 0 for all.
    pub since_s: u32,
    /// A field and its value.
    pub only: Option<(&'a Field, f64)>,
    /// A level of the market.
    pub market: Option<&'a str>,
    /// Side of a square in degrees; `None` for one row a market.
    pub cell: Option<f64>,
}

/// Records by market or by square: how many, the median target, and the median by size. A message where the
/// schema has neither.
pub(super) fn places(schema: &Schema, filter: &PlaceFilter<'_>) -> Result<String, &'static str> {
    let first = market(schema).map(|field| quoted(&field.name));
    let first = first.as_deref().unwrap_or("NULL::text");
    let mut condition = String::from("true");
    if let (true, Some(time)) = (filter.since_s > 0, &schema.time) {
        condition += &format!(
            " AND {} > now() - make_interval(secs => {})",
            quoted(time),
            filter.since_s
        );
    }
    if let Some((field, value)) = filter.only {
        condition += &format!(" AND {}::float8 = ({value:e})", quoted(&field.name));
    }
    if let Some(market) = filter.market {
        condition += &format!(" AND {first} = {}", literal(market));
    }
    let coordinates = schema.coordinates();
    let (latitude, longitude) = match coordinates {
        Some((latitude, longitude)) => (
            quoted(latitude).into_owned(),
            quoted(longitude).into_owned(),
        ),
        None => ("NULL::float8".to_owned(), "NULL::float8".to_owned()),
    };
    let group = match filter.cell {
        None => "1".to_owned(),
        Some(_) if coordinates.is_none() => return Err("the schema has no coordinates"),
        Some(cell) => {
            condition += &format!(" AND {latitude} IS NOT NULL AND {longitude} IS NOT NULL");
            format!("floor({latitude} / ({cell:e})), floor({longitude} / ({cell:e}))")
        }
    };
    let name = match filter.cell {
        None => first.to_owned(),
        Some(_) => format!("mode() WITHIN GROUP (ORDER BY {first})"),
    };
    let numeric = |name: &&str| {
        let field = schema.field(name);
        field.is_some_and(|field| matches!(field.kind, Kind::Number | Kind::Integer))
    };
    let target = schema.target.as_deref().filter(numeric).map(quoted);
    let target = target.as_deref().unwrap_or("NULL::float8");
    let area = schema.area().map(quoted);
    let by_area = match area.as_deref() {
        Some(area) => format!("{target}::float8 / nullif({area}::float8, 0)"),
        None => "NULL::float8".to_owned(),
    };
    Ok(format!(
        "SELECT coalesce(json_agg(one), '[]')::text FROM (SELECT {name} AS name, count(*) AS count, \
         percentile_cont(0.5) WITHIN GROUP (ORDER BY {target}::float8) AS target, \
         percentile_cont(0.5) WITHIN GROUP (ORDER BY {by_area}) AS by_area, \
         percentile_cont(0.5) WITHIN GROUP (ORDER BY {latitude}) AS latitude, \
         percentile_cont(0.5) WITHIN GROUP (ORDER BY {longitude}) AS longitude \
         FROM {} AS kept WHERE {condition} GROUP BY {group} ORDER BY 2 DESC LIMIT 3000) AS one",
        newest_rows(schema, NEWEST)
    ))
}
