//! `GET /overview`: how everything stands, in one answer.

use actix_web::{HttpResponse, web};
use common::Health;
use ledger::views::{Bind, COUNTS};
use records::timestamp;
use serde_json::{Value, json};

use super::Dashboard;
use super::query::{self, MOMENT};

impl Dashboard {
    /// The status, the counts of the last hour, and the quality of whole models. Counts are null while the
    /// database is away: the status says so.
    pub(super) async fn overview(&self, health: &Health) -> Value {
        let counts = self
            .query(COUNTS, &[Bind::Text(&self.schema.table)], MOMENT)
            .await;
        let counts = counts
            .ok()
            .and_then(|text| serde_json::from_slice::<Value>(&text).ok());
        let mut status = (self.status)();
        // Of every partition: not looked at here.
        if let Some(status) = status.as_object_mut() {
            status.remove("offsets");
            status.remove("partitions");
        }
        json!({
            "at": timestamp::format(timestamp::now_us()),
            "ready": health.is_ready(),
            "parts": health.report(),
            "status": status,
            "counts": counts,
            "quality": self.rounds.in_short(),
            "services": self.peers.statuses().await,
        })
    }
}

pub(super) async fn overview(
    dashboard: web::Data<Dashboard>,
    health: web::Data<Health>,
) -> HttpResponse {
    query::json(dashboard.overview(&health).await.to_string())
}
