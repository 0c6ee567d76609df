//! `GET /features/{id}`: a record's row of the datamart that `model-prepare features` makes.

use std::io::ErrorKind;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::{HttpResponse, web};
use common::database::within;
use records::identifier::quoted;
use records::{Purpose, Schema};
use serde_json::{Map, Value, json};
use sqlx::PgPool;

use super::refused::Refused;

/// Longest wait for the database. Then the answer says that it is away.
const WAIT: Duration = Duration::from_secs(3);
/// SQLSTATEs of a table that is not there, a column that is not, and a right that is missing.
const NO_TABLE: &str = "42P01";
const NO_COLUMN: &str = "42703";
const NOT_ALLOWED: &str = "42501";

/// Reads rows of the datamart.
pub(crate) struct Datamart {
    /// Its table.
    table: String,
    /// What its records are: distinguishes their fields from what was made of them.
    schema: Arc<Schema>,
    /// Empty until the database has answered for the first time.
    pool: OnceLock<PgPool>,
}

impl Datamart {
    pub(crate) fn new(table: String, schema: Arc<Schema>) -> Datamart {
        Datamart {
            table,
            schema,
            pool: OnceLock::new(),
        }
    }

    /// From now on rows can be read.
    pub(crate) fn connected(&self, pool: PgPool) {
        // It is connected once: a second pool would change nothing.
        let _ = self.pool.set(pool);
    }

    async fn row(&self, id: &str) -> Result<Map<String, Value>, Refused> {
        let Datamart { table, schema, .. } = self;
        let away =
            |why: &str| Refused::new(503, format!("the database is away ({why}): send it again"));
        let pool = self
            .pool
            .get()
            .ok_or_else(|| away("it has not answered yet"))?;
        // Whatever the setting says, it is a name.
        let sql = format!(
            "SELECT row_to_json(one)::text FROM {} AS one WHERE {} = $1",
            quoted(table),
            quoted(&schema.key)
        );
        let asking = within(pool, WAIT, async |connection| {
            let query = sqlx::query_scalar(&sql).bind(id);
            query.fetch_optional(connection).await
        });
        let found: Option<String> = match asking.await {
            Ok(found) => found,
            Err(sqlx::Error::Io(error)) if error.kind() == ErrorKind::TimedOut => {
                return Err(away("no answer in time"));
            }
            Err(error) => {
                let code = error
                    .as_database_error()
                    .and_then(|database_error| database_error.code());
                return Err(match code.as_deref() {
                    Some(NO_TABLE | NO_COLUMN) => Refused::new(
                        404,
                        format!(
                            "the feature table {table} of the schema {} does not exist: model-prepare features \
                             --to {table} makes it (features.table names another)",
                            schema.name
                        ),
                    ),
                    Some(NOT_ALLOWED) => Refused::new(
                        403,
                        format!("the service may not read {table}: GRANT SELECT ON {table}"),
                    ),
                    Some(code) => Refused::new(500, format!("{table} cannot be read ({code})")),
                    None => away("its connection failed"),
                });
            }
        };
        let found = found.ok_or_else(|| {
            let why = format!(
                "no record {id:?} in the feature table {table}; what was stored after its last update, \
                 model-prepare features adds"
            );
            Refused::new(404, why)
        })?;
        serde_json::from_str(&found)
            .map_err(|error| Refused::new(500, format!("a row of {table} is not JSON: {error}")))
    }

    /// A row in its parts: the record, what was made of it, and the rest by its name.
    fn answer(&self, row: Map<String, Value>) -> Value {
        let (mut record, mut features) = (Map::new(), Map::new());
        let mut answer = json!({ "id": row.get(&self.schema.key) });
        let is_field = |name: &str| {
            let mut fields = self.schema.columns(Purpose::Listing);
            fields.any(|field| field.name == name)
        };
        for (name, value) in row {
            if is_field(&name) {
                record.insert(name, value);
            } else if name.starts_with("x_") {
                features.insert(name, value);
            } else {
                answer[name] = value;
            }
        }
        answer["record"] = record.into();
        answer["features"] = features.into();
        answer
    }
}

pub(super) async fn features(
    datamart: web::Data<Datamart>,
    id: web::Path<String>,
) -> Result<HttpResponse, Refused> {
    if id.contains('\0') {
        return Err(Refused::new(404, "no record has a NUL character in its id"));
    }
    let row = datamart.row(&id).await?;
    Ok(HttpResponse::Ok().json(datamart.answer(row)))
}
