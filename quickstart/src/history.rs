//! The listings that the first model learns from.

use sqlx::PgPool;

use crate::bounds::Bounds;
use crate::screen::Screen;
use crate::services::{LOOK, Services, number};

/// Listings made before the first training.
const HISTORY: u64 = 20_000;
/// Fewer stored listings than this are not taken for a history of an earlier run.
const ENOUGH: i64 = HISTORY as i64 / 2;
/// Listings asked for at a time.
const CHUNK: u64 = 4_000;
/// Listings that may be on their way: the embedded broker drops what it cannot hold (5 MB a
/// partition, and all may go to one). It is enough to be busy until the loader has its partitions.
const AHEAD: u64 = 12_000;

/// Makes the history where there is none; `listings` are stored already.
///
/// # Errors
/// When a service does not answer or refuses.
pub(crate) async fn ensure(
    listings: i64,
    services: &Services,
    pool: &PgPool,
    table: &str,
    bounds: &Bounds,
    screen: &Screen,
) -> anyhow::Result<()> {
    let thousands = crate::amount::whole;
    if listings >= ENOUGH {
        let kept = format!("{} listings of earlier runs", thousands(listings as f64));
        screen.done("history", &kept);
        return Ok(());
    }
    loop {
        let statuses = services.statuses().await;
        let done = number(&statuses.loader, "stored") + number(&statuses.loader, "rejected");
        // Also those of a batch that was answered too late.
        let sent = number(&statuses.emulator, "new_data_made");
        let of = format!(
            "{} of {} listings",
            thousands(done as f64),
            thousands(HISTORY as f64)
        );
        screen.doing("history", &of);
        let waiting = statuses.waiting_for().unwrap_or_default();
        bounds.wait_for(format!("the history: {of} are stored; {waiting}"));
        if done >= HISTORY {
            break;
        }
        if sent < HISTORY && sent + CHUNK <= done + AHEAD {
            let path = format!("/generate/new_data?count={CHUNK}");
            if let Err(error) = services.trigger_once(&path).await {
                tracing::info!("requesting listings again: {error:#}");
                tokio::time::sleep(LOOK).await;
            }
        } else {
            tokio::time::sleep(LOOK).await;
        }
    }
    let listings = count(pool, table).await?;
    let stored = format!("{} listings stored", thousands(listings as f64));
    screen.done("history", &stored);
    Ok(())
}

/// Rows of a table of ours.
pub(crate) async fn count(pool: &PgPool, table: &str) -> anyhow::Result<i64> {
    let sql = format!(
        "SELECT count(*) FROM {}",
        records::identifier::quoted(table)
    );
    Ok(sqlx::query_scalar(&sql).fetch_one(pool).await?)
}
