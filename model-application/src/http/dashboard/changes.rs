//! `GET /changes`: the last day beside the day before it.

use actix_web::{HttpResponse, web};
use ledger::views::{Bind, CHANGES};

use super::Dashboard;
use super::query::{self, LONG};
use crate::http::refused::Refused;

pub(super) async fn changes(dashboard: web::Data<Dashboard>) -> Result<HttpResponse, Refused> {
    let binds = [Bind::Text(&dashboard.schema.table)];
    Ok(query::json(dashboard.query(CHANGES, &binds, LONG).await?))
}
