//! A set-up's health: what a program needs is requested once, and each line passes or states what to
//! fix. Nothing is changed by it: no topic and no table is made, no group is joined.

mod broker;
mod clock;
mod database;
mod ddl;
mod directory;
mod finding;
mod needs;
mod report;
mod start;
mod table;

use std::time::Duration;

pub use directory::Directory;
pub use finding::{Finding, Outcome};
pub use needs::Needs;
pub use report::{Format, Report};
pub use start::must_fit;
pub use table::{Column, Table};

/// Longest wait for one answer of a server.
pub const LIMIT: Duration = Duration::from_secs(5);

/// Checks `needs`, prints the report on standard output and ends the process: 0 when nothing failed,
/// else 1. Settings that are not valid are a failed line of their own.
pub async fn answer(needs: anyhow::Result<Needs>, format: Format) -> ! {
    crate::telemetry::log("error", false);
    crate::telemetry::choose_tls_provider();
    let report = report(needs, LIMIT).await;
    report.print(format);
    // A thread that waits for a server that is away is not waited for.
    std::process::exit(i32::from(!report.is_healthy()))
}

/// What [`answer`] prints; `limit` bounds one answer of a server.
pub async fn report(needs: anyhow::Result<Needs>, limit: Duration) -> Report {
    match needs {
        Ok(needs) => needs.check(limit).await,
        Err(error) => Report {
            findings: vec![Finding::failed(
                "settings",
                format!("{error:#}"),
                "correct this setting; config/default.toml lists all settings",
            )],
        },
    }
}
