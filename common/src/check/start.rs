//! The check of tables at a service's start: what `--check` fails is never written to.

use std::time::Duration;

use backon::Retryable;
use sqlx::PgPool;

use super::database::{ledger_tables, look};
use super::{Finding, Outcome, Table};
use crate::database::{forever, within};
use crate::fault::Fault;
use crate::health::Health;
use crate::shutdown::Shutdown;

/// Bounds one look at the tables.
const DEADLINE: Duration = Duration::from_secs(30);

/// Looks at the tables that a service is about to write, `tables` and those that the services share, by the
/// code of `--check`; retries while the database is away. `false` when shut down before.
///
/// # Errors
/// When a table is not as it must be: the message names each column, with what was expected, what was found
/// and the SQL that fixes it. The service must not write, and ends.
pub async fn must_fit(
    pool: &PgPool,
    tables: &[Table],
    health: &Health,
    shutdown: &Shutdown,
) -> anyhow::Result<bool> {
    health.waiting("database", "checking its tables");
    let looking = (|| findings(pool, tables))
        .retry(forever())
        .when(|error| Fault::of_database(error) != Fault::Setup)
        .notify(|error, wait| {
            let why = format!("cannot check the tables: {error}");
            tracing::warn!(retry_in_ms = wait.as_millis() as u64, "{why}");
            health.waiting("database", why);
        });
    let findings = tokio::select! {
        findings = looking => findings?,
        () = shutdown.cancelled() => return Ok(false),
    };
    let failed: Vec<String> = findings
        .iter()
        .filter(|finding| finding.outcome == Outcome::Failed)
        .map(|finding| {
            let Finding { check, found, .. } = finding;
            let mend = finding.mend.as_deref().unwrap_or_default();
            format!("{check}: {found}; remedy: {mend}")
        })
        .collect();
    if !failed.is_empty() {
        let why = failed.join("; ");
        health.waiting("database", why.clone());
        anyhow::bail!("the service cannot write the tables of the database: {why}");
    }
    for finding in findings
        .iter()
        .filter(|finding| finding.outcome == Outcome::Warning)
    {
        tracing::warn!(check = &*finding.check, "{}", finding.found);
    }
    health.ready("database");
    Ok(true)
}

async fn findings(pool: &PgPool, tables: &[Table]) -> Result<Vec<Finding>, sqlx::Error> {
    within(pool, DEADLINE, async |connection| {
        let version = ledger::migrations::applied(connection).await?;
        let mut findings = vec![ledger_tables(connection, version).await?];
        for table in tables {
            let there = look(connection, table).await?;
            findings.push(match there.columns.is_empty() {
                true => table.absent(),
                false => table.judge(&there),
            });
        }
        Ok(findings)
    })
    .await
}
