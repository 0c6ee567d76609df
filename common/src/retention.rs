//! Keeps the services' tables from growing forever; the loader and the applier each run it, one at a time
//! deletes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ledger::retention::{Table, delete_batch};
use serde::Deserialize;
use sqlx::PgPool;

use crate::database::within;
use crate::metrics::{RETENTION_DELETED, RETENTION_LAST_RUN};
use crate::shutdown::Shutdown;

/// Bounds one batch on the client's side, a moment beyond the server's own bound.
const DEADLINE: Duration = Duration::from_secs(30);

/// Section `[retention]`. Days of 0 keep a table's rows forever.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionConfig {
    /// A request that is sent again later than this is answered again.
    pub answers_days: u32,
    /// A label that is older than this counts no more.
    pub actuals_days: u32,
    /// Bounds the drift that can be computed.
    pub tallies_days: u32,
    /// Bounds the history of quality.
    pub quality_days: u32,
    /// A reject that is older can no longer be replayed from the table.
    pub rejects_days: u32,
    /// Bounds the history of arrivals.
    pub arrivals_days: u32,
    /// Pause between two rounds over all tables.
    pub every_s: u64,
    /// Rows of one delete: bounds its locks and its run.
    pub batch_rows: u32,
    /// Pause after each delete: answering goes first.
    pub pause_ms: u64,
}

impl RetentionConfig {
    fn days(&self, table: Table) -> u32 {
        match table {
            Table::Answers => self.answers_days,
            Table::Actuals => self.actuals_days,
            Table::Tallies => self.tallies_days,
            Table::Quality => self.quality_days,
            Table::Rejects => self.rejects_days,
            Table::Arrivals => self.arrivals_days,
        }
    }
}

/// Deletes what is older than its retention, round after round, until shutdown. A failed round is logged, and
/// the next one continues.
pub async fn keep(pool: PgPool, config: RetentionConfig, shutdown: Shutdown) {
    let rounds = async {
        loop {
            match round(&pool, &config).await {
                Ok(()) => {
                    let now = SystemTime::now().duration_since(UNIX_EPOCH);
                    metrics::gauge!(RETENTION_LAST_RUN.name())
                        .set(now.unwrap_or_default().as_secs_f64());
                }
                Err(error) => {
                    let retry_in_s = config.every_s;
                    tracing::warn!(%error, retry_in_s, "cannot delete old rows now");
                }
            }
            tokio::time::sleep(Duration::from_secs(config.every_s.max(1))).await;
        }
    };
    tokio::select! {
        () = rounds => {}
        () = shutdown.cancelled() => {}
    }
}

/// One round over all tables; another service that deletes at the same time ends it early.
///
/// # Errors
/// When the database fails; what was deleted until then is.
pub async fn round(pool: &PgPool, config: &RetentionConfig) -> Result<(), sqlx::Error> {
    let batch_rows = config.batch_rows.max(1);
    for table in Table::ALL {
        let days = config.days(table);
        if days == 0 {
            continue;
        }
        let mut reached: Option<String> = None;
        let mut deleted = 0;
        loop {
            let from = reached.take();
            let batch = within(pool, DEADLINE, async |connection| {
                delete_batch(connection, table, days, batch_rows, from.as_deref()).await
            })
            .await?;
            let Some(batch) = batch else {
                return Ok(());
            };
            deleted += batch.rows;
            metrics::counter!(RETENTION_DELETED.name(), "table" => table.name())
                .increment(batch.rows);
            if batch.rows < u64::from(batch_rows) {
                break;
            }
            reached = batch.reached;
            tokio::time::sleep(Duration::from_millis(config.pause_ms)).await;
        }
        if deleted > 0 {
            let table = table.name();
            tracing::info!(
                table,
                deleted,
                days,
                "deleted rows older than their retention"
            );
        }
    }
    Ok(())
}
