//! Servers and the ways to them: frozen, cut, slow, killed.

use std::time::Duration;

use anyhow::Context;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use testbed::{Gate, signal};

use crate::world::World;

/// Processes with a connection of a service.
const BACKENDS: &str = "SELECT pid FROM pg_stat_activity \
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() \
    AND application_name <> 'chaos' AND datname = current_database()";

pub async fn freeze(gate: &Gate, lasts: Duration) {
    gate.freeze();
    tokio::time::sleep(lasts).await;
    gate.thaw();
}

pub async fn cut(gate: &Gate, lasts: Duration) {
    gate.set_open(false);
    tokio::time::sleep(lasts).await;
    gate.set_open(true);
}

/// Away and back again, before those who come back are settled.
pub async fn flap(gate: &Gate, rng: &mut ChaCha8Rng) {
    for _ in 0..rng.random_range(4..10) {
        cut(gate, Duration::from_millis(rng.random_range(50..1500))).await;
        tokio::time::sleep(Duration::from_millis(rng.random_range(50..1500))).await;
    }
}

pub async fn delay(gate: &Gate, rng: &mut ChaCha8Rng, lasts: Duration) {
    gate.delay(Duration::from_millis(rng.random_range(20..400)));
    tokio::time::sleep(lasts).await;
    gate.delay(Duration::ZERO);
}

pub async fn stop_broker(world: &World, lasts: Duration) -> anyhow::Result<()> {
    let pid = world.kafka.pid().context("the broker does not run")?;
    stop(&pid, lasts).await;
    Ok(())
}

pub async fn stop_backend(
    world: &World,
    rng: &mut ChaCha8Rng,
    lasts: Duration,
) -> anyhow::Result<()> {
    let pid = backend(world, rng).await?;
    stop(&pid, lasts).await;
    Ok(())
}

/// PostgreSQL then ends all others too, throws its shared memory away and recovers from its log.
pub async fn kill_backend(world: &World, rng: &mut ChaCha8Rng) -> anyhow::Result<()> {
    let pid = backend(world, rng).await?;
    signal("KILL", &pid);
    Ok(())
}

pub async fn end_backends(world: &World) -> anyhow::Result<()> {
    let sql = format!("SELECT count(pg_terminate_backend(pid)) FROM ({BACKENDS}) AS services");
    sqlx::query(&sql).execute(&world.pool).await?;
    Ok(())
}

/// New connections wait; those there are continue.
pub async fn stop_postmaster(world: &World, lasts: Duration) -> anyhow::Result<()> {
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&world.pool)
        .await?;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // pid (name) state parent …
    let parent = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.split_whitespace().nth(1));
    stop(parent.context("a parent")?, lasts).await;
    Ok(())
}

async fn backend(world: &World, rng: &mut ChaCha8Rng) -> anyhow::Result<String> {
    let pids: Vec<i32> = sqlx::query_scalar(BACKENDS).fetch_all(&world.pool).await?;
    let index = (!pids.is_empty()).then(|| rng.random_range(0..pids.len()));
    Ok(pids[index.context("no service is connected")?].to_string())
}

async fn stop(pid: &str, lasts: Duration) {
    signal("STOP", pid);
    tokio::time::sleep(lasts).await;
    signal("CONT", pid);
}
