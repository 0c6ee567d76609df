//! Batches by schedule.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use records::Purpose;
use tokio_cron_scheduler::{Job, JobScheduler};

use crate::config::EmulatorConfig;
use crate::emulate::{Emulator, NotSent};

/// One of the schedules.
struct Schedule {
    purpose: Purpose,
    count: usize,
    /// A batch that takes longer than the pause is not joined by a second one.
    busy: AtomicBool,
}

/// Starts the schedules; they send while the emulator runs and Kafka is there.
///
/// # Errors
/// When the scheduler cannot be started.
pub(crate) async fn start(
    config: &EmulatorConfig,
    emulator: &Arc<Emulator>,
) -> anyhow::Result<JobScheduler> {
    let scheduler = JobScheduler::new().await?;
    for (purpose, every_s, count) in [
        (
            Purpose::Listing,
            config.new_data_every_s,
            config.new_data_count,
        ),
        (
            Purpose::Request,
            config.requests_every_s,
            config.requests_count,
        ),
    ] {
        if count == 0 {
            continue;
        }
        let schedule = Arc::new(Schedule {
            purpose,
            count,
            busy: AtomicBool::new(false),
        });
        let emulator = Arc::clone(emulator);
        let job = Job::new_repeated_async(Duration::from_secs(every_s), move |_, _| {
            let (schedule, emulator) = (Arc::clone(&schedule), Arc::clone(&emulator));
            Box::pin(async move { schedule.fire(&emulator).await })
        })?;
        scheduler.add(job).await?;
    }
    scheduler.start().await?;
    Ok(scheduler)
}

impl Schedule {
    async fn fire(&self, emulator: &Arc<Emulator>) {
        // That Kafka is away has been told once: nothing is made until it is back.
        if !emulator.is_running()
            || !emulator.link.is_up()
            || self.busy.swap(true, Ordering::Relaxed)
        {
            return;
        }
        match emulator.generate(self.purpose, self.count).await {
            Ok(()) | Err(NotSent::Leaving { .. }) => {}
            Err(NotSent::Waiting { .. } | NotSent::Away { .. }) => {
                tracing::debug!("a scheduled batch met an outage");
            }
            Err(error) => tracing::warn!("a scheduled batch was not sent whole: {error}"),
        }
        self.busy.store(false, Ordering::Relaxed);
    }
}
