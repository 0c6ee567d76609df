//! Runs by schedule.

use std::sync::Arc;

use tokio_cron_scheduler::{Job, JobScheduler};

use crate::control::Control;

/// Says whether an expression is a schedule.
///
/// # Errors
/// When it is not; the message has an example.
pub fn check(expression: &str) -> anyhow::Result<()> {
    job(expression, None).map(drop)
}

/// Begins a run each time.
///
/// # Errors
/// When the expression is not a schedule, or the scheduler cannot be started.
pub(crate) async fn start(
    expression: &str,
    control: &Arc<Control>,
) -> anyhow::Result<JobScheduler> {
    let scheduler = JobScheduler::new().await?;
    scheduler
        .add(job(expression, Some(Arc::clone(control)))?)
        .await?;
    scheduler.start().await?;
    Ok(scheduler)
}

fn job(expression: &str, control: Option<Arc<Control>>) -> anyhow::Result<Job> {
    Job::new(expression, move |_, _| {
        if let Some(control) = &control
            && !control.start()
        {
            tracing::warn!("the run before is still under way: this one is left out");
        }
    })
    .map_err(|_| {
        anyhow::anyhow!(
            "crawler.schedule = {expression:?} is not a schedule: expected six parts, second minute hour \
             day month weekday, in UTC, such as \"0 0 3 * * *\" (every day at 3)"
        )
    })
}
