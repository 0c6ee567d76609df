//! `GET /schema`: the fields of a record in their order, and what stored records hold in them.

use actix_web::{HttpResponse, web};
use records::schema::Kind;
use records::{Purpose, Schema};
use serde::Deserialize;
use serde_json::{Value, json};

use super::quality::text;
use super::query::{self, LONG, SHORT};
use super::{Dashboard, record_sql};
use crate::http::refused::Refused;

fn fields(schema: &Schema) -> Vec<Value> {
    let target = schema.target.as_deref();
    let fields = schema.columns(Purpose::Listing);
    let role = |name: &str| match name {
        name if name == schema.key => "key",
        name if Some(name) == schema.time.as_deref() => "time",
        name if Some(name) == target => "target",
        _ => "field",
    };
    fields
        .map(|field| {
            json!({
                "name": field.name,
                "kind": field.kind,
                "role": role(&field.name),
                "required": schema.is_asked_for(field),
                "min": field.min,
                "max": field.max,
                "unit": field.unit,
                "about": field.about,
                "missing_as": schema.missing_as(field),
            })
        })
        .collect()
}

pub(super) async fn schema(dashboard: web::Data<Dashboard>) -> Result<HttpResponse, Refused> {
    let schema = &dashboard.schema;
    // The form is there without them too.
    let sql = record_sql::statistics(schema);
    let statistics = dashboard.query(&sql, &[], LONG);
    let statistics: Value = match statistics.await {
        Ok(statistics) => serde_json::from_slice(&statistics).unwrap_or_default(),
        Err(_) => Value::Null,
    };
    let found = json!({
        "name": schema.name,
        "version": schema.version,
        "task": schema.task,
        "table": schema.table,
        "key": schema.key,
        "time": schema.time,
        "target": schema.target,
        "class_name": schema.class_name(),
        "area": schema.area(),
        "coordinates": schema.coordinates(),
        "market": record_sql::market(schema).map(|field| &field.name),
        "fields": fields(schema),
        "stored": statistics,
        "asks_for_token": dashboard.is_guarded,
        "build": env!("CARGO_PKG_VERSION"),
    });
    Ok(query::json(found.to_string()))
}

/// What may stand behind `/values?`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    /// A category of the schema.
    field: String,
    /// Only among records whose field of this name …
    within: Option<String>,
    /// … has this value.
    value: Option<String>,
}

/// Levels of a category with how many stored records have each.
pub(super) async fn values(
    dashboard: web::Data<Dashboard>,
    of: web::Query<Of>,
) -> Result<HttpResponse, Refused> {
    let schema = &dashboard.schema;
    let category = |name: &str| {
        let field = schema
            .field(name)
            .filter(|field| field.kind == Kind::Category);
        field.map(|field| field.name.as_str()).ok_or_else(|| {
            Refused::new(
                400,
                format!("expected a category of the schema, found {name}"),
            )
        })
    };
    let field = category(&of.field)?;
    let within = match (&of.within, &of.value) {
        (Some(name), Some(value)) => Some((category(name)?, text(value)?)),
        (None, None) => None,
        _ => {
            return Err(Refused::new(
                400,
                "expected both within and value, or neither",
            ));
        }
    };
    let sql = record_sql::levels(field, within, schema);
    Ok(query::json(dashboard.query(&sql, &[], SHORT).await?))
}
