//! The market: past records like one, and records by place.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Dashboard;
use super::quality::text;
use super::query::{self, LONG, MOMENT, SHORT};
use super::record_sql::{self, PlaceFilter};
use crate::http::refused::Refused;

/// Past records shown at most.
const MOST: usize = 50;
/// Largest record that is compared, in bytes.
const RECORD_BYTES: usize = 64 * 1024;
/// Sides of squares, in degrees.
const CELLS: std::ops::RangeInclusive<f64> = 0.002..=20.0;

/// What may stand behind `/similar?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Many {
    #[serde(default = "five")]
    limit: usize,
}

fn five() -> usize {
    5
}

pub(super) async fn similar(
    dashboard: web::Data<Dashboard>,
    many: web::Query<Many>,
    body: web::Bytes,
) -> Result<HttpResponse, Refused> {
    let found = body.len();
    if found > RECORD_BYTES {
        let why = format!("found a record of {found} bytes; expected at most {RECORD_BYTES}");
        return Err(Refused::new(413, why));
    }
    let record: Map<String, Value> = serde_json::from_slice(&body)
        .map_err(|error| Refused::new(400, format!("expected a record, a JSON object: {error}")))?;
    for value in record.values().filter_map(Value::as_str) {
        text(value)?;
    }
    let schema = &dashboard.schema;
    let sql = record_sql::statistics(schema);
    let statistics = dashboard.query(&sql, &[], LONG);
    let statistics: Value = serde_json::from_slice(&statistics.await?).unwrap_or_default();
    let many = many.limit.clamp(1, MOST);
    let sql = record_sql::similar(schema, &record, &statistics, many);
    Ok(query::json(dashboard.query(&sql, &[], MOMENT).await?))
}

/// What may stand behind `/market?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    /// Records of the last N seconds; 0 for all.
    #[serde(default)]
    since_s: u32,
    /// A number of the schema and its value: only records that have it.
    field: Option<String>,
    value: Option<f64>,
    /// Only records of this market.
    market: Option<String>,
    /// Side of a square in degrees; left out, one row a market.
    cell: Option<f64>,
}

pub(super) async fn market(
    dashboard: web::Data<Dashboard>,
    of: web::Query<Of>,
) -> Result<HttpResponse, Refused> {
    let schema = &dashboard.schema;
    let only = match (&of.field, of.value) {
        (Some(name), Some(value)) if value.is_finite() => {
            let field = schema.features().find(|field| {
                field.name == *name
                    && matches!(
                        field.kind,
                        records::schema::Kind::Number | records::schema::Kind::Integer
                    )
            });
            let field = field.ok_or_else(|| {
                Refused::new(
                    400,
                    format!("expected a number of the schema, found {name}"),
                )
            })?;
            Some((field, value))
        }
        (None, None) => None,
        _ => {
            return Err(Refused::new(
                400,
                "expected both field and value, or neither",
            ));
        }
    };
    if let Some(market) = &of.market {
        text(market)?;
    }
    if let Some(cell) = of.cell
        && !CELLS.contains(&cell)
    {
        let why = format!("cell is {cell}; expected {CELLS:?} degrees");
        return Err(Refused::new(400, why));
    }
    let cell_filter = PlaceFilter {
        since_s: of.since_s,
        only,
        market: of.market.as_deref(),
        cell: of.cell,
    };
    let sql = record_sql::places(schema, &cell_filter).map_err(|why| Refused::new(400, why))?;
    Ok(query::json(dashboard.query(&sql, &[], SHORT).await?))
}
