//! Sessions of others that hold the tables.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use sqlx::Connection;

use crate::faults;
use crate::fleet::Role;
use crate::ledger::Stream;
use crate::world::World;

/// A reader stays for so long, unless all continues meanwhile.
const READ: Duration = Duration::from_secs(30);
/// Messages of the first seconds of a read must be done while it continues.
const FIRST: Duration = Duration::from_secs(2);

/// Reads all tables in one transaction, as pg_dump does, while services are started: reading must hold
/// nobody up.
pub async fn read_tables(world: &Arc<World>, rng: &mut ChaCha8Rng) -> anyhow::Result<()> {
    let mut reader = world.pool.acquire().await?;
    let mut reading = reader.begin().await?;
    sqlx::raw_sql("LOCK TABLE answers, listings, rejects, actuals, offsets IN ACCESS SHARE MODE")
        .execute(&mut *reading)
        .await?;
    for role in Role::ALL {
        faults::kill(world, role, rng)?;
    }
    tokio::time::sleep(FIRST).await;
    let first = Instant::now();
    let waits = || {
        let mut streams = Stream::ALL.into_iter();
        streams.find_map(|stream| world.ledger.oldest(stream, first))
    };
    while let Some((key, age)) = waits() {
        if first.elapsed() > READ {
            world.journal.violation(format!(
                "somebody who reads the tables stops {}: message {} has waited for {:.0} s\n{}",
                key.stream.name(),
                key.number,
                age.as_secs_f64(),
                world.tails(),
            ));
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    reading.rollback().await?;
    Ok(())
}

/// A transaction that holds the tables against writers, and does nothing.
pub async fn hold_tables(world: &World, lasts: Duration) -> anyhow::Result<()> {
    let mut holder = world.pool.acquire().await?;
    let mut holding = holder.begin().await?;
    sqlx::raw_sql(
        "SET LOCAL lock_timeout = '5s'; \
         LOCK TABLE answers, listings, offsets IN SHARE ROW EXCLUSIVE MODE",
    )
    .execute(&mut *holding)
    .await?;
    tokio::time::sleep(lasts).await;
    holding.rollback().await?;
    Ok(())
}
